"""Reading a store back at start: series, spans, and the rows of the log.

What is damaged is left out, counted and named in the log; everything else comes back. A row on disk
is right if its checksum is.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray

from sakshi.model.labels import Labels
from sakshi.storage.checksum import is_sound
from sakshi.storage.column import NEVER_MS
from sakshi.storage.deletion import DeletedRange
from sakshi.storage.errors import StorageError
from sakshi.storage.head import Head
from sakshi.storage.record import LoggedRow, LogRecord, RowDecoder
from sakshi.storage.roster import ListedSeries, decode_batch
from sakshi.storage.span import Span
from sakshi.storage.store import Columns
from sakshi.storage.target import TargetHead

SELECT_EXPIRY: Final = "select before_ms, log_id, checksum from expiry"
SELECT_LAST_LOG: Final = "select coalesce(max(id), 0) from log"
SELECT_FAMILIES: Final = "select id, cast(name as blob), checksum from family"
SELECT_TARGETS: Final = "select id, cast(labels as blob), checksum from target order by id"
SELECT_BATCHES: Final = (
    "select id, target_id, column_max, series_count, checksum, body from series_batch order by id"
)
SELECT_ENDS: Final = "select target_id, column_number, end_ms, checksum from series_end"
SELECT_SPANS: Final = "select id, target_id, start_ms, end_ms, row_count from span order by id"
SELECT_SPAN: Final = "select timestamps, checksum from span where id = ?"
SELECT_DELETIONS: Final = (
    "select id, target_id, column_number, start_ms, end_ms, checksum from deletion"
)
SELECT_LOG: Final = (
    "select id, target_id, start_ms, end_ms, row_count, is_full, checksum, body "
    "from log order by id"
)

COLUMNS_MAX: Final = 1 << 24  # of a target; a larger number is damage, not a column

logger = logging.getLogger(__name__)


class Restorer:
    """Fills a head from a database.

    Args:
        connection: reads the database; nobody writes to it meanwhile.
        head: empty.
    """

    def __init__(self, connection: sqlite3.Connection, head: Head) -> None:
        self.damaged = 0
        self.logs: dict[int, list[LogRecord]] = defaultdict(list)
        self.families: dict[str, int] = {}
        self.last_log_id = 0
        self._connection = connection
        self._head = head
        self._expired_ms = self._expired_id = 0
        self._targets: dict[int, TargetHead] = {}
        self._deletions: dict[int, list[DeletedRange]] = defaultdict(list)
        self._columns: dict[int, set[int]] = defaultdict(set)
        self._known: dict[int, KnownColumns] = defaultdict(
            lambda: KnownColumns(np.empty(0, np.intp), None)
        )

    def run(self) -> None:
        """Read everything."""
        self._restore_expiry()
        (last_id,) = self._connection.execute(SELECT_LAST_LOG).fetchone()
        self.last_log_id = max(last_id, self._expired_id)
        self._restore_families()
        self._restore_targets()
        self._restore_series()
        self._restore_spans()
        self._restore_log()
        self._read_deletions()
        for target in self._targets.values():
            target.end_restore()
            target.restore_deletions(self._deletions[target.id])

    def _restore_expiry(self) -> None:
        for before_ms, log_id, expected in self._connection.execute(SELECT_EXPIRY):
            numbers = (before_ms, log_id)
            unchecked = expected is None and all(isinstance(number, int) for number in numbers)
            if unchecked or is_sound(expected, b"", *numbers):
                self._expired_ms, self._expired_id = numbers
            else:
                self._report("expiry", 1)

    def _restore_families(self) -> None:
        for id, name, expected in self._connection.execute(SELECT_FAMILIES):
            if is_sound(expected, name, id):
                self.families[name.decode()] = id
                self._head.index.restore_family(name.decode(), id)
            else:
                self._report("family", id)

    def _restore_targets(self) -> None:
        for id, labels, expected in self._connection.execute(SELECT_TARGETS):
            if is_sound(expected, labels, id):
                self._targets[id] = self._head.restore_target(id, _parse_labels(labels))
            else:
                self._report("target", id)
                self._head.reserve_target(id)

    def _restore_series(self) -> None:
        listed: dict[int, dict[int, ListedSeries]] = defaultdict(dict)
        for row in self._connection.execute(SELECT_BATCHES):
            id, target_id, column_max, count, expected, body = row
            target = self._targets.get(target_id)
            if target is None:
                continue
            if is_sound(expected, body, target_id, column_max, count):
                listed[target_id].update((one.column, one) for one in decode_batch(body))
            else:
                self._report("series_batch", id, target)
                if isinstance(column_max, int) and 0 <= column_max < COLUMNS_MAX:
                    target.reserve_column(column_max)
        ends = self._read_ends()
        for target_id, series in listed.items():
            self._columns[target_id] = set(series)
            for column, one in series.items():
                end_ms = ends.get((target_id, column))
                self._targets[target_id].restore_column(column, one.labels, one.first_ms, end_ms)

    def _read_ends(self) -> dict[tuple[int, int], int]:
        """Return when series ended, by target and column; without a damaged one it is guessed."""
        ends: dict[tuple[int, int], int] = {}
        for target_id, column, end_ms, expected in self._connection.execute(SELECT_ENDS):
            if is_sound(expected, b"", target_id, column, end_ms):
                ends[target_id, column] = end_ms
            else:
                self._report("series_end", column, self._targets.get(target_id))
        return ends

    def _restore_spans(self) -> None:
        spans = defaultdict(list)
        for id, target_id, *numbers in self._connection.execute(SELECT_SPANS):
            if all(isinstance(number, int) for number in numbers):
                spans[target_id].append(Span(id, *numbers))
            else:
                self._report("span", id)
        for target in self._targets.values():
            target.restore_spans(self._verify_newest(target, spans[target.id]))

    def _verify_newest(self, target: TargetHead, spans: list[Span]) -> list[Span]:
        """Leave out damaged spans until the newest is sound: log rows up to its end are not read.

        The others are verified when they are read.
        """
        spans = list(spans)
        while spans:
            newest = max(spans, key=lambda span: span.end_ms)
            numbers = (target.id, newest.start_ms, newest.end_ms, newest.row_count)
            timestamps, expected = self._connection.execute(SELECT_SPAN, (newest.id,)).fetchone()
            if is_sound(expected, timestamps, *numbers):
                break
            self._report("span", newest.id, target)
            spans.remove(newest)
        return spans

    def _restore_log(self) -> None:
        decoders: dict[int, RowDecoder] = defaultdict(RowDecoder)
        try:
            for id, target_id, *rest in self._connection.execute(SELECT_LOG):
                target = self._targets.get(target_id)
                if target is None:
                    self._report("log", id)
                    continue
                self._restore_record(id, target, decoders[target_id], *rest)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CORRUPT:
                raise
            self._report("log", -1, None, str(error))  # a page: what lies behind it is lost

    def _read_deletions(self) -> None:
        for id, target_id, column, start_ms, end_ms, expected in self._connection.execute(
            SELECT_DELETIONS
        ):
            if is_sound(expected, b"", target_id, column, start_ms, end_ms):
                self._deletions[target_id].append((column, start_ms, end_ms))
            else:
                self._report("deletion", id, self._targets.get(target_id))

    def _restore_record(
        self,
        id: int,
        target: TargetHead,
        decoder: RowDecoder,
        start_ms: int,
        end_ms: int,
        row_count: int,
        is_full: int,
        expected: int,
        body: bytes,
    ) -> None:
        if not is_sound(expected, body, target.id, start_ms, end_ms, row_count, is_full):
            decoder.break_chain()
            self._report("log", id, target)
            # It goes with the records before it: when it ended cannot be trusted.
            self.logs[target.id].append(LogRecord(id, end_ms=NEVER_MS, is_full=False))
            return
        self.logs[target.id].append(LogRecord(id, end_ms, bool(is_full)))
        try:
            for row in decoder.decode(body):
                if id > self._expired_id or row.timestamp_ms >= self._expired_ms:
                    self._restore_row(target, row)
        except StorageError as error:
            decoder.break_chain()
            self._report("log", id, target, str(error))

    def _restore_row(self, target: TargetHead, row: LoggedRow) -> None:
        columns, values = row.columns, row.values
        known = self._known[target.id]
        if columns is not known.columns:
            known = self._known[target.id] = KnownColumns.of(columns, self._columns[target.id])
        if known.chosen is not None:
            columns, values = columns[known.chosen], values[known.chosen]
        if row.is_late:
            target.restore_samples(row.timestamp_ms, columns, values)
        else:
            target.restore_row(row.timestamp_ms, columns, values)

    def _report(
        self,
        table: str,
        id: object,  # what is damaged may be of any type
        target: TargetHead | None = None,
        reason: str = "wrong checksum",
    ) -> None:
        self.damaged += 1
        labels = "unknown" if target is None else str(target.labels)
        logger.error("%s=damaged id=%s target=%s reason=%r", table, id, labels, reason)


@dataclass(frozen=True, slots=True)
class KnownColumns:
    """Which of the columns of a row have a series; None: all of them."""

    columns: Columns
    chosen: NDArray[np.bool_] | None

    @classmethod
    def of(cls, columns: Columns, known: set[int]) -> KnownColumns:
        """Compare the columns of a row with those that were restored."""
        chosen = np.fromiter((column in known for column in columns.tolist()), np.bool_)
        return cls(columns, None if chosen.all() else chosen)


def _parse_labels(text: bytes) -> Labels:
    """Return the label set of a JSON object that was written sorted, and verified."""
    return Labels.from_sorted(tuple(orjson.loads(text).items()))
