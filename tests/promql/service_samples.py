"""An hour of a messaging service's samples: three instances with the strategy's metrics, seeded.

Counters are reset once, gauges wander, sessions come and go, some scrapes lack some series.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sakshi.model.labels import Labels
from sakshi.storage import ABSENT, Appender, is_absent

BOUNDS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
BESIDE_MS = (123, 457, 791)  # fractions of a second: no sample meets a moment that is asked
RESET_BASE = 5_000.0  # far above zero: extrapolation to zero never matters


@dataclass(frozen=True)
class Instance:
    """One target's samples.

    Args:
        series: k label sets.
        timestamps: shape (n,), milliseconds.
        values: shape (n, k); `ABSENT` where there is none.
    """

    series: list[Labels]
    timestamps: NDArray[np.int64]
    values: NDArray[np.float64]

    def append_to(self, appender: Appender) -> None:
        """Append every row, as scrapes would."""
        target = appender.target(self.series[0].only(("instance", "job")))
        columns = target.columns(self.series)
        for timestamp, row in zip(self.timestamps.tolist(), self.values, strict=True):
            known = ~is_absent(row)
            target.append(timestamp, columns[known], row[known])

    def open_metrics(self) -> str:
        """Return the samples as OpenMetrics text, without its last line."""
        lines = []
        for column, labels in enumerate(self.series):
            pairs = ",".join(f'{name}="{value}"' for name, value in labels.without_name().items())
            values = self.values[:, column]
            lines += [
                f"{labels.name}{{{pairs}}} {value!r} {timestamp / 1000:.3f}\n"
                for timestamp, value, absent in zip(
                    self.timestamps.tolist(), values.tolist(), is_absent(values), strict=True
                )
                if not absent
            ]
        return "".join(lines)


def service_samples(
    seed: int, start_ms: int, interval_ms: int, rows: int, phases_ms: Sequence[int] = BESIDE_MS
) -> list[Instance]:
    """Return the samples of one instance a phase, each scraped so long after the start."""
    generator = np.random.default_rng(seed)
    timestamps = start_ms + interval_ms * np.arange(rows, dtype=np.int64)
    return [
        _instance(generator, f"chat-{number}:5000", timestamps + phase_ms)
        for number, phase_ms in enumerate(phases_ms)
    ]


def _instance(
    generator: np.random.Generator, instance: str, timestamps: NDArray[np.int64]
) -> Instance:
    recorder = _Recorder(generator, instance, len(timestamps))
    for endpoint, status in (("/chat", "200"), ("/chat", "500"), ("/process", "200")):
        recorder.histogram(
            "consciousness_response_time_seconds", endpoint=endpoint, method="POST", status=status
        )
    for layer in ("total", "perception", "memory"):
        recorder.histogram("consciousness_pipeline_duration_seconds", layer=layer)
    for provider in ("openai", "venice", "gemini"):
        recorder.histogram(
            "ai_model_response_time_seconds", model=f"{provider}-1", provider=provider
        )
        for outcome in ("success", "error"):
            recorder.counter("ai_requests_total", 3.0, provider=provider, outcome=outcome)
    for component, kind in product(("memory", "pipeline"), ("heap", "cache")):
        recorder.gauge("consciousness_memory_usage_bytes", 1e8, 1e6, component=component, type=kind)
    for session in range(4):
        recorder.session(user_id=f"u{session % 2}", session_id=f"{session}")
    recorder.gauge("websocket_active_connections", 500.0, 200.0)
    recorder.gauge("cpu_usage_percent", 40.0, 15.0)
    recorder.gauge("memory_usage_percent", 60.0, 5.0)
    recorder.record("up", (generator.random(len(timestamps)) > 0.05).astype(float))
    return Instance(recorder.series, timestamps, np.stack(recorder.columns, axis=1))


class _Recorder:
    """Makes the columns of one instance."""

    def __init__(self, generator: np.random.Generator, instance: str, rows: int) -> None:
        self.series: list[Labels] = []
        self.columns: list[NDArray[np.float64]] = []
        self._generator = generator
        self._instance = instance
        self._rows = rows
        self._reset = int(generator.integers(rows // 4, rows))

    def record(self, name: str, values: NDArray[np.float64], **labels: str) -> None:
        own = {"__name__": name, "instance": self._instance, "job": "chat"}
        self.series.append(Labels({**own, **labels}))
        self.columns.append(values)

    def counter(self, name: str, mean: float, **labels: str) -> None:
        self.record(name, self._counted(self._increments(mean)), **labels)

    def histogram(self, name: str, **labels: str) -> None:
        total = np.zeros(self._rows)
        for bound in (*BOUNDS, np.inf):
            total = total + self._increments(self._generator.uniform(0.2, 9.0))
            le = "+Inf" if bound == np.inf else f"{bound:g}"
            self.record(f"{name}_bucket", self._counted(total), le=le, **labels)
        self.record(f"{name}_count", self._counted(total), **labels)
        seconds = total * self._generator.uniform(0.3, 2.0)
        self.record(f"{name}_sum", self._counted(seconds), **labels)

    def gauge(self, name: str, middle: float, spread: float, **labels: str) -> None:
        self.record(name, self._wandering(middle, spread), **labels)

    def session(self, **labels: str) -> None:
        values = self._wandering(0.8, 0.1)
        first, last = sorted(self._generator.integers(0, self._rows, 2).tolist())
        values[:first], values[last:] = ABSENT, ABSENT
        values[self._generator.random(self._rows) < 0.1] = ABSENT
        self.record("consciousness_coherence_score", values, **labels)

    def _increments(self, mean: float) -> NDArray[np.float64]:
        return self._generator.poisson(mean, self._rows).astype(np.float64)

    def _counted(self, increments: NDArray[np.float64]) -> NDArray[np.float64]:
        grown, rows = increments.cumsum(), np.arange(self._rows)
        return np.where(rows < self._reset, grown, grown - grown[self._reset - 1]) + RESET_BASE

    def _wandering(self, middle: float, spread: float) -> NDArray[np.float64]:
        return middle + spread * self._generator.standard_normal(self._rows).cumsum() / 10
