"""The rows of one target in memory: a vector of timestamps and a matrix of values.

    timestamps      values      slot 0   slot 1   slot 2   spare ...
    12:00:00.000                     1     4711   ABSENT   ABSENT
    12:00:01.000                     1     4719        3   ABSENT      <- count = 2
    (room for more rows)

A **column** is a series' number in its target, for ever; a **slot** is where it stands in the
matrix now. Slots are ordered by metric family, so that a selection by name is one slice; a column
that has no sample in these rows has no slot (-1). Late columns take spare slots, or the matrix is
rebuilt.

Readers hold views without a lock. So rows are written once, behind `count`; what changes a row
that may have been read (`fill`), or moves rows and slots, works on new arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sakshi.storage.store import Columns, Timestamps, Values
from sakshi.storage.value import ABSENT, is_gap

Slots = NDArray[np.intp] | slice

ROWS_MIN: Final = 64  # rows that a new matrix has room for; untouched room costs no memory
SPARE_MIN: Final = 8  # spare slots; an eighth of the width, where that is more


@dataclass(frozen=True, slots=True)
class MatrixView:
    """The rows at one moment; none of the arrays is changed afterwards, but `gap_rows`.

    Args:
        timestamps: shape (n,), int64, strictly increasing.
        values: shape (n, width), float64.
        columns: shape (width,): the column in each slot.
        slot_of: the slot of each column, -1 where it has none; a slot >= width is none either.
        gap_rows: shape (width,): the last row but the newest with a gap in this slot, -1 for none.
            Grows while rows are added; never shrinks.
        newest_gaps: shape (width,): where the newest row has a gap; None: nowhere.
        layout: changes when columns move to other slots.
    """

    timestamps: Timestamps
    values: Values
    columns: Columns
    slot_of: Columns
    gap_rows: NDArray[np.int64]
    newest_gaps: NDArray[np.bool_] | None
    layout: int

    def slots(self, columns: Columns) -> Columns:
        """Return the slot of each column in these rows, -1 where it has none."""
        slots = np.full(columns.size, -1, np.intp)
        known = columns < self.slot_of.size
        slots[known] = self.slot_of[columns[known]]
        slots[slots >= self.columns.size] = -1
        return slots

    def has_gaps(self, slots: Slots, first: int, end: int) -> bool:
        """Tell whether rows [first, end) may have a gap in any of these slots."""
        if bool((self.gap_rows[slots] >= first).any()):
            return True
        if self.newest_gaps is None or end < len(self.timestamps):
            return False
        return bool(self.newest_gaps[slots].any())


def as_slots(slots: Columns) -> Slots:
    """Return slots as a slice where they follow each other, which NumPy copies without an index."""
    count = slots.size
    if count and int(slots[-1]) - int(slots[0]) == count - 1 and bool((np.diff(slots) == 1).all()):
        return slice(int(slots[0]), int(slots[0]) + count)
    return slots


class RowMatrix:
    """Rows in increasing time, for one writer at a time; `view` is what readers get."""

    def __init__(self) -> None:
        self.timestamps: Timestamps = np.empty(0, np.int64)
        self.values: Values = np.empty((0, 0))
        self.columns: Columns = np.empty(0, np.intp)
        self.slot_of: Columns = np.empty(0, np.intp)
        self.count = 0
        self.width = 0
        self.layout = 0
        self._gap_rows: NDArray[np.int64] = np.empty(0, np.int64)
        self._rows_read = 0  # rows of the present arrays that a reader may hold
        self._view: MatrixView | None = None

    def view(self) -> MatrixView:
        """Return the rows as they are now; the same object until something changes."""
        if self._view is None:
            self._view = self._make_view()
            self._rows_read = self.count
        return self._view

    def slots(self, columns: Columns) -> Columns:
        """Return the slot of each column, -1 where it has none."""
        known = self.slot_of.size
        end = int(columns.max()) + 1 if columns.size else 0
        if end > known:
            grown = np.full(max(end, 2 * known), -1, np.intp)
            grown[:known] = self.slot_of
            self.slot_of = grown
        return self.slot_of[columns]

    def append(self, timestamp_ms: int, slots: Slots, values: Values) -> None:
        """Add a row after the newest; where it names no slot it is ABSENT."""
        if self.count == self.timestamps.size:
            self._rebuild(self.columns[: self.width], slice(0, self.count))
        self._note_gaps()
        row = self.values[self.count]
        row[:] = ABSENT
        row[slots] = values
        self.timestamps[self.count] = timestamp_ms
        self.count += 1
        self._view = None

    def fill(self, position: int, slots: Slots, values: Values) -> None:
        """Put values where row `position` was ABSENT."""
        if position < self._rows_read:
            self._rebuild(self.columns[: self.width], slice(0, self.count))
        self.values[position, slots] = values
        self._view = None

    def insert(self, position: int, timestamp_ms: int, slots: Slots, values: Values) -> None:
        """Add a row before row `position`."""
        count = self.count
        order = np.insert(np.arange(count), position, min(position, count - 1))
        self._rebuild(self.columns[: self.width], order)
        self.timestamps[position] = timestamp_ms
        self.values[position] = ABSENT
        self.values[position, slots] = values
        self._find_gaps()

    def place(self, columns: Columns, families: Columns) -> None:
        """Give slots to columns that have none; `families` is the family of every column."""
        end = self.width + columns.size
        if not self.count or end > self.columns.size:
            columns = np.concatenate([self.columns[: self.width], columns])
            self.arrange(columns, families, slice(0, self.count))
            return
        self.slots(columns)
        self.columns[self.width : end] = columns
        self.slot_of[columns] = np.arange(self.width, end)
        self._gap_rows[self.width : end] = self.count - 1
        self.width = end
        self._view = None

    def arrange(self, columns: Columns, families: Columns, keep: NDArray[Any] | slice) -> None:
        """Rebuild with these columns only, ordered by family, and the rows that `keep` selects."""
        self._rebuild(columns[np.lexsort((columns, families[columns]))], keep)
        self.layout += 1
        self._find_gaps()

    def _make_view(self) -> MatrixView:
        timestamps = self.timestamps[: self.count]
        values = self.values[: self.count, : self.width]
        timestamps.flags.writeable = values.flags.writeable = False
        newest_gaps = None
        if self.count and np.isnan(values[-1]).any():
            newest_gaps = is_gap(values[-1])
        return MatrixView(
            timestamps,
            values,
            self.columns[: self.width],
            self.slot_of,
            self._gap_rows[: self.width],
            newest_gaps,
            self.layout,
        )

    def _note_gaps(self) -> None:
        """Remember the gaps of the newest row, before another becomes the newest."""
        if self.count:
            row = self.values[self.count - 1, : self.width]
            if np.isnan(row).any():
                self._gap_rows[: self.width][is_gap(row)] = self.count - 1

    def _find_gaps(self) -> None:
        """Find anew the last gap of every slot in all rows but the newest."""
        self._gap_rows = np.full(self.columns.size, -1, np.int64)
        gaps = is_gap(self.values[: max(self.count - 1, 0), : self.width])
        if gaps.size:
            last = len(gaps) - 1 - gaps[::-1].argmax(axis=0)
            self._gap_rows[: self.width] = np.where(gaps.any(axis=0), last, -1)
        self._view = None

    def _rebuild(self, columns: Columns, rows: NDArray[Any] | slice) -> None:
        """Copy these rows and columns to new arrays with room for more of both."""
        timestamps = self.timestamps[: self.count][rows]
        old = self.values[: self.count][rows]
        sources = self.slots(columns)
        count, width = timestamps.size, columns.size
        capacity = max(ROWS_MIN, count + count // 2)

        self.timestamps = np.empty(capacity, np.int64)
        self.timestamps[:count] = timestamps
        self.values = np.empty((capacity, width + max(SPARE_MIN, width // 8)))
        self.values[:count, width:] = ABSENT
        self.values[:count, :width] = old[:, as_slots(sources)] if old.size else ABSENT
        self.values[:count, :width][:, sources < 0] = ABSENT

        self.columns = np.full(self.values.shape[1], -1, np.intp)
        self.columns[:width] = columns
        self.slot_of = np.full(self.slot_of.size, -1, np.intp)
        self.slot_of[columns] = np.arange(width)
        gap_rows = np.full(self.values.shape[1], -1, np.int64)
        gap_rows[: min(width, self.width)] = self._gap_rows[: min(width, self.width)]
        self._gap_rows = gap_rows
        self.count, self.width = count, width
        self._rows_read = 0
        self._view = None
