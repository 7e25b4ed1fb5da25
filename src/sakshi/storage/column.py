"""The columns of one target: which series each is, and when its samples began and end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sakshi.model.labels import Labels
from sakshi.storage.store import Columns

NEVER_MS: Final = -(2**63)  # before every timestamp: the newest sample of a series that has none


class ColumnTable:
    """Columns by number; a number, once given, stays. Guarded by its target's lock.

    Args (arrays with room to grow, by column):
        first_ms: when the series' first sample was; meaningless while `newest_ms` is NEVER_MS.
        newest_ms: when its newest sample was.
        families: the number of its metric family.
        indexed: whether the index of the store knows it.
    """

    def __init__(self) -> None:
        self.labels: list[Labels | None] = []  # None: a number that is no longer used
        self.first_ms: NDArray[np.int64] = np.empty(0, np.int64)
        self.newest_ms: NDArray[np.int64] = np.empty(0, np.int64)
        self.families: Columns = np.empty(0, np.intp)
        self.indexed: NDArray[np.bool_] = np.empty(0, np.bool_)
        self._column_of: dict[Labels, int] = {}

    def find(self, labels: Labels) -> int | None:
        """Return the column of a series, or None."""
        return self._column_of.get(labels)

    def get(self, series: Sequence[Labels]) -> Columns:
        """Return the column of each series, all of which are known; the array is read-only."""
        columns = np.fromiter(map(self._column_of.__getitem__, series), np.intp, len(series))
        columns.flags.writeable = False
        return columns

    def add(self, labels: Labels, family: int, column: int | None = None) -> int:
        """Return the number of a new column: the next one, or the one that it had on disk."""
        column = len(self.labels) if column is None else column
        self.reserve(column)
        self.labels[column] = labels
        self.families[column] = family
        self._column_of[labels] = column
        return column

    def reserve(self, column: int) -> None:
        """Take a number, and all below it: none of them is given to a new series."""
        self.labels.extend([None] * (column + 1 - len(self.labels)))
        known = self.newest_ms.size
        if column < known:
            return
        more = max(column + 1, 2 * known) - known
        self.first_ms = np.append(self.first_ms, np.full(more, NEVER_MS))
        self.newest_ms = np.append(self.newest_ms, np.full(more, NEVER_MS))
        self.families = np.append(self.families, np.zeros(more, np.intp))
        self.indexed = np.append(self.indexed, np.zeros(more, np.bool_))
