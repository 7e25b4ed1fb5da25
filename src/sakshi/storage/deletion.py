"""Samples that somebody had deleted: they lie where they lay, and are read no more.

Chunks are never changed, so a deletion is remembered beside them until they expire.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sakshi.storage.store import Columns, Timestamps, Values
from sakshi.storage.value import ABSENT

DeletedRange = tuple[int, int, int]
"""A column, and the first and the last moment of which its samples are deleted, inclusive."""


@dataclass(frozen=True)
class Deletions:
    """The deletions of one target. Immutable: a reader keeps what it saw.

    Args:
        table: shape (n, 3), int64: column, start_ms, end_ms.
    """

    table: NDArray[np.int64]

    @classmethod
    def of(cls, ranges: Iterable[DeletedRange]) -> Self:
        """Return these deletions."""
        return cls(np.array(list(ranges), np.int64).reshape(-1, 3))

    def __len__(self) -> int:
        return len(self.table)

    def plus(self, ranges: Iterable[DeletedRange]) -> Deletions:
        """Return these and others."""
        return Deletions(np.concatenate([self.table, Deletions.of(ranges).table]))

    def since(self, before_ms: int) -> Deletions:
        """Return those that reach to a moment, or behind it."""
        return Deletions(self.table[self.table[:, 2] >= before_ms])

    def covers(self, column: int, first_ms: int, newest_ms: int) -> bool:
        """Tell whether one of them reaches over all samples of a series."""
        table = self.table
        over = (table[:, 0] == column) & (table[:, 1] <= first_ms) & (table[:, 2] >= newest_ms)
        return bool(over.any())

    def hide(self, columns: Columns, timestamps: Timestamps, values: Values) -> Values | None:
        """Return the values without the deleted ones; None where no deletion touches them.

        Args:
            columns: shape (k,), of the target, in any order.
            timestamps: shape (n,), increasing.
            values: shape (n, k); is not changed.
        """
        if not len(self.table) or not timestamps.size:
            return None
        table = self.table
        near = (table[:, 1] <= timestamps[-1]) & (table[:, 2] >= timestamps[0])
        near &= np.isin(table[:, 0], columns)
        if not near.any():
            return None
        values = values.copy()
        for column, start_ms, end_ms in table[near].tolist():
            first = timestamps.searchsorted(start_ms, "left")
            end = timestamps.searchsorted(end_ms, "right")
            values[first:end, np.flatnonzero(columns == column)] = ABSENT
        return values


NO_DELETIONS = Deletions.of(())
