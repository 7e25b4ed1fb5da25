from __future__ import annotations

import math
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from tests.kpi.catalogue import make_kpi

from sakshi.config import read_configuration
from sakshi.instrument import Metrics
from sakshi.instrument.metrics import BUCKETS
from sakshi.kpi import Kpi
from sakshi.kpi.bucket import find_buckets
from sakshi.promql import parse_query
from sakshi.rules import RecordingRule, RuleGroup

EXAMPLES = Path(__file__).parents[2] / "examples"
MEAN = "1000 * sum(rate(x_seconds_sum[5m])) / sum(rate(x_seconds_count[5m]))"
P95 = "histogram_quantile(0.95, sum by (le) (rate(x_seconds_bucket[5m])))"


def make(expr: str, unit: str = "ms", **limits: str) -> Kpi:
    return make_kpi(expr=expr, unit=unit, **(limits or {"target": "<2000", "warning": ">3000"}))


def recording(**queries: str) -> RuleGroup:
    rules = [RecordingRule(name, query, parse_query(query)) for name, query in queries.items()]
    return RuleGroup("g", "rules.yml", 1000, rules)


@pytest.mark.parametrize(
    ("kpi", "expected"),
    [
        pytest.param(make(MEAN), {"x_seconds": [2.0, 3.0]}, id="a mean"),
        pytest.param(make(P95, "s", critical=">5"), {"x_seconds": [5.0]}, id="a quantile"),
        pytest.param(
            make("sum(rate(x_bytes_sum[5m]))", "bytes", target="<1KiB"),
            {"x_bytes": [1024.0]},
            id="in bytes",
        ),
        pytest.param(
            make("avg(q_score_sum / q_score_count)", "ratio", target=">0.8", warning="<0.7"),
            {"q_score": [0.7, 0.8]},
            id="ascending, whichever way is good",
        ),
        pytest.param(
            make(f"{MEAN} + avg(y_milliseconds_sum)"),
            {"x_seconds": [2.0, 3.0], "y_milliseconds": [2000.0, 3000.0]},
            id="each histogram in its own unit",
        ),
        pytest.param(
            make(MEAN, target="<0", warning=">7"), {"x_seconds": [0.007]}, id="above zero"
        ),
        pytest.param(make("sum(rate(x_seconds_count[5m]))"), {}, id="how many is not how large"),
        pytest.param(make(P95, "/s", target=">10"), {}, id="a rate"),
        pytest.param(make(P95, "ratio", target=">0.9"), {}, id="a share of a time"),
        pytest.param(make("avg(x_seconds)"), {}, id="no histogram"),
        pytest.param(make("sum(rate(x_sum[5m]))"), {}, id="a name without a unit"),
        pytest.param(make('{__name__=~"x_seconds_sum"}'), {}, id="no name"),
        pytest.param(make_kpi(expr=MEAN), {}, id="no limits"),
        pytest.param(make("vector(1)"), {}, id="no series"),
    ],
)
def test_edges_are_limits_in_the_histograms_unit(
    kpi: Kpi, expected: dict[str, list[float]]
) -> None:
    """Where the KPI judges the size of what the histogram counts; else there are none."""
    assert find_buckets([kpi]) == expected


def test_kpis_of_one_histogram_share_its_edges() -> None:
    """Each once, ascending."""
    kpis = [make(MEAN, target="<800", warning=">1200"), make(MEAN, target="<600", warning=">1200")]

    assert find_buckets(kpis) == {"x_seconds": [0.6, 0.8, 1.2]}


def test_recorded_names_are_followed_to_what_is_exposed() -> None:
    """Through rules that read rules; a recorded name is no histogram, whatever it ends in."""
    group = recording(a_ms="b_ms", b_ms="1000 * c_seconds_sum", c_seconds_sum="x_seconds_sum")

    assert find_buckets([make("a_ms")], [group]) == {"x_seconds": [2.0, 3.0]}
    assert find_buckets([make("c_seconds_sum")], [group]) == {"x_seconds": [2.0, 3.0]}


def test_rules_that_read_each_other_end() -> None:
    """A cycle is looked at a few times, not for ever; what else it reads is found."""
    group = recording(a_ms="b_ms + avg(x_seconds_sum)", b_ms="a_ms")

    assert find_buckets([make("a_ms")], [group]) == {"x_seconds": [2.0, 3.0]}


def test_the_catalogues_limits_are_edges_in_seconds() -> None:
    """Those of its four histograms; shares, rates and counts of connections are none."""
    configuration = read_configuration(EXAMPLES / "sakshi.yml", {})

    assert find_buckets(configuration.kpis, configuration.rule_groups) == {
        "consciousness_response_time_seconds": [2.0, 3.0, 5.0],
        "consciousness_pipeline_duration_seconds": [1.5, 2.5, 4.0],
        "ai_model_response_time_seconds": [0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 2.5],
        "websocket_message_processing_seconds": [0.1, 0.2, 0.5],
    }


def test_the_sdk_takes_the_edges() -> None:
    """`Metrics(thresholds=...)`: each limit is a bucket beside those of the strategy."""
    limits = {"target": "<70ms", "warning": ">700ms", "critical": ">7s"}
    mean = MEAN.replace("x_seconds", "websocket_message_processing_seconds")
    registry = CollectorRegistry()

    metrics = Metrics(registry, thresholds=find_buckets([make(mean, **limits)]))
    exposed = {
        float(sample.labels["le"])
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "websocket_message_processing_seconds_bucket"
    }

    assert metrics.shield.failures == {}
    assert exposed == {*BUCKETS["websocket_message_processing_seconds"], 0.07, 0.7, 7.0, math.inf}
