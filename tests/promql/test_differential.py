"""The evaluator against a real Prometheus: the same samples, the same queries, the same answers.

A Prometheus before 3.0 has closed ranges. With it, every sample lies a fraction of a second beside
the moments that are asked, so that the edges of ranges are never met and both mean the same. From
3.0 on samples lie on the edges too: those of ranges and those of subqueries' steps. Other
differences are kept out by the data and the expressions: counters fall to a base far above zero,
sums do not cancel, what is ranked has no ties. Two are met and known (`_is_explained`,
`_take_turns`); docs/explanation/promql.md says why. From 3.5 on, the experimental functions,
arithmetic in durations and delayed metric-name removal are compared too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from tests.peers import Prometheus, PrometheusPeer
from tests.promql.expression import ExpressionGenerator
from tests.promql.service_samples import BESIDE_MS, service_samples

from sakshi.model.clock import SystemClock
from sakshi.promql import LocalEngine, QueryError, render_instant, render_range
from sakshi.storage.memory import MemoryStore

SEED = 20_240_611
EXPRESSIONS = 2000
START_MS = 1_700_000_000_000
INTERVAL_MS = 15_000
ROWS = 241  # an hour
RELATIVE_TOLERANCE = 1e-9
EXP_MAX = 2**1023 * math.sqrt(2)  # e^709.436; the exponent of what is greater is rounded to 1024


@dataclass(frozen=True)
class Moments:
    """When instances are scraped and queries asked.

    Args:
        phases_ms: of each instance's samples after START_MS and every INTERVAL_MS from there.
        at: of instant queries, in seconds after START_MS.
        start: of range queries, likewise.
        end: likewise.
    """

    phases_ms: tuple[int, ...]
    at: int
    start: int
    end: int


STEP_SECONDS = 75  # a multiple of the interval: a sample that meets one step's edge meets them all
BESIDE = Moments(BESIDE_MS, at=3003, start=-177, end=3723)
ON_EDGES = Moments((0, 5_000, 10_000), at=3000, start=-180, end=3720)
"""The first instance meets every edge of a range, the last every step of a subquery: these stand
on multiples of their length since 1970, of which START_MS is none."""

pytestmark = pytest.mark.slow


STRATEGY = (
    # The strategy's rules, and what records the names that they read.
    "sum(rate(ai_requests_total{outcome='success'}[5m])) / sum(rate(ai_requests_total[5m])) < 0.95",
    "sum by (provider) (rate(ai_requests_total{outcome='success'}[1m]))"
    " / sum by (provider) (rate(ai_requests_total[1m]))",
    "1000 * histogram_quantile(0.95, sum by (le)"
    " (rate(consciousness_response_time_seconds_bucket[5m]))) > 3000",
    "memory_usage_percent > 85",
    "max(memory_usage_percent)",
    "consciousness_coherence_score < 0.7",
    "avg(consciousness_coherence_score)",
    "sum(rate(consciousness_response_time_seconds_sum[5m]))"
    " / sum(rate(consciousness_response_time_seconds_count[5m]))",
    "sum by (quantile) (label_replace(histogram_quantile(0.99, sum by (le)"
    " (rate(consciousness_response_time_seconds_bucket[5m]))), 'quantile', '0.99', '', ''))",
    "1000 * sum(rate(consciousness_pipeline_duration_seconds_sum{layer='total'}[5m]))"
    " / sum(rate(consciousness_pipeline_duration_seconds_count{layer='total'}[5m]))",
    "histogram_quantile(0.5, sum by (le, layer)"
    " (rate(consciousness_pipeline_duration_seconds_bucket{layer!='total'}[5m])))",
    "histogram_quantile(0.95, sum by (le, provider)"
    " (rate(ai_model_response_time_seconds_bucket[5m])))",
    "sum(rate(consciousness_response_time_seconds_count[1m]))",
    "sum(increase(consciousness_response_time_seconds_count[1h]))",
    "sum(rate(ai_model_response_time_seconds_count[1m])) and on () sum(up) > 0",
    "sum by (component) (consciousness_memory_usage_bytes)",
    "sum(websocket_active_connections) or vector(0)",
    "clamp_min(avg_over_time(cpu_usage_percent[5m]), 0)",
    "topk(3, consciousness_memory_usage_bytes)",
    "absent(up{job='chat'}) or absent(up{job='other'})",
    "up == 0 unless on (instance) avg_over_time(up[5m]) > 0.5",
    "count(up == 1) / count(up)",
    "time() - timestamp(up)",
    "1 - sum(rate(consciousness_response_time_seconds_bucket{le='2'}[5m]))"
    " / sum(rate(consciousness_response_time_seconds_count[5m]))",
    "avg by (instance) (cpu_usage_percent) > scalar(avg(cpu_usage_percent))",
    "max_over_time(sum(rate(ai_requests_total[1m]))[10m:30s])",
)


@pytest.mark.parametrize(
    "moments", [pytest.param(BESIDE, id="beside"), pytest.param(ON_EDGES, id="on edges")]
)
def test_prometheus_gives_the_same_answers(moments: Moments, prometheus: PrometheusPeer) -> None:
    """Instant and range, label for label, number for number, as JSON."""
    if moments is ON_EDGES and prometheus.version < (3,):
        pytest.skip("before 3.0 the edges of ranges mean something else")
    instances = service_samples(SEED, START_MS, INTERVAL_MS, ROWS, moments.phases_ms)
    store = MemoryStore()
    for instance in instances:
        instance.append_to(store)
    engine = LocalEngine(store, SystemClock())
    generator = ExpressionGenerator(SEED, experimental=prometheus.version >= (3, 5))
    queries = [*STRATEGY, *(generator.vector() for _ in range(EXPRESSIONS))]
    text = "".join(instance.open_metrics() for instance in instances) + "# EOF\n"

    with prometheus.serving(text) as peer:
        outcomes = [_compare(engine, peer, query, moments) for query in queries]

    differences = [outcome for outcome in outcomes if outcome.difference]
    report = "\n\n".join(f"{outcome.query}\n  {outcome.difference}" for outcome in differences)
    version = ".".join(map(str, prometheus.version))
    assert not differences, (
        f"seed {SEED}, {version}: {len(differences)} of {len(queries)} differ\n{report}"
    )
    answered = sum(outcome.has_answer for outcome in outcomes)
    assert answered > 0.6 * len(queries), f"only {answered} of {len(queries)} have an answer"


@dataclass(frozen=True)
class Outcome:
    """What came of comparing one query; `difference` is empty where there is none."""

    query: str
    difference: str
    has_answer: bool


def _compare(engine: LocalEngine, peer: Prometheus, query: str, moments: Moments) -> Outcome:
    at, start, end = (
        START_MS // 1000 + seconds for seconds in (moments.at, moments.start, moments.end)
    )
    step = STEP_SECONDS
    theirs = peer.instant(query, at)
    ours = _answer(lambda: render_instant(engine.instant(query, at * 1000)))
    difference = _difference(query, ours, theirs)
    if not difference:
        theirs = peer.range(query, start, end, step)
        ours = _answer(
            lambda: render_range(engine.range(query, start * 1000, end * 1000, step * 1000))
        )
        difference = "" if _take_turns(ours, theirs) else _difference(query, ours, theirs)
    return Outcome(query, difference, bool(theirs.get("data", {}).get("result")))


def _answer(ask: Callable[[], bytes]) -> dict[str, Any]:
    try:
        return {"status": "success", "data": json.loads(ask())}
    except QueryError as error:
        return {"status": "error", "error": str(error)}


def _difference(query: str, ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    """Return in words how two responses differ; empty where they do not."""
    if ours["status"] != theirs["status"]:
        return f"ours: {str(ours)[:300]}\n  theirs: {str(theirs)[:300]}"
    if ours["status"] == "error":
        return ""
    if ours["data"]["resultType"] != theirs["data"]["resultType"]:
        return f"{ours['data']['resultType']} instead of {theirs['data']['resultType']}"
    left, right = _series(ours["data"]), _series(theirs["data"])
    if set(left) != set(right):
        return f"ours only: {set(left) - set(right)}, theirs only: {set(right) - set(left)}"
    for labels, points in left.items():
        if list(points) != list(right[labels]):
            return f"{labels}: times {list(points)} instead of {list(right[labels])}"
        for time, value in points.items():
            if not _near(float(value), float(right[labels][time])) and not _is_explained(
                query, value, right[labels][time]
            ):
                return f"{labels} at {time}: {value} instead of {right[labels][time]}"
    return ""


def _series(data: dict[str, Any]) -> dict[str, dict[float, str]]:
    """Return the values of an answer by label set and time."""
    if data["resultType"] == "scalar":
        return {"": {data["result"][0]: data["result"][1]}}
    return {
        str(sorted(series["metric"].items())): dict(series.get("values", [series.get("value")]))
        for series in data["result"]
    }


def _take_turns(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Tell whether Prometheus only refused series that became one and never meet at a step.

    Ours would be refused too if they met: then both are errors. Prometheus 3.5 looks at the series
    of a whole range query instead of at those of each step.
    """
    refusal = "vector cannot contain metrics with the same labelset"
    return ours["status"] == "success" and theirs.get("error") == refusal


def _is_explained(query: str, ours: str, theirs: str) -> bool:
    """Tell whether a difference is a change of Prometheus since 2.42, or an error of Go's.

    The deviation of a single infinite value is NaN since 2.53; it was 0. Go's `math.Exp` on amd64
    finds what is above EXP_MAX infinite.
    """
    is_deviation = "stddev" in query or "stdvar" in query
    is_exp = "exp(" in query and theirs == "+Inf" and EXP_MAX < float(ours) < math.inf
    return is_exp or (is_deviation and (ours, theirs) == ("NaN", "0"))


def _near(left: float, right: float) -> bool:
    if math.isnan(left) or math.isnan(right):
        return math.isnan(left) and math.isnan(right)
    return math.isclose(left, right, rel_tol=RELATIVE_TOLERANCE, abs_tol=RELATIVE_TOLERANCE)
