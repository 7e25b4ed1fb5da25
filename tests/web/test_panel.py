from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from tests.web.conftest import NOW_MS, World

from sakshi.kpi import fill_window
from sakshi.model.labels import Labels
from sakshi.promql.engine import Vector
from sakshi.promql.local import LocalEngine
from sakshi.promql.parser import parse_query
from sakshi.web import DEFAULT_PANELS, Dashboard, PanelQuery

if TYPE_CHECKING:
    from tests.conftest import FakeClock

PROVIDERS = ("openai", "venice", "gemini")
LAYERS = ("perception", "memory", "selection", "generation", "synthesis", "reflection", "total")


def load_histogram(world: World, name: str, labels: dict[str, str], mean: float) -> None:
    """Load a histogram that observes one value of `mean` seconds each second."""
    counts = [float(second) for second in range(61)]
    for edge in ("0.1", "1", "5", "+Inf"):
        below = [count if mean <= float(edge) else 0.0 for count in counts]
        world.load({"__name__": f"{name}_bucket", "le": edge, **labels}, below, 1000)
    world.load({"__name__": f"{name}_count", **labels}, counts, 1000)
    world.load({"__name__": f"{name}_sum", **labels}, [c * mean for c in counts], 1000)


@pytest.fixture
def watched(world: World) -> World:
    """A minute of a service whose every metric has a value."""
    load_histogram(
        world,
        "consciousness_response_time_seconds",
        {"endpoint": "/api/consciousness/chat", "method": "POST", "status": "200"},
        1.24,
    )
    load_histogram(world, "websocket_message_processing_seconds", {}, 0.05)
    for place, provider in enumerate(PROVIDERS):
        labels = {"model": "m", "provider": provider}
        load_histogram(world, "ai_model_response_time_seconds", labels, 0.6 + place)
    for place, layer in enumerate(LAYERS):
        labels = {"layer": layer, "user_id": "u"}
        load_histogram(world, "consciousness_pipeline_duration_seconds", labels, (place + 1) / 10)
    for name, value in (
        ("consciousness_messages_per_second", 19.8),
        ("consciousness_pipeline_completions_per_second", 12.0),
        ("ai_api_calls_per_second", 36.0),
        ("consciousness_pipeline_success_rate", 1.0),
        ("ai_response_success_rate", 0.97),
        ("database_connection_success_rate", 1.0),
        ("cpu_usage_percent", 41.5),
        ("memory_usage_percent", 55.0),
        ("database_active_connections", 4.0),
        ("websocket_active_connections", 9.0),
    ):
        world.load({"__name__": name, "job": "chat"}, [value], 1000)
    return world


@pytest.mark.parametrize("panel", DEFAULT_PANELS, ids=lambda panel: panel.id)
def test_every_panel_draws_lines_whose_keys_differ(
    watched: World, clock: FakeClock, panel: object
) -> None:
    """No panel of sakshi shows nothing while the service is watched."""
    assert panel in DEFAULT_PANELS
    (found,) = [candidate for candidate in DEFAULT_PANELS if candidate is panel]
    engine = LocalEngine(watched.store, clock)
    keys: list[str] = []

    for query in found.queries:
        result = engine.instant(fill_window(query.expr, "1m"), NOW_MS)
        assert isinstance(result.value, Vector)
        lines = result.value.at(0)
        assert lines, query.expr
        assert not result.warnings
        assert all(value == value for _, value in lines)  # none is NaN
        keys += [query.series_key(labels) for labels, _ in lines]

    assert Counter(keys).most_common(1)[0][1] == 1


def test_panel_values_are_in_the_panels_unit(watched: World, clock: FakeClock) -> None:
    """Seconds are drawn as milliseconds, in each line of its own series."""
    engine = LocalEngine(watched.store, clock)
    drawn: dict[str, dict[str, float]] = {}

    for panel in DEFAULT_PANELS:
        for query in panel.queries:
            value = engine.instant(fill_window(query.expr, "1m"), NOW_MS).value
            assert isinstance(value, Vector)
            for labels, number in value.at(0):
                drawn.setdefault(panel.id, {})[query.series_key(labels)] = round(number, 6)

    assert drawn["response_time"]["mean"] == 1240.0
    assert drawn["response_time"]["p95"] == 4800.0
    assert drawn["provider_time"] == {"openai": 600.0, "venice": 1600.0, "gemini": 2600.0}
    assert drawn["pipeline_layers"] == {
        layer: (place + 1) * 100.0 for place, layer in enumerate(LAYERS[:-1])
    }
    assert drawn["success_rate"]["AI providers"] == 0.97
    assert drawn["resources"] == {"CPU": 41.5, "memory": 55.0}


def test_panel_ids_are_unique() -> None:
    """The page finds a panel by its id."""
    ids = [panel.id for panel in DEFAULT_PANELS]

    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("legend", "key"),
    [
        ("p95", "p95"),
        ("{{provider}}", "venice"),
        ("{{ provider }} of {{model}}", "venice of "),
        ("{{provider", "{{provider"),
        ("{provider}", "{provider}"),
    ],
)
def test_series_key_is_the_legend_with_labels(legend: str, key: str) -> None:
    """A label that is absent is empty; what is no placeholder stays."""
    assert PanelQuery(legend, "x").series_key(Labels({"provider": "venice"})) == key


def test_every_expression_of_the_dashboard_parses() -> None:
    """With the window filled in, whatever it is."""
    for window in ("1s", "5m"):
        for panel in Dashboard().panels:
            for query in panel.queries:
                parse_query(fill_window(query.expr, window))
