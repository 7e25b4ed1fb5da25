"""The catalogue that ships: the strategy's indicators, with its names, metrics and limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.conftest import FakeClock

from sakshi.config import read_configuration
from sakshi.kpi import Kpi, NoDataPolicy
from sakshi.kpi.expression import value_query
from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.promql import LocalEngine, Vector
from sakshi.storage import MemoryStore

EXAMPLE = Path(__file__).parents[2] / "examples" / "sakshi.yml"
STRATEGY = {
    "overallResponseTime": "http_request_duration_seconds <2000ms >3000ms >5000ms",
    "consciousnessProcessingTime": "consciousness_pipeline_duration_ms <1500ms >2500ms >4000ms",
    "aiModelResponseTime.openai": "ai_model_response_time_seconds <800ms >1200ms >2000ms",
    "aiModelResponseTime.venice": "ai_model_response_time_seconds <1000ms >1500ms >2500ms",
    "aiModelResponseTime.gemini": "ai_model_response_time_seconds <600ms >1000ms >1500ms",
    "websocketMessageTime": "websocket_message_processing_ms <100ms >200ms >500ms",
    "messagesPerSecond": "consciousness_messages_per_second >10/s <5/s <2/s",
    "consciousnessProcessingThroughput": (
        "consciousness_pipeline_completions_per_second >8/s <4/s <1/s"
    ),
    "aiApiThroughput": "ai_api_calls_per_second >15/s <8/s <3/s",
    "cpuUtilization": "cpu_usage_percent <70% >80% >90%",
    "memoryUtilization": "memory_usage_percent <75% >85% >95%",
    "databaseConnections": "database_active_connections <80 >100 >120",
    "websocketConnections": "websocket_active_connections <1000 >1500 >2000",
    "consciousnessCoherence": "consciousness_coherence_score >0.8 <0.7 <0.6",
    "spiralMemoryEfficiency": "spiral_memory_retrieval_accuracy >0.9 <0.8 <0.7",
    "crystalFormationRate": "crystal_formations_per_hour >5/h <3/h <1/h",
    "consciousnessEvolutionRate": "consciousness_evolution_events_per_hour >10/h <5/h <2/h",
    "aiResponseQuality.openai": "ai_response_quality_score >0.85 <0.75 <0.65",
    "aiResponseQuality.venice": "ai_response_quality_score >0.8 <0.7 <0.6",
    "aiResponseQuality.gemini": "ai_response_quality_score >0.88 <0.78 <0.68",
    "modelSelectionAccuracy": "optimal_model_selection_rate >0.85 <0.75 <0.65",
    "responseSynthesisQuality": "unified_response_coherence_score >0.9 <0.8 <0.7",
}
NOW_MS = 1_700_000_000_000
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def kpis() -> dict[str, Kpi]:
    return {kpi.name: kpi for kpi in read_configuration(EXAMPLE, {}).kpis}


def test_names_metrics_and_limits_are_the_strategys(kpis: dict[str, Kpi]) -> None:
    """All twenty-two, with target, warning and critical limit as the strategy writes them."""
    found = {
        name: " ".join(map(str, (kpi.metric, kpi.target, kpi.warning, kpi.critical)))
        for name, kpi in kpis.items()
    }

    assert found == STRATEGY


def test_groups_are_the_strategys_in_its_order(kpis: dict[str, Kpi]) -> None:
    """Its five objects, each KPI in its own."""
    groups: dict[str, int] = {}
    for kpi in kpis.values():
        groups[kpi.group] = groups.get(kpi.group, 0) + 1

    assert groups == {
        "responseTime": 6,
        "throughput": 3,
        "resources": 4,
        "consciousnessQuality": 4,
        "aiQuality": 5,
    }
    assert [kpi.group for kpi in kpis.values()] == sorted(
        (kpi.group for kpi in kpis.values()), key=list(groups).index
    )


def test_throughput_is_judged_under_load_only(kpis: dict[str, Kpi]) -> None:
    """Each has a condition, and a window that must be covered; nothing else has a condition."""
    conditional = {name for name, kpi in kpis.items() if kpi.condition}

    assert conditional == {name for name, kpi in kpis.items() if kpi.group == "throughput"}
    assert all(kpis[name].covered_by for name in conditional)


def test_what_is_counted_by_the_hour_waits_for_one(kpis: dict[str, Kpi]) -> None:
    """The two hourly KPIs have a window of an hour, and it must be covered."""
    hourly = {name for name, kpi in kpis.items() if kpi.unit == "/h"}

    assert hourly == {"crystalFormationRate", "consciousnessEvolutionRate"}
    assert {kpis[name].window for name in hourly} == {"1h"}
    assert all(kpis[name].covered_by for name in hourly)


def test_response_times_rest_on_observations(kpis: dict[str, Kpi]) -> None:
    """No mean of three requests is judged."""
    for kpi in kpis.values():
        if kpi.group == "responseTime":
            assert kpi.observations, kpi.name
            assert kpi.min_observations == 10, kpi.name


def test_resources_must_have_data(kpis: dict[str, Kpi]) -> None:
    """A service that is there exposes them: their absence is an alert."""
    loud = {name for name, kpi in kpis.items() if kpi.no_data is NoDataPolicy.ALERT}

    assert loud == {name for name, kpi in kpis.items() if kpi.group == "resources"}


class Service:
    """A service that has been watched for more than an hour."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.engine = LocalEngine(self.store, FakeClock(NOW_MS))

    def load(self, name: str, per_second: float = 0.0, start: float = 0.0, **labels: Any) -> None:
        """Append a sample a minute, up to now."""
        series = Labels({"__name__": name, **labels})
        target = self.store.target(series)
        column = target.columns([series])
        for second in range(-3900, 1, 60):
            value = start + per_second * (second + 3900)
            target.append(NOW_MS + second * 1000, column, np.array([value]))

    def value(self, kpi: Kpi) -> float | None:
        found = self.engine.instant(value_query(kpi), NOW_MS).value
        assert isinstance(found, Vector)
        points = found.at(0)
        assert len(points) <= 1, kpi.name
        return round(points[0][1], 6) if points else None

    def histogram(self, name: str, rate: float, mean: float, **labels: Any) -> None:
        self.load(f"{name}_count", rate, **labels)
        self.load(f"{name}_sum", rate * mean, **labels)


def load_everything(service: Service) -> None:
    """Load what the KPIs read: exposed series, and what the recording rules record."""
    service.histogram(
        "consciousness_response_time_seconds", 2, 1.24, endpoint="/a", method="POST", status="200"
    )
    service.histogram(
        "consciousness_response_time_seconds", 2, 3.24, endpoint="/b", method="GET", status="200"
    )
    for place, layer in enumerate(("memory", "total")):
        service.histogram(
            "consciousness_pipeline_duration_seconds", 1, 1.0 + place, layer=layer, user_id="u"
        )
    for place, provider in enumerate(("openai", "venice", "gemini")):
        service.histogram(
            "ai_model_response_time_seconds", 1, 0.6 + place, model="m", provider=provider
        )
        service.load("ai_response_quality_score", start=0.7 + place / 10, provider=provider)
    service.histogram("websocket_message_processing_seconds", 1, 0.05)
    for name, value in (
        ("consciousness_offered_messages_per_second", 20.0),
        ("consciousness_messages_per_second", 19.8),
        ("consciousness_messages_total", 1.0),
        ("consciousness_pipeline_completions_per_second", 12.0),
        ("consciousness_pipeline_runs_total", 1.0),
        ("ai_api_calls_per_second", 36.0),
        ("ai_requests_total", 1.0),
        ("spiral_memory_retrieval_accuracy", 0.93),
        ("crystal_formations_per_hour", 6.0),
        ("crystal_formations_total", 1.0),
        ("consciousness_evolution_events_per_hour", 11.0),
        ("consciousness_evolution_events_total", 1.0),
        ("optimal_model_selection_rate", 0.9),
        ("unified_response_coherence_score", 0.95),
    ):
        service.load(name, start=value)
    for place, instance in enumerate(("a", "b")):
        for name in ("cpu_usage_percent", "memory_usage_percent"):
            service.load(name, start=40.0 + place, instance=instance)
        for name in ("database_active_connections", "websocket_active_connections"):
            service.load(name, start=4.0 + place, instance=instance)
        service.load("consciousness_coherence_score", start=0.8 + place / 10, session_id=instance)


def test_each_kpi_has_the_value_that_its_name_promises(kpis: dict[str, Kpi]) -> None:
    """On a service whose numbers are known: means, sums over instances, the largest, averages."""
    service = Service()
    load_everything(service)

    assert {name: service.value(kpi) for name, kpi in kpis.items()} == {
        "overallResponseTime": 2240.0,
        "consciousnessProcessingTime": 2000.0,
        "aiModelResponseTime.openai": 600.0,
        "aiModelResponseTime.venice": 1600.0,
        "aiModelResponseTime.gemini": 2600.0,
        "websocketMessageTime": 50.0,
        "messagesPerSecond": 19.8,
        "consciousnessProcessingThroughput": 12.0,
        "aiApiThroughput": 36.0,
        "cpuUtilization": 41.0,
        "memoryUtilization": 41.0,
        "databaseConnections": 9.0,
        "websocketConnections": 9.0,
        "consciousnessCoherence": 0.85,
        "spiralMemoryEfficiency": 0.93,
        "crystalFormationRate": 6.0,
        "consciousnessEvolutionRate": 11.0,
        "aiResponseQuality.openai": 0.7,
        "aiResponseQuality.venice": 0.8,
        "aiResponseQuality.gemini": 0.9,
        "modelSelectionAccuracy": 0.9,
        "responseSynthesisQuality": 0.95,
    }


def test_without_load_throughput_has_no_value(kpis: dict[str, Kpi]) -> None:
    """Nine messages a second offered: nobody is blamed for fewer than ten."""
    service = Service()
    for name, value in (
        ("consciousness_offered_messages_per_second", 9.9),
        ("consciousness_messages_per_second", 1.0),
        ("consciousness_messages_total", 1.0),
    ):
        service.load(name, start=value)

    assert service.value(kpis["messagesPerSecond"]) is None


def test_the_store_knows_what_the_service_loaded() -> None:
    """The fixture covers the hour: its first sample is older than that."""
    service = Service()
    service.load("m")
    (columns,) = service.store.select([Matcher("__name__", MatchOperator.EQUAL, "m")], 0, NOW_MS)

    assert NOW_MS - int(columns.timestamps[0]) > HOUR_MS
