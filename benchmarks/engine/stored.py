"""What a subject has kept of what was handed out."""

from __future__ import annotations

from collections.abc import Sequence, Set

from benchmarks.api import Api

HISTOGRAM = "http_request_duration_seconds"
NAMES = (
    f"{HISTOGRAM}_bucket",
    f"{HISTOGRAM}_sum",
    f"{HISTOGRAM}_count",
    "gpu_utilization_percent",
    "worker_resident_memory_bytes",
    "model_errors_total",
    "config_limit",
    "bench_tick",
    "bench_fault",
)
"""Every metric name that the targets expose."""


def stored_ticks(api: Api, at: float, window_seconds: int) -> dict[int, set[int]]:
    """Return the ticks that are stored for each target, by its index.

    Args:
        api: of the subject.
        at: the window's end, inclusive, in seconds since the epoch.
        window_seconds: its length.
    """
    expr = f'bench_tick{{job="bench"}}[{window_seconds}s]'
    return {
        int(series["metric"]["instance"].removeprefix("t")): {
            int(float(value)) for _, value in series["values"]
        }
        for series in api.query(expr, time=f"{at:.3f}")
    }


def count_samples(api: Api, at: float, window_seconds: int) -> int:
    """Return how many samples of the targets' own names are stored."""
    return int(
        sum(
            api.value(
                f'sum(count_over_time({name}{{job="bench"}}[{window_seconds}s]))', time=f"{at:.3f}"
            )
            for name in NAMES
        )
    )


def count_lost(served: Sequence[Set[int]], stored: dict[int, set[int]]) -> int:
    """Return how many scrapes were handed out and are not stored.

    Example:
        >>> count_lost([{1, 2, 3}, {1}], {0: {1, 3}})
        2
    """
    return sum(len(ticks - stored.get(index, set())) for index, ticks in enumerate(served))
