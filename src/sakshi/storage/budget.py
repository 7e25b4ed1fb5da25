"""How many series a store may have: what exists goes on, what is new beyond it is refused.

There is a bound for all targets together, and a lower one for each: a target that makes a label of
every request leaves room for the others.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Mapping

from sakshi.model.labels import Labels

logger = logging.getLogger(__name__)


class SeriesBudget:
    """Counts the series of all targets. Safe to use from any thread.

    Args:
        series_max: see `StorageConfig.series_max`.
        target_series_max: see `StorageConfig.target_series_max`.
    """

    def __init__(self, series_max: int, target_series_max: int) -> None:
        self._series_max = series_max
        self._target_series_max = target_series_max
        self._counts: Counter[Labels] = Counter()
        self._count = 0
        self._refused: Counter[Labels] = Counter()
        self._lock = threading.Lock()

    @property
    def refused(self) -> int:
        """How often a new series was refused."""
        return sum(self.refusals().values())

    def refusals(self) -> Mapping[Labels, int]:
        """Return how often a new series of each target was refused, where any was."""
        with self._lock:
            return dict(self._refused)

    def admit(self, labels: Labels, target: Labels) -> bool:
        """Tell whether there is room for a new series of a target, and count it."""
        with self._lock:
            is_own = self._counts[target] >= self._target_series_max
            if not is_own and self._count < self._series_max:
                self._add(target)
                return True
            self._refused[target] += 1
            if self._refused[target] == 1:  # the metric says how many more
                name = "target_series_max" if is_own else "series_max"
                limit = self._target_series_max if is_own else self._series_max
                logger.error("series=refused %s=%d target=%s first=%s", name, limit, target, labels)
            return False

    def release(self, count: int, target: Labels) -> None:
        """Make room again: so many series of a target are forgotten."""
        with self._lock:
            self._count -= count
            self._counts[target] -= count
            if not self._counts[target]:
                del self._counts[target]

    def restore(self, target: Labels) -> None:
        """Count a series that was admitted before the store was opened."""
        with self._lock:
            self._add(target)

    def _add(self, target: Labels) -> None:
        self._count += 1
        self._counts[target] += 1
