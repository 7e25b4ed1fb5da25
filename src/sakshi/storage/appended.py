"""Which samples a target takes: its columns and recent rows, with the laws of appending.

What is new goes behind the newest row, at once. What comes for a moment that has passed is compared
with what is there: it may be a repetition, another value, or late. Late samples, and samples for a
row that a commit has taken already, become a `Patch`: the log gets it as a row of its own kind.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sakshi.model.labels import EMPTY_LABELS, Labels
from sakshi.storage.budget import SeriesBudget
from sakshi.storage.column import NEVER_MS, NO_COLUMNS, REFUSED, ColumnTable
from sakshi.storage.deletion import NO_DELETIONS
from sakshi.storage.errors import ForgottenColumnError
from sakshi.storage.index import SeriesIndex, SeriesPlace
from sakshi.storage.matrix import RowMatrix, Slots, as_slots
from sakshi.storage.past import Past, SealedRow, refusal
from sakshi.storage.span import NO_SPANS
from sakshi.storage.store import Columns, Values
from sakshi.storage.taken import Patch, TargetView
from sakshi.storage.value import ABSENT, is_absent


class AppendedRows:
    """The rows of one target that are in memory, and how they came; a `TargetAppender`.

    Args:
        id: of the target in this store.
        labels: the target's identity.
        index: is told of each series at its first sample.
        budget: is asked for each new series.
        past: judges late samples.
        come_back: is called with the target when somebody wants to append to it after it retired;
            calls `return_to_work`.
    """

    def __init__(
        self,
        id: int,
        labels: Labels,
        index: SeriesIndex,
        budget: SeriesBudget,
        past: Past,
        come_back: Callable[[Any], None] = lambda target: target.return_to_work(),
    ) -> None:
        self.id = id
        self.labels = labels
        self.samples = 0
        self._index = index
        self._budget = budget
        self._past = past
        self._come_back = come_back
        self._is_retired = False
        self.deletions = NO_DELETIONS
        self._lock = threading.Lock()
        self._table = ColumnTable()
        self._matrix = RowMatrix()
        self._spans = NO_SPANS
        self._newest_ms = NEVER_MS
        self.committed_ms = NEVER_MS  # rows up to here were durable once, but late ones
        self._written_ms = NEVER_MS  # and are in the file that there is now
        self._sealed_ms = NEVER_MS  # rows up to here are in chunks, but late ones
        self._logged = 0
        self._patches: list[Patch] = []
        self._unsaved: list[int] = []
        self._sealing_ms = NEVER_MS
        self._touched: set[int] = set()  # rows up to _sealing_ms that changed while it was sealed
        self._ended: list[tuple[int, int]] = []
        self._resumed: list[int] = []
        self._unsaid: Columns = NO_COLUMNS  # sealed when the store closed, as if they went on
        self._last_columns: Columns | None = None
        self._last_slots: Slots = slice(0, 0)

    def _unsaid_ends(self) -> list[tuple[int, int]]:
        """Return columns that ended when the store was closed, as far as the disk knows, and when.

        The disk must be told before it has anything newer of the target.
        """
        columns = self._unsaid[self._table.indexed[self._unsaid]]
        newest = self._table.newest_ms[columns]
        return list(zip(columns.tolist(), newest.tolist(), strict=True))

    # Appending

    def columns(self, series: Sequence[Labels]) -> Columns:
        """Return the column of each series, new ones being made: see `TargetAppender`."""
        with self._working():
            for labels in series:
                if self._table.find(labels) is None and self._budget.admit(labels, self.labels):
                    column = self._table.find_forgotten(labels)
                    if column is None or not self._table.recall(column):
                        self._table.add(labels, self._index.family(labels.name))
            return self._table.get(series)

    def append(self, timestamp_ms: int, columns: Columns, values: Values) -> None:
        """Append one sample to each of these columns: see `TargetAppender`."""
        values = np.asarray(values, np.float64)
        assert columns.shape == values.shape, f"{columns.shape} columns, {values.shape} values"
        if not columns.size:
            return
        sealed: SealedRow | None = None
        while True:
            with self._working():
                if columns is not self._last_columns:
                    admitted = columns != REFUSED
                    if not admitted.all():
                        columns, values = columns[admitted], values[admitted]
                if not columns.size:
                    return
                if timestamp_ms > self._newest_ms:
                    self._append_row(timestamp_ms, columns, values)
                    return
                if not self._must_look(timestamp_ms, columns, sealed):
                    self._append_to_past(timestamp_ms, columns, values, sealed)
                    return
                spans, families = self._spans, self._table.families[columns]
            # The disk is read without the lock, for whoever selects takes it, too.
            sealed = self._past.find(timestamp_ms, columns, families, spans)

    def _append_row(self, timestamp_ms: int, columns: Columns, values: Values) -> None:
        slots = self._get_slots(columns, timestamp_ms)
        self._matrix.append(timestamp_ms, slots, values)
        self._table.newest_ms[columns] = timestamp_ms
        self._newest_ms = timestamp_ms
        self.samples += columns.size

    def _must_look(self, timestamp_ms: int, columns: Columns, sealed: SealedRow | None) -> bool:
        """Tell whether chunks may have samples of a moment, and were not looked at."""
        if sealed is not None and sealed.spans is self._spans:
            return False
        if not self._spans.within(timestamp_ms, timestamp_ms):
            return False
        known = self._table.newest_ms[columns] >= timestamp_ms
        stored = self._find_stored(timestamp_ms, columns, None)
        return bool(is_absent(stored[known]).any())

    def _append_to_past(
        self, timestamp_ms: int, columns: Columns, values: Values, sealed: SealedRow | None
    ) -> None:
        known = self._table.newest_ms[columns] >= timestamp_ms
        if known.any():
            stored = self._find_stored(timestamp_ms, columns, sealed)[known]
            chosen = ~known
            chosen[known] = self._are_new(timestamp_ms, columns[known], values[known], stored)
            columns, values = columns[chosen], values[chosen]
        self._append_late(timestamp_ms, columns, values)

    def _append_late(self, timestamp_ms: int, columns: Columns, values: Values) -> None:
        if not columns.size:
            return
        position, exists = self._find_row(timestamp_ms)
        slots = self._get_slots(columns, timestamp_ms)
        if exists:
            self._matrix.fill(position, slots, values)
        elif position == self._matrix.count:
            self._matrix.append(timestamp_ms, slots, values)
        else:
            self._matrix.insert(position, timestamp_ms, slots, values)
        newest_ms = self._table.newest_ms
        newest_ms[columns] = np.maximum(newest_ms[columns], timestamp_ms)
        self._note_first(timestamp_ms, columns)
        self.samples += columns.size
        self._note_late(timestamp_ms, position, exists, Patch(timestamp_ms, columns, values.copy()))

    def _note_first(self, timestamp_ms: int, columns: Columns) -> None:
        """Let series begin earlier, in memory and on disk."""
        earlier = columns[self._table.first_ms[columns] > timestamp_ms]
        self._table.first_ms[earlier] = timestamp_ms
        self._unsaved += [c for c in earlier.tolist() if c not in self._unsaved]

    def _note_late(self, timestamp_ms: int, position: int, exists: bool, patch: Patch) -> None:
        if position < self._logged or timestamp_ms <= self._sealed_ms:
            self._patches.append(patch)  # which is how the log gets it, also as a row of its own
            self._logged += position <= self._logged and not exists
        if timestamp_ms <= self._sealing_ms:
            self._touched.add(timestamp_ms)

    def _find_row(self, timestamp_ms: int) -> tuple[int, bool]:
        """Return where a row of this moment stands or would stand, and whether there is one."""
        timestamps = self._matrix.timestamps[: self._matrix.count]
        position = int(np.searchsorted(timestamps, timestamp_ms))
        return position, position < timestamps.size and int(timestamps[position]) == timestamp_ms

    def _get_slots(self, columns: Columns, timestamp_ms: int) -> Slots:
        """Return where these columns stand in the matrix; those that do not yet are placed."""
        if columns is self._last_columns:
            return self._last_slots
        unknown = columns[~self._table.indexed[columns]]
        if unknown.size:
            self._make_known(unknown, timestamp_ms)
        slots = self._matrix.slots(columns)
        if int(slots.min()) < 0:
            self._matrix.place(columns[slots < 0], self._table.families)
            self._last_columns = None
            slots = self._matrix.slots(columns)
        # Only an array that nobody can change may be known again by its identity.
        if columns.flags.owndata and not columns.flags.writeable:
            self._last_columns, self._last_slots = columns, as_slots(slots)
        return as_slots(slots)

    def _make_known(self, columns: Columns, timestamp_ms: int) -> None:
        """Make series known that are new, were forgotten or deleted."""
        for column in columns.tolist():
            if self._table.labels[column] is None:
                if not self._table.recall(column):
                    raise ForgottenColumnError(
                        f"column {column} of target {self.labels} was forgotten: its series had no "
                        "samples for too long. Ask for columns again"
                    )
                self._budget.restore(self.labels)
        self._table.indexed[columns] = True
        self._table.first_ms[columns] = timestamp_ms
        self._unsaved += columns.tolist()
        self._index.add(self._places(columns))

    def _places(self, columns: Columns) -> list[SeriesPlace]:
        labels = self._table.labels
        numbers = columns.tolist()
        return [SeriesPlace(found, self.id, c) for c in numbers if (found := labels[c]) is not None]

    def _are_new(
        self, timestamp_ms: int, columns: Columns, values: Values, stored: Values
    ) -> NDArray[np.bool_]:
        """Tell which samples are new, where their series have newer ones; the others are there.

        Args:
            timestamp_ms: of the samples.
            columns: shape (k,).
            values: shape (k,).
            stored: shape (k,), what is there in their place; ABSENT for nothing.

        Raises:
            OutOfOrderSampleError: a sample is not there, and too late to be taken.
            DuplicateSampleError: there is another value.
        """
        same = stored.view(np.uint64) == values.view(np.uint64)
        new: NDArray[np.bool_] = ~same & is_absent(stored)
        if same.all():
            return new
        newest_ms = self._table.newest_ms[columns]
        allowed = self._past.allows(timestamp_ms, self._newest_ms, newest_ms)
        wrong = ~same & ~(new & allowed)
        if wrong.any():
            place = int(np.flatnonzero(wrong)[0])
            is_other = bool(newest_ms[place] == timestamp_ms or allowed[place])
            series = self._table.labels[int(columns[place])]
            raise refusal(series, timestamp_ms, int(newest_ms[place]), is_other=is_other)
        return new

    def _find_stored(self, timestamp_ms: int, columns: Columns, sealed: SealedRow | None) -> Values:
        """Return the samples of a moment, from memory and chunks; ABSENT where there is none."""
        stored = np.full(columns.size, ABSENT)
        position, exists = self._find_row(timestamp_ms)
        if exists:
            slots = self._matrix.slots(columns)
            stored[slots >= 0] = self._matrix.values[position, slots[slots >= 0]]
        return stored if sealed is None else np.where(is_absent(stored), sealed.values, stored)

    # Reading

    def view(self) -> TargetView:
        """Return the rows in memory and the spans on disk, which have no row in common."""
        with self._lock:
            return TargetView(self._matrix.view(), self._spans, self.deletions)

    def lives_within(self, columns: Columns, start_ms: int, end_ms: int) -> NDArray[np.bool_]:
        """Tell of which columns samples may lie in [start_ms, end_ms]; shape as `columns`."""
        table = self._table
        return (table.newest_ms[columns] >= start_ms) & (table.first_ms[columns] <= end_ms)

    def known_columns(self) -> Columns:
        """Return the columns of the series that have samples, ordered by family, then by number."""
        with self._lock:
            columns = np.flatnonzero(self._table.indexed)
            return columns[np.argsort(self._table.families[columns], kind="stable")]

    def labels_of(self, columns: Columns) -> list[Labels]:
        """Return the series of columns; the empty label set for one that is forgotten."""
        labels = self._table.labels
        return [labels[column] or EMPTY_LABELS for column in columns.tolist()]

    def families(self, columns: Columns) -> Columns:
        """Return the number of each column's metric family."""
        return self._table.families[columns]

    def series(self, column: int) -> Labels | None:
        """Return the series of a column; None where it is not known any more."""
        return self._table.labels[column]

    def stacked(self, columns: Columns) -> NDArray[np.bool_]:
        """Tell which of these columns are the next bucket above the column before them."""
        return self._table.stacked(columns)

    def bounds(self) -> tuple[int | None, int | None]:
        """Return the timestamps of the oldest and the newest row; None where there is none."""
        with self._lock:
            rows = self._matrix.timestamps[: self._matrix.count]
            in_memory = (int(rows[0]), int(rows[-1])) if rows.size else (None, None)
            pairs = list(zip(in_memory, (self._spans.start_ms, self._spans.end_ms), strict=True))
        oldest, newest = ([moment for moment in pair if moment is not None] for pair in pairs)
        return min(oldest, default=None), max(newest, default=None)

    # Retiring

    def retire(self) -> bool:
        """Take no samples until `return_to_work`, if nothing is left; tell whether it is so."""
        with self._lock:
            is_empty = not (self._table.has_series or self._matrix.count or len(self._spans))
            self._is_retired = self._is_retired or is_empty
            return is_empty

    def return_to_work(self) -> None:
        """Take samples: the store knows of the target."""
        with self._lock:
            self._is_retired = False

    @contextmanager
    def _working(self) -> Iterator[None]:
        """Hold the lock, and be known to the store."""
        while True:
            with self._lock:
                if not self._is_retired:
                    yield
                    return
            self._come_back(self)
