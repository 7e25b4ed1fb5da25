"""How many series a store may have: what exists goes on, what is new beyond it is refused."""

from __future__ import annotations

import logging
import threading

from sakshi.model.labels import Labels

logger = logging.getLogger(__name__)


class SeriesBudget:
    """Counts the series of all targets. Safe to use from any thread.

    Args:
        series_max: see `StorageConfig.series_max`.
    """

    def __init__(self, series_max: int) -> None:
        self.refused = 0
        self._series_max = series_max
        self._count = 0
        self._lock = threading.Lock()

    def admit(self, labels: Labels) -> bool:
        """Tell whether there is room for a new series, and count it."""
        with self._lock:
            if self._count < self._series_max:
                self._count += 1
                return True
            self.refused += 1
            if self.refused == 1:  # the metric says how many more
                logger.error("series=refused series_max=%d first=%s", self._series_max, labels)
            return False

    def release(self, count: int) -> None:
        """Make room again: so many series are forgotten."""
        with self._lock:
            self._count -= count

    def restore(self) -> None:
        """Count a series that was admitted before the store was opened."""
        with self._lock:
            self._count += 1
