"""Exemplars: where they go, and a store that keeps the newest of them in memory.

Source:
    prometheus/prometheus tsdb/exemplar.go
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from sakshi.exposition import Exemplar
from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, matches_all

EXEMPLARS_MAX: Final = 100_000  # Prometheus' default; some 50 MB
LABEL_CHARACTERS_MAX: Final = 128  # of all names and values of one exemplar: OpenMetrics' bound


class ExemplarSink(Protocol):
    """Takes exemplars in. Never blocks; safe to call from any thread."""

    def append(self, series: Labels, exemplar: Exemplar, timestamp_ms: int) -> bool:
        """Keep an exemplar of a series; tell whether it is new and within the bounds.

        Args:
            series: the full label set of the sample.
            exemplar: as exposed; the same one again is no new one.
            timestamp_ms: of the sample; counts where the exemplar has none.
        """


class ExemplarRing:
    """The newest exemplars of all series; one more pushes out the oldest.

    An exemplar that its series has already, or that is older than its series' newest, is not kept:
    a target shows the same one at every scrape until a newer event replaces it.

    Args:
        count_max: how many are kept.
    """

    def __init__(self, count_max: int = EXEMPLARS_MAX) -> None:
        self._count_max = count_max
        self._lock = threading.Lock()
        self._ring: deque[tuple[Labels, Exemplar]] = deque()
        self._newest: dict[Labels, tuple[Exemplar, Exemplar]] = {}
        """As exposed, and with a time."""

    def __len__(self) -> int:
        return len(self._ring)

    def append(self, series: Labels, exemplar: Exemplar, timestamp_ms: int) -> bool:
        """Keep an exemplar of a series; see `ExemplarSink`."""
        characters = sum(len(name) + len(value) for name, value in exemplar.labels.pairs)
        if characters > LABEL_CHARACTERS_MAX:
            return False
        has_time = exemplar.timestamp_ms is not None
        stamped = exemplar if has_time else replace(exemplar, timestamp_ms=timestamp_ms)
        with self._lock:
            exposed, newest = self._newest.get(series, (None, None))
            if exemplar == exposed or (newest is not None and not _is_newer(stamped, newest)):
                return False
            self._ring.append((series, stamped))
            self._newest[series] = (exemplar, stamped)
            if len(self._ring) > self._count_max:
                oldest_series, oldest = self._ring.popleft()
                if self._newest[oldest_series][1] is oldest:
                    del self._newest[oldest_series]
        return True

    def select(
        self, selectors: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int
    ) -> Mapping[Labels, Sequence[Exemplar]]:
        """Return the exemplars in [start_ms, end_ms], closed, of series that meet any selector.

        Returns:
            By series, sorted; those of a series in time order, each with its time.
        """
        with self._lock:
            kept = list(self._ring)
        found: defaultdict[Labels, list[Exemplar]] = defaultdict(list)
        is_wanted: dict[Labels, bool] = {}
        for series, exemplar in kept:
            if series not in is_wanted:
                is_wanted[series] = any(matches_all(matchers, series) for matchers in selectors)
            at_ms = exemplar.timestamp_ms
            if is_wanted[series] and at_ms is not None and start_ms <= at_ms <= end_ms:
                found[series].append(exemplar)
        return dict(sorted(found.items()))


def _is_newer(exemplar: Exemplar, newest: Exemplar) -> bool:
    assert exemplar.timestamp_ms is not None
    assert newest.timestamp_ms is not None
    if exemplar.timestamp_ms == newest.timestamp_ms:
        return exemplar.value > newest.value
    return exemplar.timestamp_ms > newest.timestamp_ms
