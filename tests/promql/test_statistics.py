"""What queries are said to have read, compared with what Prometheus says."""

from __future__ import annotations

from typing import Any

import pytest
from tests.peers import Prometheus, PrometheusPeer
from tests.promql.service_samples import BESIDE_MS, service_samples

from sakshi.model.clock import SystemClock
from sakshi.promql import LocalEngine
from sakshi.promql.engine import QueryStatistics
from sakshi.promql.errors import QueryLimitError
from sakshi.promql.limit import EvaluationLimits
from sakshi.storage.memory import MemoryStore

SEED = 20_240_611
START_MS = 1_700_000_000_000
AT_MS = START_MS + 1_000_000
STEP_MS = 75_000

QUERIES = (
    "1 + 1",
    "up",
    "up{job='no such job'}",
    "up + up",
    "up offset 5m",
    "up @ end()",
    "sum(up @ 1700000600)",
    "up[5m]",
    "timestamp(up)",
    "absent(up)",
    "rate(ai_requests_total[5m])",
    "rate(ai_requests_total[14s])",
    "rate(ai_requests_total[5m] @ 1700000600)",
    "sum by (provider) (rate(ai_requests_total[1m])) / sum(rate(ai_requests_total[2m] offset 1m))",
    "avg_over_time(websocket_active_connections[3m])",
    "quantile_over_time(scalar(max(up)) / 2, cpu_usage_percent[3m])",
    "topk(3, consciousness_memory_usage_bytes)",
    "up and on () vector(0) > 1",
    "max_over_time(up[5m:1m])",
    "up[5m:1m]",
    "max_over_time(sum(rate(ai_requests_total[1m]))[10m:30s])",
    "min_over_time(max_over_time(up[2m:30s])[4m:1m])",
    "max_over_time(up[5m:1m] @ 1700000600)",
)


def filled_store() -> MemoryStore:
    store = MemoryStore()
    for instance in service_samples(SEED, START_MS, 15_000, 100, BESIDE_MS):
        instance.append_to(store)
    return store


@pytest.fixture(scope="module")
def engine() -> LocalEngine:
    return LocalEngine(filled_store(), SystemClock())


@pytest.mark.slow
def test_prometheus_counts_the_same_samples(
    engine: LocalEngine, prometheus: PrometheusPeer
) -> None:
    """Of instant queries and of ranges, in sum and at each step."""
    if prometheus.version < (3, 5):
        pytest.skip("older versions count ranges differently")
    instances = service_samples(SEED, START_MS, 15_000, 100, BESIDE_MS)
    text = "".join(instance.open_metrics() for instance in instances) + "# EOF\n"

    with prometheus.serving(text) as peer:
        differences = [
            f"{query}\n  sakshi {ours}\n  prometheus {theirs}"
            for query in QUERIES
            for ours, theirs in (
                (instant(engine, query), peer_instant(peer, query)),
                (range_(engine, query), peer_range(peer, query)),
            )
            if ours != theirs
        ]

    assert not differences, "\n".join(differences)


def instant(engine: LocalEngine, query: str) -> list[int]:
    return counts(engine.instant(query, AT_MS, counts_samples=True).statistics)


def range_(engine: LocalEngine, query: str) -> list[int]:
    if query.endswith("]"):
        return []
    result = engine.range(query, AT_MS - 5 * STEP_MS, AT_MS, STEP_MS, counts_samples=True)
    return counts(result.statistics)


def counts(statistics: QueryStatistics | None) -> list[int]:
    assert statistics is not None
    found: list[int] = statistics.samples_per_step.tolist()
    return found


def peer_instant(peer: Prometheus, query: str) -> list[int]:
    parameters: dict[str, str | float] = {"query": query, "time": AT_MS / 1000, "stats": "all"}
    return peer_counts(peer.client.get("/api/v1/query", params=parameters).json())


def peer_range(peer: Prometheus, query: str) -> list[int]:
    if query.endswith("]"):
        return []
    parameters: dict[str, str | float] = {
        "query": query,
        "start": (AT_MS - 5 * STEP_MS) / 1000,
        "end": AT_MS / 1000,
        "step": STEP_MS / 1000,
        "stats": "all",
    }
    return peer_counts(peer.client.get("/api/v1/query_range", params=parameters).json())


def peer_counts(answer: dict[str, Any]) -> list[int]:
    samples = answer["data"]["stats"]["samples"]
    steps = [count for _, count in samples["totalQueryableSamplesPerStep"]]
    assert sum(steps) == samples["totalQueryableSamples"]
    return steps


def test_nobody_counts_unasked(engine: LocalEngine) -> None:
    """What is not asked for costs nothing."""
    assert engine.instant("up", AT_MS).statistics is None
    assert engine.range("up", AT_MS, AT_MS, 1).statistics is None


def test_what_is_held_is_what_the_limit_counts(engine: LocalEngine) -> None:
    """A query that is said to hold so many passes with that limit, and with no smaller one."""
    statistics = engine.instant("sum(up)", AT_MS, counts_samples=True).statistics
    assert statistics is not None
    held = statistics.samples_held

    def ask(samples: int) -> None:
        limits = EvaluationLimits(samples=samples)
        LocalEngine(filled_store(), SystemClock(), limits).instant("sum(up)", AT_MS)

    ask(held)
    with pytest.raises(QueryLimitError):
        ask(held - 1)
