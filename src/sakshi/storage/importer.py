"""Imports: samples of any time that become chunks at once.

    batch ──sort──▶ a run a series ──arrange──▶ matrices ──less what is there──▶ spans, chunks
                                                              │
                       rows of a target's last minutes ◀──────┘  (imported.py says why)

What is there already is found chunk by chunk, and only in spans that have a moment in common with
what comes: an import costs as much beside years of samples as beside none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sakshi.model.clock import format_timestamp
from sakshi.storage.column import REFUSED
from sakshi.storage.database import Database
from sakshi.storage.dense import DenseRows, arrange
from sakshi.storage.head import Head
from sakshi.storage.history import History
from sakshi.storage.import_batch import ImportBatch, ImportOutcome, ImportRefusal
from sakshi.storage.roster import write_ends, write_series
from sakshi.storage.span import Span
from sakshi.storage.store import Columns, Timestamps, Values
from sakshi.storage.taken import TargetView
from sakshi.storage.target import TargetHead
from sakshi.storage.value import ABSENT, is_absent
from sakshi.storage.writer import LogWriter, insert_span, write_target

Flags = NDArray[np.bool_]


@dataclass
class _Part:
    """What a batch brings one target: matrices for chunks, rows too new for one, repetitions."""

    target: TargetHead
    sealed: list[DenseRows] = field(default_factory=list)
    recent: list[DenseRows] = field(default_factory=list)
    columns: Columns = field(default_factory=lambda: np.empty(0, np.intp))
    first_ms: Timestamps = field(default_factory=lambda: np.empty(0, np.int64))
    last_ms: Timestamps = field(default_factory=lambda: np.empty(0, np.int64))
    sample_count: int = 0
    repeated: tuple[Columns, Timestamps, Values] = field(
        default_factory=lambda: (np.empty(0, np.intp), np.empty(0, np.int64), np.empty(0))
    )

    def measure(self) -> None:
        """Find which columns the chunks will have, and their first and last moments."""
        bounds: dict[int, tuple[int, int]] = {}
        for rows in self.sealed:
            there = ~is_absent(rows.values)
            self.sample_count += int(there.sum())
            first = rows.timestamps[there.argmax(axis=0)].tolist()
            last = rows.timestamps[len(there) - 1 - there[::-1].argmax(axis=0)].tolist()
            for column, start, end in zip(rows.columns.tolist(), first, last, strict=True):
                known = bounds.get(column, (start, end))
                bounds[column] = min(known[0], start), max(known[1], end)
        self.columns = np.array(sorted(bounds), np.intp)
        found = [bounds[column] for column in self.columns.tolist()]
        self.first_ms, self.last_ms = np.array(found, np.int64).reshape(-1, 2).T


class Importer:
    """Imports into one store, under its writing lock.

    Args:
        head: of the store.
        database: likewise.
        history: reads what the database has.
    """

    def __init__(self, head: Head, database: Database, history: History) -> None:
        self._head, self._database, self._history = head, database, history

    def targets(self, batch: ImportBatch) -> Sequence[TargetHead]:
        """Return where each series of a batch belongs."""
        return [self._head.find_home(labels) for labels in batch.series]

    def run(
        self, batch: ImportBatch, targets: Sequence[TargetHead], log: LogWriter
    ) -> ImportOutcome:
        """Import samples; those that do not become chunks are durable after the next commit.

        Args:
            batch: what to import.
            targets: of each of its series.
            log: knows which families the disk has.

        Raises:
            StorageFullError: the disk refused; nothing was imported.
        """
        outcome = ImportOutcome()
        parts = [
            self._plan(target, chosen, batch, outcome) for target, chosen in _split(batch, targets)
        ]
        self._write([part for part in parts if part.sealed], log)
        for part in parts:
            for rows in part.recent:
                outcome.taken += _append(part.target, rows)
            self._judge_repeated(part, outcome)
        outcome.taken += sum(part.sample_count for part in parts)
        return outcome

    def _plan(
        self, target: TargetHead, chosen: NDArray[np.intp], batch: ImportBatch,
        outcome: ImportOutcome,
    ) -> _Part:  # fmt: skip
        """Return what is new of the samples of one target."""
        part = _Part(target)
        columns, timestamps, values = _sort(target, chosen, batch, outcome)
        if not columns.size:
            return part
        again = np.zeros(columns.size, np.bool_)
        again[1:] = (np.diff(columns) == 0) & (np.diff(timestamps) == 0)
        part.repeated = columns[again], timestamps[again], values[again]
        columns, timestamps, values = columns[~again], timestamps[~again], values[~again]
        limit_ms = target.begin_import(int(timestamps.max()))
        view = target.view()
        for rows in arrange(columns, timestamps, values):
            new = self._without_known(target, view, rows, outcome)
            row = int(new.timestamps.searchsorted(limit_ms))
            part.sealed += _filled(new, slice(0, row))
            part.recent += _filled(new, slice(row, None))
        part.measure()
        return part

    def _without_known(
        self, target: TargetHead, view: TargetView, rows: DenseRows, outcome: ImportOutcome
    ) -> DenseRows:
        """Return the rows with holes where there is a sample already, or one was deleted."""
        hidden = view.deletions.hide(rows.columns, rows.timestamps, rows.values)
        values = _or(hidden, rows.values.copy())
        deleted = is_absent(values) & ~is_absent(rows.values)
        _refuse(target, rows, deleted, outcome, ImportRefusal.DELETED)
        stored = self._find_stored(target, view, rows)
        occupied = ~is_absent(values) & ~is_absent(stored)
        same = occupied & (stored.view(np.uint64) == values.view(np.uint64))
        outcome.known += int(same.sum())
        _refuse(target, rows, occupied & ~same, outcome, ImportRefusal.DUPLICATE)
        values[occupied] = ABSENT
        return DenseRows(rows.timestamps, rows.columns, values)

    def _judge_repeated(self, part: _Part, outcome: ImportOutcome) -> None:
        """Compare samples whose moment the batch has twice with what is there now."""
        columns, timestamps, values = part.repeated
        if not columns.size:
            return
        view = part.target.view()
        distinct = np.ones(columns.size, np.bool_)
        distinct[1:] = (np.diff(columns) != 0) | (np.diff(timestamps) != 0)
        there: dict[tuple[int, int], int] = {}
        for rows in arrange(columns[distinct], timestamps[distinct], values[distinct]):
            stored = self._find_stored(part.target, view, rows)
            stored = _or(view.deletions.hide(rows.columns, rows.timestamps, stored), stored)
            for row, slot in np.argwhere(~is_absent(stored)).tolist():
                place = int(rows.columns[slot]), int(rows.timestamps[row])
                there[place] = int(stored.view(np.uint64)[row, slot])
        places = zip(columns.tolist(), timestamps.tolist(), strict=True)
        found = [there.get(place) for place in places]
        gone = np.array([bits is None for bits in found])
        same = np.array([bits == own for bits, own in zip(found, _bits(values), strict=True)])
        outcome.known += int(same.sum())
        moments = columns, timestamps
        _refuse_at(part.target, *moments, gone, outcome, ImportRefusal.DELETED)
        _refuse_at(part.target, *moments, ~same & ~gone, outcome, ImportRefusal.DUPLICATE)

    def _find_stored(self, target: TargetHead, view: TargetView, rows: DenseRows) -> Values:
        """Return what a target has at these moments of these columns, deleted or not."""
        found = np.full(rows.values.shape, ABSENT)
        start_ms, end_ms = int(rows.timestamps[0]), int(rows.timestamps[-1])
        living = target.lives_within(rows.columns, start_ms, end_ms)
        families = np.unique(target.families(rows.columns[living])).tolist()
        for span in view.spans.within(start_ms, end_ms) if families else ():
            timestamps = self._history.timestamps(span.id)
            if timestamps is None:
                continue
            ours, theirs = _common(rows.timestamps, timestamps)
            for family in families if ours.size else ():
                chunk = self._history.chunk(span.id, family)
                if chunk is not None and len(chunk.values) == timestamps.size:
                    _copy(found, rows.columns, ours, chunk.values[theirs], chunk.columns)
        ours, theirs = _common(rows.timestamps, view.rows.timestamps)
        if ours.size:
            _copy(found, rows.columns, ours, view.rows.values[theirs], view.rows.columns)
        return found

    def _write(self, parts: Sequence[_Part], log: LogWriter) -> None:
        """Write the chunks of all parts in one transaction, then show them."""
        if not parts:
            return
        is_durable = False
        written: list[list[Span]] = []
        try:
            with self._database.write() as connection:
                log.write_families(connection, self._head.index.families())
                for part in parts:
                    new, ends = part.target.describe_import(
                        part.columns, part.first_ms, part.last_ms
                    )
                    write_target(connection, part.target)
                    write_series(connection, part.target.id, new)
                    written.append([insert_span(connection, part.target, r) for r in part.sealed])
                    write_ends(connection, part.target.id, ends)
            is_durable = True
        finally:
            if is_durable:
                log.confirm()
            else:
                log.reset()
        for part, spans in zip(parts, written, strict=True):
            part.target.end_import(
                spans, part.columns, part.first_ms, part.last_ms, part.sample_count
            )


def _split(
    batch: ImportBatch, targets: Sequence[TargetHead]
) -> Iterator[tuple[TargetHead, NDArray[np.intp]]]:
    """Yield each target with the positions of its samples."""
    by_id = {target.id: target for target in targets}
    ids = np.array([target.id for target in targets], np.int64)[batch.places]
    order = np.argsort(ids, kind="stable")
    edges = np.flatnonzero(np.diff(ids[order])) + 1
    for positions in np.split(order, edges):
        if positions.size:
            yield by_id[int(ids[positions[0]])], positions


def _sort(
    target: TargetHead, chosen: NDArray[np.intp], batch: ImportBatch, outcome: ImportOutcome
) -> tuple[Columns, Timestamps, Values]:
    """Return samples by column, then by time, then as they came."""
    places, timestamps, values = (
        batch.places[chosen],
        batch.timestamps[chosen],
        batch.values[chosen],
    )
    values = np.where(is_absent(values), np.nan, values)  # nobody measures this NaN
    distinct, positions = np.unique(places, return_inverse=True)
    numbers = target.columns([batch.series[place] for place in distinct.tolist()])
    columns = numbers[positions]
    refused = columns == REFUSED
    if refused.any():
        series = batch.series[int(places[refused][0])]
        text = f"there are too many series for {series}: raise storage.series_max"
        outcome.refuse(ImportRefusal.TOO_MANY_SERIES, text, int(refused.sum()))
    order = np.flatnonzero(~refused)
    order = order[np.lexsort((timestamps[order], columns[order]))]
    columns, timestamps, values = columns[order], timestamps[order], values[order]
    return columns, timestamps, values


def _refuse(
    target: TargetHead, rows: DenseRows, wrong: Flags, outcome: ImportOutcome, reason: ImportRefusal
) -> None:
    row, slot = np.nonzero(wrong)
    if row.size:
        chosen = np.ones(row.size, np.bool_)
        columns, moments = rows.columns[slot], rows.timestamps[row]
        _refuse_at(target, columns, moments, chosen, outcome, reason)


def _refuse_at(
    target: TargetHead,
    columns: Columns,
    timestamps: Timestamps,
    wrong: Flags,
    outcome: ImportOutcome,
    reason: ImportRefusal,
) -> None:
    if not wrong.any():
        return
    index = int(np.flatnonzero(wrong)[0])
    series, moment = target.series(int(columns[index])), format_timestamp(int(timestamps[index]))
    what = {
        ImportRefusal.DUPLICATE: f"{series} already has another value at {moment}",
        ImportRefusal.DELETED: f"the samples of {series} were deleted at {moment}",
    }
    outcome.refuse(reason, what[reason], int(wrong.sum()))


def _common(
    ours: NDArray[np.int64], theirs: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where each has what both have; neither has anything twice."""
    _, here, there = np.intersect1d(ours, theirs, assume_unique=True, return_indices=True)
    return here, there


def _or(values: Values | None, otherwise: Values) -> Values:
    return otherwise if values is None else values


def _bits(values: Values) -> list[int]:
    bits: list[int] = values.view(np.uint64).tolist()
    return bits


def _copy(
    found: Values, wanted: Columns, rows: NDArray[np.intp], values: Values, columns: Columns
) -> None:
    """Fill holes of `found`, in these rows, with the values (r, m) of columns (m,)."""
    ours, theirs = _common(wanted, columns)
    if ours.size:
        place = np.ix_(rows, ours)
        before = found[place]
        found[place] = np.where(is_absent(before), values[:, theirs], before)


def _filled(rows: DenseRows, part: slice) -> list[DenseRows]:
    """Return a part of the rows, less rows and columns that are nothing but holes."""
    values = rows.values[part]
    there = ~is_absent(values)
    kept, slots = there.any(axis=1), there.any(axis=0)
    if not kept.any():
        return []
    chosen = np.ascontiguousarray(values[kept][:, slots])
    return [DenseRows(rows.timestamps[part][kept], rows.columns[slots], chosen)]


def _append(target: TargetHead, rows: DenseRows) -> int:
    """Append rows one by one; return how many samples were taken."""
    taken = 0
    for timestamp_ms, row in zip(rows.timestamps.tolist(), rows.values, strict=True):
        there = ~is_absent(row)
        taken += target.append_imported(timestamp_ms, rows.columns[there], row[there])
    return taken
