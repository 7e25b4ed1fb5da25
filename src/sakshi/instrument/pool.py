"""`database_connections{state}`: what the application's connection pools hold at each scrape."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client.core import GaugeMetricFamily, Metric

from sakshi.instrument.shield import Shield


class ConnectionPools:
    """Sums over all registered pools; asks them at scrape time, so that no count can drift."""

    def __init__(self, name: str, shield: Shield) -> None:
        self._name = name
        self._shield = shield
        self._pools: list[Callable[[], tuple[int, int]]] = []

    def add(self, read: Callable[[], tuple[int, int]]) -> None:
        """Register a pool; `read` returns its (active, idle) connections."""
        self._pools.append(read)

    def describe(self) -> Iterable[Metric]:
        """Return the family without samples."""
        return [self._family()]

    def collect(self) -> Iterable[Metric]:
        """Return the sums; no samples where no pool is registered."""
        family = self._family()
        active = idle = 0
        for read in self._pools:
            try:
                pool_active, pool_idle = read()
                active, idle = active + pool_active, idle + pool_idle
            except Exception:
                self._shield.failed("database_pool")
        if self._pools:
            family.add_metric(["active"], active)
            family.add_metric(["idle"], idle)
        return [family]

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(
            self._name, "Database connections held by the application.", labels=["state"]
        )
