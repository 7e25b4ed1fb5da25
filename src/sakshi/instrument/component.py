"""`consciousness_memory_usage_bytes{component, type}`: sizes that components report themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client.core import GaugeMetricFamily, Metric

from sakshi.instrument.family import clean_value
from sakshi.instrument.shield import Shield

COMPONENTS_MAX = 200  # each is a series and a call per scrape


class ComponentSizes:
    """Calls each registered callback at every scrape; one that raises has no sample then."""

    def __init__(self, name: str, shield: Shield) -> None:
        self._name = name
        self._shield = shield
        self._sizes: dict[tuple[str, str], Callable[[], float]] = {}

    def add(self, component: str, type: str, size_bytes: Callable[[], float]) -> None:
        """Register a component; the same component and type again replaces the callback."""
        try:
            key = clean_value(component), clean_value(type)
            if len(self._sizes) < COMPONENTS_MAX or key in self._sizes:
                self._sizes[key] = size_bytes
                return
            raise ValueError(f"more than {COMPONENTS_MAX} components")
        except Exception:
            self._shield.failed("register_component")

    def describe(self) -> Iterable[Metric]:
        """Return the family without samples."""
        return [self._family()]

    def collect(self) -> Iterable[Metric]:
        """Return one sample for each component that could say its size."""
        family = self._family()
        for key, size_bytes in list(self._sizes.items()):
            try:
                family.add_metric(key, float(size_bytes()))
            except Exception:
                self._shield.failed("component_size")
        return [family]

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(
            self._name, "Memory usage by consciousness components", labels=["component", "type"]
        )
