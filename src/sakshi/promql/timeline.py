"""The moments at which an expression is evaluated: a query's steps, or a subquery's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sakshi.storage.store import Timestamps


@dataclass(frozen=True)
class Timeline:
    """Moments `start_ms`, `start_ms + step_ms`, ..., `count` of them; none where `count` is 0."""

    start_ms: int
    step_ms: int
    count: int

    @classmethod
    def between(cls, start_ms: int, end_ms: int, step_ms: int) -> Timeline:
        """Return the steps from `start_ms` up to `end_ms`, both inclusive.

        Example:
            >>> Timeline.between(0, 65, 20)
            Timeline(start_ms=0, step_ms=20, count=4)
        """
        assert step_ms > 0
        return cls(start_ms, step_ms, max(0, (end_ms - start_ms) // step_ms + 1))

    @classmethod
    def aligned(cls, after_ms: int, until_ms: int, step_ms: int) -> Timeline:
        """Return the multiples of `step_ms` in the left-open (after_ms, until_ms].

        Example:
            >>> Timeline.aligned(60, 120, 30)
            Timeline(start_ms=90, step_ms=30, count=2)
        """
        return cls.between((after_ms // step_ms + 1) * step_ms, until_ms, step_ms)

    @property
    def end_ms(self) -> int:
        """The last moment; before `start_ms` where there is none."""
        return self.start_ms + (self.count - 1) * self.step_ms

    def times(self) -> Timestamps:
        """Return the moments, shape (count,)."""
        if self.count == 1:
            return np.array([self.start_ms], np.int64)
        return self.start_ms + self.step_ms * np.arange(self.count, dtype=np.int64)

    def blocks(self, size: int) -> Iterator[Timestamps]:
        """Yield the moments in runs of at most `size`, in order."""
        for first in range(0, self.count, size):
            count = min(size, self.count - first)
            yield Timeline(self.start_ms + first * self.step_ms, self.step_ms, count).times()
