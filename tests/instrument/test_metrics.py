"""The metrics module: names, labels and buckets of the strategy."""

from __future__ import annotations

import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry

from sakshi.instrument import BUCKETS, OTHER, Metrics
from sakshi.instrument.component import COMPONENTS_MAX
from sakshi.instrument.metrics import bucket_edges

STRATEGY = {
    "consciousness_response_time_seconds": {"endpoint", "method", "status"},
    "consciousness_pipeline_duration_seconds": {"layer", "user_id"},
    "ai_model_response_time_seconds": {"model", "provider"},
}


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> Metrics:
    return Metrics(registry)


def test_the_strategys_histograms_have_its_names_and_labels(
    metrics: Metrics, registry: CollectorRegistry
) -> None:
    """Name and labels of each histogram are the strategy's."""
    metrics.observe(0.1, metrics.response_time_histogram, "/", "GET", "200")
    metrics.observe(0.1, metrics.consciousness_processing_duration, "memory", "ada")
    metrics.observe(0.1, metrics.ai_model_response_time, "gpt", "openai")

    counts = {
        sample.name.removesuffix("_count"): set(sample.labels)
        for family in registry.collect()
        for sample in family.samples
        if sample.name.endswith("_count") and not sample.name.startswith("websocket")
    }
    assert counts == STRATEGY


def test_every_agreed_family_is_exposed(registry: CollectorRegistry, metrics: Metrics) -> None:
    """The names that recording rules and dashboards read exist from the first scrape on."""
    families = {family.name for family in registry.collect()}

    assert families >= {
        *STRATEGY,
        "consciousness_memory_usage_bytes",
        "websocket_active_connections",
        "consciousness_coherence_score",
        "consciousness_pipeline_runs",
        "ai_requests",
        "consciousness_messages",
        "websocket_message_processing_seconds",
        "websocket_turn_latency_seconds",
        "database_connections",
        "database_connection_attempts",
        "service_cpu_usage_ratio",
        "service_memory_usage_ratio",
        "sakshi_event_loop_lag_seconds",
        "process_resident_memory_bytes",
        "process_cpu_seconds",
    }


def test_the_coherence_score_has_no_series_until_one_is_set(
    registry: CollectorRegistry, metrics: Metrics
) -> None:
    """The gauge is declared and exposes nothing."""
    (family,) = [f for f in registry.collect() if f.name == "consciousness_coherence_score"]

    assert family.samples == []


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        pytest.param("consciousness_response_time_seconds", {2, 3, 5}, id="response time"),
        pytest.param("consciousness_pipeline_duration_seconds", {1.5, 2.5, 4}, id="pipeline"),
        pytest.param(
            "ai_model_response_time_seconds",
            {0.8, 1.2, 2} | {1, 1.5, 2.5} | {0.6, 1, 1.5},
            id="openai, venice, gemini",
        ),
        pytest.param("websocket_message_processing_seconds", {0.1, 0.2, 0.5}, id="websocket"),
    ],
)
def test_kpi_limits_are_bucket_edges(name: str, limits: set[float]) -> None:
    """The share of observations above a KPI's limit is exact."""
    assert limits <= set(BUCKETS[name])


def test_thresholds_become_bucket_edges(registry: CollectorRegistry) -> None:
    """An application's own limit is an edge of the histogram that it names."""
    metrics = Metrics(registry, thresholds={"ai_model_response_time_seconds": [0.7]})

    metrics.observe(0.65, metrics.ai_model_response_time, "gpt", "openai")

    labels = {"model": "gpt", "provider": "openai", "le": "0.7"}
    assert registry.get_sample_value("ai_model_response_time_seconds_bucket", labels) == 1


def test_edges_that_are_no_durations_are_left_out() -> None:
    """Zero, negative and infinite edges say nothing about durations."""
    assert bucket_edges((0.1, 1), [0, -1, float("inf"), float("nan")]) == (0.1, 1.0)


def test_unreadable_thresholds_leave_the_strategys_buckets(registry: CollectorRegistry) -> None:
    """A threshold that is no number is reported and changes nothing."""
    wrong: list[float] = ["fast"]  # type: ignore[list-item] # the wrong type is the point
    metrics = Metrics(registry, thresholds={"websocket_turn_latency_seconds": wrong})

    assert metrics.shield.failures == {"thresholds:websocket_turn_latency_seconds": 1}
    assert registry.get_sample_value("websocket_turn_latency_seconds_count") == 0


def test_counters_start_at_zero(registry: CollectorRegistry, metrics: Metrics) -> None:
    """A rate sees the first failure, because its series was there before."""
    for outcome in ("success", "failure"):
        for name in ("consciousness_pipeline_runs_total", "database_connection_attempts_total"):
            assert registry.get_sample_value(name, {"outcome": outcome}) == 0
    for transport in ("http", "websocket"):
        labels = {"transport": transport}
        assert registry.get_sample_value("consciousness_messages_total", labels) == 0


def test_overflowing_labels_are_counted(registry: CollectorRegistry) -> None:
    """The guard says which metric ran out of its budget, and how often."""
    metrics = Metrics(registry, label_sets_max=1)

    for user in ("ada", "bob", "cyd"):
        metrics.observe(1, metrics.consciousness_processing_duration, "memory", user)

    name = "consciousness_pipeline_duration_seconds"
    overflow = registry.get_sample_value("sakshi_instrument_label_overflow_total", {"metric": name})
    other = registry.get_sample_value(f"{name}_count", {"layer": "memory", "user_id": OTHER})
    assert overflow == other == 2


def test_a_namespace_stands_before_every_name_of_ours(registry: CollectorRegistry) -> None:
    """Two services in one registry do not meet."""
    Metrics(registry, namespace="shop")

    names = {family.name for family in registry.collect()}
    own = {n for n in names if not n.startswith(("process_", "shop_", "sakshi_instrument_errors"))}
    assert own == set()


def test_components_report_their_size_at_each_scrape(
    registry: CollectorRegistry, metrics: Metrics
) -> None:
    """The gauge is what the callback says when it is asked."""
    store = bytearray(10)
    metrics.register_component("memory", "heap", lambda: len(store))
    store.extend(bytes(5))

    labels = {"component": "memory", "type": "heap"}
    assert registry.get_sample_value("consciousness_memory_usage_bytes", labels) == 15


def test_a_component_that_cannot_say_its_size_spares_the_others(
    registry: CollectorRegistry, metrics: Metrics
) -> None:
    """One callback that raises costs its own sample only."""
    metrics.register_component("broken", "heap", lambda: 1 / 0)
    metrics.register_component("whole", "heap", lambda: 1)

    value = registry.get_sample_value
    name = "consciousness_memory_usage_bytes"
    assert value(name, {"component": "whole", "type": "heap"}) == 1
    assert value(name, {"component": "broken", "type": "heap"}) is None
    assert metrics.shield.failures["component_size"] >= 1


def test_database_pools_are_summed(registry: CollectorRegistry, metrics: Metrics) -> None:
    """Active and idle connections are those of all pools together."""
    metrics.register_database_pool(lambda: (2, 3))
    metrics.register_database_pool(lambda: (1, 0))

    assert registry.get_sample_value("database_connections", {"state": "active"}) == 3
    assert registry.get_sample_value("database_connections", {"state": "idle"}) == 3


def test_database_attempts_are_counted_by_outcome(
    registry: CollectorRegistry, metrics: Metrics
) -> None:
    """An attempt fails where its body raises, and the error goes on to the application."""
    with metrics.database_attempt():
        pass
    with pytest.raises(OSError, match="disk"), metrics.database_attempt():
        raise OSError("disk")

    name = "database_connection_attempts_total"
    assert registry.get_sample_value(name, {"outcome": "success"}) == 1
    assert registry.get_sample_value(name, {"outcome": "failure"}) == 1


def test_importing_the_sdk_loads_the_standard_library_and_prometheus_client_only() -> None:
    """No heavy package comes along; asyncio only when it is used."""
    program = (
        "import sys, prometheus_client; before = set(sys.modules); import sakshi.instrument;"
        "new = {m.partition('.')[0] for m in set(sys.modules) - before};"
        "known = {*sys.stdlib_module_names, 'prometheus_client'};"
        "print(sorted(new - known), 'asyncio' in sys.modules)"
    )

    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout

    assert output == "['sakshi'] False\n"


def test_a_pool_that_cannot_be_read_spares_the_others(
    registry: CollectorRegistry, metrics: Metrics
) -> None:
    """What one pool cannot say is counted as an error of the SDK."""
    metrics.register_database_pool(lambda: (1 // 0, 0))
    metrics.register_database_pool(lambda: (2, 3))

    assert registry.get_sample_value("database_connections", {"state": "active"}) == 2
    assert metrics.shield.failures["database_pool"] >= 1


def test_components_are_bounded(registry: CollectorRegistry, metrics: Metrics) -> None:
    """Those beyond the bound are refused and counted; those inside may still be replaced."""
    for number in range(COMPONENTS_MAX + 5):
        metrics.register_component(f"part-{number}", "heap", lambda: 1)
    metrics.register_component("part-0", "heap", lambda: 2)

    name, labels = "consciousness_memory_usage_bytes", {"component": "part-0", "type": "heap"}
    assert registry.get_sample_value(name, labels) == 2
    assert metrics.shield.failures == {"register_component": 5}
