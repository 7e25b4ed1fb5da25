"""A store in which the last hour was what the strategy's performanceBaselines say.

A sample every 15 s; the service was busiest in the last whole minute. Requests fall into the SDK's
buckets such that, between their edges, 95 % lie below 3.2 s and 99 % below 5.1 s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from tests.kpi.indicator import NOW_MS

from sakshi.instrument import BUCKETS
from sakshi.model.labels import Labels
from sakshi.storage import MemoryStore

STEP_MS = 15_000
STEPS = 240  # an hour; the sample at its beginning is not in it
BUSY = slice(STEPS - 6, STEPS - 2)  # 75 s to 30 s ago: the samples of the last whole minute
STARTED = 1e6  # counters have counted before: nothing is extrapolated to their zero

SHARES = {
    0.1: Fraction(1, 10),
    0.5: Fraction(3, 10),
    1: Fraction(5, 10),
    2: Fraction(7, 10),
    3: Fraction(278, 294),
    5: Fraction(291, 294),
    10: Fraction(1),
}
"""Of all requests, how many took at most so many seconds: 3.2 = 3 + (0.95 - 278/294) / (13/294) * 2
and 5.1 = 5 + (0.99 - 291/294) / (3/294) * 5."""


def fill_store() -> MemoryStore:
    """Return the store; its last sample stands at NOW_MS."""
    assert set(SHARES) == set(BUCKETS["consciousness_response_time_seconds"])
    series = [*_requests(), *_pipeline(), *_gauges()]
    store = MemoryStore()
    appender = store.target(Labels({"job": "consciousness"}))
    columns = appender.columns([Labels(labels) for labels, _ in series])
    rows = np.array([values for _, values in series]).T
    for step, row in enumerate(rows):
        appender.append(NOW_MS - (STEPS - step) * STEP_MS, columns, row)
    store.commit()
    return store


Series = tuple[Mapping[str, str], NDArray[np.float64]]


def _requests() -> Sequence[Series]:
    name = "consciousness_response_time_seconds"
    count = _counter(_gauge(12.0, 25.0, STEPS - 1) * STEP_MS / 1000)
    buckets: list[Series] = [
        ({"__name__": f"{name}_bucket", "le": f"{float(edge)}"}, count * float(share))
        for edge, share in SHARES.items()
    ]
    return [
        *buckets,
        ({"__name__": f"{name}_bucket", "le": "+Inf"}, count),
        ({"__name__": f"{name}_count"}, count),
        ({"__name__": f"{name}_sum"}, count * 1.8),
    ]


def _pipeline() -> Sequence[Series]:
    name = "consciousness_pipeline_duration_seconds"
    steady = np.ones(STEPS - 1)
    return [
        ({"__name__": f"{name}_count", "layer": "total"}, _counter(steady * 180)),
        ({"__name__": f"{name}_sum", "layer": "total"}, _counter(steady * 180) * 1.2),
        ({"__name__": f"{name}_count", "layer": "memory"}, _counter(steady * 180)),
        ({"__name__": f"{name}_sum", "layer": "memory"}, _counter(steady * 180) * 0.1),
        ({"__name__": "crystal_formations_total"}, _counter(steady * 8 * STEP_MS / 3_600_000)),
    ]


def _gauges() -> Sequence[Series]:
    return [
        ({"__name__": "cpu_usage_percent"}, np.append(0.0, _gauge(45.0, 75.0, STEPS))),
        ({"__name__": "memory_usage_percent"}, np.append(0.0, _gauge(60.0, 80.0, STEPS))),
        ({"__name__": "consciousness_coherence_score"}, np.full(STEPS + 1, 0.82)),
    ]


def _gauge(mean: float, peak: float, size: int) -> NDArray[np.float64]:
    """Return numbers of a mean, those of the busy minute at the peak."""
    is_busy = np.zeros(STEPS, dtype=bool)
    is_busy[BUSY] = True
    is_busy = is_busy[-size:]
    rest = (mean * size - peak * is_busy.sum()) / (~is_busy).sum()
    return np.where(is_busy, peak, rest)


def _counter(increases: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a counter that grows so from the hour's first sample to its last."""
    return STARTED + np.cumsum([0.0, 0.0, *increases])
