"""The monitoring strategy's own names, on one `Metrics` for the whole process.

The strategy's module exports its metrics as globals of prom-client's default register. This is the
same convenience: one `Metrics` in prometheus_client's default registry, made at the first use.
Applications that build their own `Metrics` need nothing of this file.
"""

from __future__ import annotations

import functools

from sakshi.instrument.metrics import Metrics
from sakshi.instrument.pipeline import LayerTimer


@functools.cache
def default_metrics() -> Metrics:
    """Return the process' own `Metrics`, in prometheus_client's default registry."""
    return Metrics()


def consciousness_metrics_middleware(
    layer: str, user_id: str, metrics: Metrics | None = None
) -> LayerTimer:
    """Return a timer of one layer that runs from now until its `.end()`.

    Example:
        >>> from prometheus_client import CollectorRegistry
        >>> metrics = Metrics(CollectorRegistry())
        >>> timer = consciousness_metrics_middleware("memory", "ada", metrics)
        >>> timer.end()
        >>> labels = {"layer": "memory", "user_id": "ada"}
        >>> metrics.registry.get_sample_value(
        ...     "consciousness_pipeline_duration_seconds_count", labels)
        1.0
    """
    return (metrics or default_metrics()).layer(layer, user_id)


consciousnessMetricsMiddleware = consciousness_metrics_middleware  # the strategy's spelling
