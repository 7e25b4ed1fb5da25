"""What goes to disk inside a transaction: identities, log records, spans with their chunks.

Everything here runs in a transaction of the caller, under the store's writing lock. What was
written counts only once the transaction is committed: then `LogWriter.confirm` is called, after a
failure `LogWriter.reset`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol

import numpy as np
import orjson

from sakshi.storage.checksum import checksum
from sakshi.storage.codec import Codec, encode_chunk, encode_timestamps
from sakshi.storage.deletion import DeletedRange
from sakshi.storage.record import EncodedRecord, LogRecord, RowEncoder
from sakshi.storage.roster import delete_ends, write_ends, write_series
from sakshi.storage.span import Span
from sakshi.storage.store import Columns, Timestamps, Values
from sakshi.storage.taken import TakenRows
from sakshi.storage.target import TargetHead
from sakshi.storage.value import is_absent

INSERT_TARGET: Final = "insert or ignore into target (id, labels, checksum) values (?, ?, ?)"
INSERT_FAMILY: Final = "insert or ignore into family (id, name, checksum) values (?, ?, ?)"
INSERT_LOG: Final = (
    "insert into log (id, target_id, start_ms, end_ms, row_count, is_full, checksum, body) "
    "values (?, ?, ?, ?, ?, ?, ?, ?)"
)
INSERT_SPAN: Final = (
    "insert into span (target_id, start_ms, end_ms, row_count, checksum, timestamps) "
    "values (?, ?, ?, ?, ?, ?)"
)
INSERT_CHUNK: Final = (  # in place of what a span that damage took may have left behind
    "insert or replace into chunk (span_id, family_id, series_count, codec, checksum, data) "
    "values (?, ?, ?, ?, ?, ?)"
)
INSERT_DELETION: Final = (
    "insert into deletion (target_id, column_number, start_ms, end_ms, checksum) "
    "values (?, ?, ?, ?, ?)"
)
DELETE_LOG: Final = "delete from log where id = ?"


class SpanRows(Protocol):
    """Rows that become a span: timestamps (n,), columns (k,), values (n, k)."""

    @property
    def timestamps(self) -> Timestamps:
        """Increasing; there is at least one."""

    @property
    def columns(self) -> Columns:
        """The column in each slot."""

    @property
    def values(self) -> Values:
        """ABSENT where there is no sample."""


class TargetLog:
    """The log of one target: how its next record is written, and which are on disk."""

    def __init__(self, records: Sequence[LogRecord] = ()) -> None:
        self.encoder = RowEncoder()
        self._records = list(records)  # oldest first

    @property
    def is_empty(self) -> bool:
        """Whether no record is on disk."""
        return not self._records

    def add(self, record: LogRecord) -> None:
        """Note that a record is on disk."""
        self._records.append(record)

    def droppable(self, end_ms: int) -> Sequence[LogRecord]:
        """Return the records that end by `end_ms` and that no other record needs.

        A record that stays needs those before it, back to a full one. So a row of a clock that ran
        far ahead keeps a few records, and not all that come after it.
        """
        droppable: list[LogRecord] = []
        is_needed = False
        for record in reversed(self._records):
            is_needed = is_needed or record.end_ms > end_ms
            if not is_needed:
                droppable.append(record)
            elif record.is_full:
                is_needed = False
        return droppable[::-1]

    def drop(self, records: Sequence[LogRecord]) -> None:
        """Note that records are gone, which `droppable` returned."""
        if records and records[-1] is self._records[-1]:
            self.encoder.reset()
        gone = {record.id for record in records}
        self._records = [record for record in self._records if record.id not in gone]


class LogWriter:
    """Writes what commits take, for all targets.

    Args:
        records: what the log holds, by target.
        families: the numbers that are on disk.
        last_id: no record gets this number or a smaller one: the expiry knows records by them.
    """

    def __init__(
        self,
        records: Mapping[int, Sequence[LogRecord]],
        families: Mapping[str, int],
        last_id: int = 0,
    ) -> None:
        self._last_id = last_id
        self._logs = {target_id: TargetLog(found) for target_id, found in records.items()}
        self._saved_families = frozenset(families)
        self._encoded: list[TargetLog] = []
        self._written: list[tuple[TargetLog, LogRecord]] = []
        self._families_written = self._saved_families

    def log(self, target: TargetHead) -> TargetLog:
        """Return the log of a target."""
        return self._logs.setdefault(target.id, TargetLog())

    def forget(self, target: TargetHead) -> None:
        """Forget the log of a target of which nothing is left."""
        self._logs.pop(target.id, None)

    def write(
        self,
        connection: sqlite3.Connection,
        taken: Sequence[tuple[TargetHead, TakenRows]],
        families: Mapping[str, int],
    ) -> None:
        """Write the identities that are new, and one record for each target."""
        self.write_families(connection, families)
        for target, rows in taken:
            if rows.new_columns:
                write_target(connection, target)
                write_series(connection, target.id, rows.new_columns)
            log = self.log(target)
            self._encoded.append(log)
            record = log.encoder.encode(rows)
            self._last_id += 1
            _write_record(connection, self._last_id, target, record)
            self._written.append((log, LogRecord(self._last_id, record.end_ms, record.is_full)))

    def confirm(self) -> None:
        """Count what was written: the transaction is durable."""
        for log, record in self._written:
            log.add(record)
        self._encoded, self._written = [], []
        self._saved_families = self._families_written

    def reset(self) -> None:
        """Forget what was written: the transaction failed, and its bytes never were."""
        for log in self._encoded:
            log.encoder.reset()
        self._encoded, self._written = [], []
        self._families_written = self._saved_families

    def write_families(self, connection: sqlite3.Connection, families: Mapping[str, int]) -> None:
        """Write the numbers of metric names that are new."""
        if len(families) == len(self._saved_families):
            return
        for name, id in families.items():
            if name not in self._saved_families:
                connection.execute(INSERT_FAMILY, (id, name, checksum(name.encode(), id)))
        self._families_written = frozenset(families)


def write_span(
    connection: sqlite3.Connection, target: TargetHead, rows: TakenRows, log: TargetLog
) -> tuple[Span, Sequence[LogRecord]]:
    """Move rows from the log to a span; return it, and the records that are no longer needed."""
    last_ms = int(rows.timestamps[-1])
    records = log.droppable(last_ms)
    # What is deleted first makes room for what comes, on a disk that is nearly full.
    connection.executemany(DELETE_LOG, [(record.id,) for record in records])
    span = insert_span(connection, target, rows)
    delete_ends(connection, target.id, target.resumed_columns())
    write_ends(connection, target.id, target.ended_columns())
    return span, records


def insert_span(connection: sqlite3.Connection, target: TargetHead, rows: SpanRows) -> Span:
    """Write rows as a span with its chunks; return it."""
    bounds = (int(rows.timestamps[0]), int(rows.timestamps[-1]), rows.timestamps.size)
    numbers = (target.id, *bounds)
    timestamps = encode_timestamps(rows.timestamps)
    cursor = connection.execute(INSERT_SPAN, (*numbers, checksum(timestamps, *numbers), timestamps))
    assert cursor.lastrowid is not None
    span = Span(cursor.lastrowid, *bounds)
    connection.executemany(INSERT_CHUNK, _iter_chunks(span, target, rows))
    return span


def write_deletions(
    connection: sqlite3.Connection, target: TargetHead, ranges: Iterable[DeletedRange]
) -> None:
    """Write what is deleted of a target."""
    rows = [(target.id, *found, checksum(b"", target.id, *found)) for found in ranges]
    connection.executemany(INSERT_DELETION, rows)


def _iter_chunks(
    span: Span, target: TargetHead, rows: SpanRows
) -> Iterator[tuple[int, int, int, int, int, bytes]]:
    """Yield the rows of table `chunk`: a metric family each, series without a sample left out."""
    families = target.families(rows.columns)
    filled = np.flatnonzero(~is_absent(rows.values).all(axis=0))
    order = filled[np.lexsort((rows.columns[filled], families[filled]))]
    edges = np.flatnonzero(np.diff(families[order])) + 1
    for slots in np.split(order, edges):
        if not slots.size:
            continue
        family = int(families[slots[0]])
        columns: Columns = rows.columns[slots]
        values: Values = rows.values[:, slots]
        data = encode_chunk(columns, values, target.stacked(columns))
        codec = int(Codec.PCODEC)
        number = checksum(data, span.id, family, columns.size, codec)
        yield span.id, family, columns.size, codec, number, data


def write_target(connection: sqlite3.Connection, target: TargetHead) -> None:
    """Write which target it is, where the disk does not know."""
    labels = orjson.dumps(dict(target.labels.pairs)).decode()
    connection.execute(INSERT_TARGET, (target.id, labels, checksum(labels.encode(), target.id)))


def _write_record(
    connection: sqlite3.Connection, id: int, target: TargetHead, record: EncodedRecord
) -> None:
    numbers = (target.id, record.start_ms, record.end_ms, record.row_count, int(record.is_full))
    values = (id, *numbers, checksum(record.body, *numbers), record.body)
    connection.execute(INSERT_LOG, values)
