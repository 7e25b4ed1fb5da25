"""The evaluator against a real Prometheus: the same samples, the same queries, the same answers.

`python -m torture promql` asks many more; `comparison.py` says what is compared, and how.
"""

from __future__ import annotations

import pytest
from tests.peers import PrometheusPeer
from tests.promql.comparison import BESIDE, INTERVAL_MS, ON_EDGES, ROWS, START_MS, Moments, compare
from tests.promql.expression import ExpressionGenerator
from tests.promql.service_samples import service_samples

from sakshi.model.clock import SystemClock
from sakshi.promql import LocalEngine
from sakshi.storage.memory import MemoryStore

SEED = 20_240_611
EXPRESSIONS = 2000

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
        outcomes = [compare(engine, peer, query, moments) for query in queries]

    differences = [outcome for outcome in outcomes if outcome.difference]
    report = "\n\n".join(f"{outcome.query}\n  {outcome.difference}" for outcome in differences)
    version = ".".join(map(str, prometheus.version))
    assert not differences, (
        f"seed {SEED}, {version}: {len(differences)} of {len(queries)} differ\n{report}"
    )
    answered = sum(outcome.has_answer for outcome in outcomes)
    assert answered > 0.6 * len(queries), f"only {answered} of {len(queries)} have an answer"
