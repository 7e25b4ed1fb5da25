"""Phase query: a dashboard's queries over HTTP, each repeated, over all that was ingested."""

from __future__ import annotations

import json
import math
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.engine.settings import Settings
from benchmarks.engine.stored import HISTOGRAM
from benchmarks.engine.subject import Subject
from benchmarks.report import Figures

WARM_UP_RUNS = 2


class Query(NamedTuple):
    """A query; instant where it has no step."""

    name: str
    expr: str
    step_seconds: int | None = None


COUNT, BUCKET = f"{HISTOGRAM}_count", f"{HISTOGRAM}_bucket"
P95 = f"histogram_quantile(0.95, sum by (le, endpoint) (rate({BUCKET}[1m])))"
QUERIES = (
    Query("raw_1000", '{job="bench",instance="t00"}'),
    Query("sum_rate", f"sum by (endpoint) (rate({COUNT}[1m]))"),
    Query("p95", P95),
    Query("topk", f"topk(10, sum by (endpoint, method, status) (rate({COUNT}[30s])))"),
    Query("avg_over_time", "avg_over_time(gpu_utilization_percent[1m])"),
    Query("subquery", f'max_over_time(rate({COUNT}{{instance="t00"}}[30s])[5m:15s])'),
    Query("regex", f'count by (endpoint, status) ({BUCKET}{{endpoint=~"/v1/.*(chat|embed).*"}})'),
    Query("absent", 'absent(up{job="nope"})'),
    Query("count_by_name", 'count by (__name__) ({job="bench"})'),
    Query("increase_filter", "increase(model_errors_total[2m]) > 0"),
    Query("range_sum_rate_1s", f"sum(rate({COUNT}[30s]))", 1),
    Query(
        "range_ratio_5s",
        f'sum(rate({COUNT}{{status=~"5.."}}[1m])) / sum(rate({COUNT}[1m]))',
        5,
    ),
    Query("range_p95_5s", P95, 5),
    Query("range_avg_ot_15s", "avg by (gpu) (avg_over_time(gpu_utilization_percent[1m]))", 15),
    Query("range_bytes_15s", "sum by (instance) (worker_resident_memory_bytes)", 15),
    Query("range_topk_raw_5s", 'topk(5, gpu_utilization_percent{instance=~"t0[0-4]"})', 5),
)


def measure_queries(subject: Subject, bounds: Mapping[str, float], settings: Settings) -> Figures:
    """Return the median milliseconds of each query, the answers' sizes, and the geometric mean.

    Args:
        subject: runs, and has ingested.
        bounds: `begin` and `end` of the ingestion.
        settings: says how often each query is run.
    """
    each = {query.name: _measure(subject, query, bounds, settings) for query in QUERIES}
    fresh = [row["ms"] for row in each.values()]
    cached = [row.get("cached_ms") or row["ms"] for row in each.values()]
    return {
        "each": each,
        "geomean_ms": geometric_mean(fresh),
        "geomean_cached_ms": geometric_mean(cached),
    }


def measure_cold_queries(
    subject: Subject, bounds: Mapping[str, float], settings: Settings
) -> Figures:
    """Return the median milliseconds of each query as the first of its kind after a restart.

    Args:
        subject: is stopped, and has ingested.
        bounds: `begin` and `end` of the ingestion.
        settings: says how often it is restarted.
    """
    times: dict[str, list[float]] = {query.name: [] for query in QUERIES}
    for _ in range(settings.starts):
        subject.start()
        subject.wait_until_it_answers("vector(1)")
        for query in QUERIES:
            path, parameters = _request(query, bounds)
            started = time.perf_counter()
            subject.api.request(path, **parameters, nocache=1)
            times[query.name].append((time.perf_counter() - started) * 1e3)
        subject.stop()
    each = {name: round(statistics.median(values), 3) for name, values in times.items()}
    return {"each_ms": each, "geomean_ms": geometric_mean(list(each.values()))}


def _measure(
    subject: Subject, query: Query, bounds: Mapping[str, float], settings: Settings
) -> Figures:
    path, parameters = _request(query, bounds)
    milliseconds, body = _time(subject, path, {**parameters, "nocache": 1}, settings)
    figures: Figures = {"ms": milliseconds}
    if subject.kind.keeps_answers:
        figures["cached_ms"], body = _time(subject, path, parameters, settings)
    result = json.loads(body)["data"]["result"]
    figures["series"] = len(result)
    figures["points"] = sum(len(series.get("values", [0])) for series in result)
    return figures


def _request(query: Query, bounds: Mapping[str, float]) -> tuple[str, dict[str, Any]]:
    if query.step_seconds is None:
        return "/api/v1/query", {"query": query.expr, "time": f"{bounds['end']:.3f}"}
    return "/api/v1/query_range", {
        "query": query.expr,
        "start": math.ceil(bounds["begin"]),
        "end": int(bounds["end"]),
        "step": query.step_seconds,
    }


def _time(
    subject: Subject, path: str, parameters: Mapping[str, Any], settings: Settings
) -> tuple[float, bytes]:
    """Return the median of the runs that count, in milliseconds, and the last answer."""
    times, body = [], b""
    for _ in range(settings.query_runs + WARM_UP_RUNS):
        started = time.perf_counter()
        body = subject.api.request(path, **parameters)
        times.append((time.perf_counter() - started) * 1e3)
    return round(statistics.median(times[WARM_UP_RUNS:]), 3), body


def geometric_mean(values: Sequence[float]) -> float:
    """Return the geometric mean of positive numbers.

    Example:
        >>> geometric_mean([1.0, 4.0])
        2.0
    """
    return round(statistics.geometric_mean([max(value, 1e-9) for value in values]), 3)
