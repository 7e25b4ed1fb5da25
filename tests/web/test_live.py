from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.web.conftest import (
    ALERTING,
    GROUP,
    KPIS,
    NOW_MS,
    World,
    make_alert,
    make_delivery,
    make_group,
    make_target,
)

from sakshi.kpi import Judgement, Ruling, Verdict
from sakshi.ledger.record import DeliveryState
from sakshi.model.alert import AlertState
from sakshi.model.labels import Labels
from sakshi.promql.engine import QueryResult
from sakshi.promql.errors import QueryLimitError
from sakshi.promql.local import LocalEngine
from sakshi.promql.sharing import SharedReads
from sakshi.rules.rule import RuleGroupStatus
from sakshi.scrape.target import TargetHealth
from sakshi.web import Dashboard, Panel, PanelQuery, Services
from sakshi.web.live import LiveSource, series_name

if TYPE_CHECKING:
    from tests.conftest import FakeClock

FORMAT = Path(__file__).parents[2] / "docs" / "formats" / "websocket.md"
UP = {"__name__": "up", "job": "chat", "instance": "127.0.0.1:5000"}


def documented(index: int) -> Any:
    """Return one of the messages that the documentation shows."""
    return json.loads(re.findall(r"```json\n(.*?)```", FORMAT.read_text(), re.DOTALL)[index])


def metrics_update(services: Services) -> Any:
    return json.loads(LiveSource(services).metrics_update())


def alerts_update(services: Services) -> Any:
    return json.loads(LiveSource(services).alerts_update())


class CountingEngine(LocalEngine):
    """The engine, but each query takes a while, or fails."""

    def __init__(self, world: World, clock: FakeClock) -> None:
        super().__init__(world.store, clock)
        self.clock = clock
        self.seconds = 0.0
        self.failing = False
        self.asked = 0

    def instant(
        self,
        query: str,
        at_ms: int,
        *,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
        counts_samples: bool = False,
        reads: SharedReads | None = None,
    ) -> QueryResult:
        self.asked += 1
        self.clock.move(round(self.seconds * 1000))
        if self.failing:
            raise QueryLimitError("too many samples")
        return super().instant(query, at_ms, timeout_seconds=timeout_seconds)


def test_messages_have_the_documented_fields(services: Services, world: World) -> None:
    """Each object of the messages has the fields of the documentation, no more and no less."""
    alert = make_alert(AlertState.FIRING)
    world.alerts = [alert]
    world.groups = [make_group(alert)]
    world.targets = [make_target("127.0.0.1:5000", TargetHealth.UP)]
    world.judgements = [Judgement(KPIS[0], Ruling(Verdict.OK), NOW_MS, value=12.0)]
    world.ledger.listed_deliveries = [make_delivery(alert, DeliveryState.WAITING)]

    metrics, alerts = metrics_update(services), alerts_update(services)

    assert set(metrics) == set(documented(0))
    assert set(metrics["kpis"][0]) == set(documented(0)["kpis"][0])
    assert set(metrics["kpis"][0]["distances"]) == set(documented(0)["kpis"][0]["distances"])
    assert set(metrics["summary"]) == set(documented(0)["summary"])
    assert set(metrics["targets"]) == set(documented(0)["targets"])
    assert set(metrics["targets"]["items"][0]) == set(documented(0)["targets"]["items"][0])
    assert set(alerts) == set(documented(1))
    assert set(alerts["summary"]) == set(documented(1)["summary"])
    (shown,), expected = alerts["alerts"], documented(1)["alerts"][0]
    assert set(shown) == set(expected)
    assert set(shown["rule"]) == set(expected["rule"])
    assert set(shown["deliveries"][0]) == set(expected["deliveries"][0])
    assert metrics["alerts"] == alerts["alerts"]


def test_metrics_are_the_newest_values_by_name_and_labels(services: Services, world: World) -> None:
    """The strategy's metrics and the KPIs', nothing else; NaN and infinities are null."""
    world.load({"__name__": "cpu_usage_percent", "job": "chat", "a": 'x "y"'}, [40, 41.5], 1000)
    world.load({"__name__": "consciousness_messages_per_second"}, [19.8], 1000)
    world.load({"__name__": "errors_total"}, [3], 1000)
    world.load({"__name__": "memory_usage_percent"}, [float("nan")], 1000)
    world.load({"__name__": "ai_api_calls_per_second"}, [float("inf")], 1000)
    world.load({"__name__": "something_else"}, [1], 1000)

    message = metrics_update(services)

    assert message["timestamp"] == "2023-11-14T22:13:20.000Z"
    assert message["metrics"] == {
        "ai_api_calls_per_second": None,
        "consciousness_messages_per_second": 19.8,
        'cpu_usage_percent{a="x \\"y\\"",job="chat"}': 41.5,
        "errors_total": 3,
        "memory_usage_percent": None,
    }
    assert message["truncated"] == 0


def test_kpi_without_a_metric_adds_none(services: Services, world: World) -> None:
    """Neither to the strategy's metrics, nor where there are no others."""
    world.load({"__name__": "cpu_usage_percent"}, [41.5], 1000)
    nameless = replace(services, kpis=[replace(KPIS[0], metric="")])

    with_metrics = metrics_update(nameless)
    without = metrics_update(replace(nameless, dashboard=Dashboard(metrics=())))

    assert with_metrics["metrics"] == {"cpu_usage_percent": 41.5}
    assert without["metrics"] == {}


def test_metrics_are_capped_with_a_note(services: Services, world: World) -> None:
    """What does not fit is counted; the same series stay from message to message."""
    for number in range(5):
        world.load({"__name__": "cpu_usage_percent", "n": str(number)}, [number], 1000)
    capped = replace(services, dashboard=Dashboard(series_max=2))

    message = metrics_update(capped)

    assert list(message["metrics"]) == ['cpu_usage_percent{n="0"}', 'cpu_usage_percent{n="1"}']
    assert message["truncated"] == 3


def test_kpis_are_the_newest_judgements_and_the_worst_is_the_summary(
    services: Services, world: World
) -> None:
    """What the judge found, word for word; what counts as OK does not worsen the summary."""
    off_target = Judgement(
        KPIS[0], Ruling(Verdict.OFF_TARGET), NOW_MS, NOW_MS - 2000, 7.0, observations=210.0
    )
    no_load = Ruling(Verdict.NO_DATA, "not judged: its condition is not met", "no target exposes m")
    world.judgements = [off_target, Judgement(KPIS[1], no_load, NOW_MS)]

    message = metrics_update(services)

    assert message["kpis"] == [
        {
            "name": "messagesPerSecond",
            "value": 7.0,
            "verdict": "OFF TARGET",
            "since": "2023-11-14T22:13:18.000Z",
            "observations": 210.0,
            "distances": {"critical": 5.0, "warning": 2.0, "target": -3.0},
            "counts_as": "OFF TARGET",
            "reason": "",
            "warning": "",
        },
        {
            "name": "errorRate",
            "value": None,
            "verdict": "NO DATA",
            "since": None,
            "observations": None,
            "distances": {},
            "counts_as": "OK",
            "reason": "not judged: its condition is not met",
            "warning": "no target exposes m",
        },
    ]
    assert message["summary"]["verdict"] == "OFF TARGET"


def test_nothing_judged_is_no_data(services: Services) -> None:
    """Without KPIs nobody knows how things are."""
    assert metrics_update(services)["summary"]["verdict"] == "NO DATA"


def test_panels_have_a_point_for_each_line(services: Services, world: World) -> None:
    """By the key that the legend gives; a panel without data is empty."""
    panels = (
        Panel("load", "Load", "", (PanelQuery("{{job}}", "up"), PanelQuery("now", "1 + 1"))),
        Panel("empty", "Empty", "", (PanelQuery("x", "nothing"),)),
        Panel("words", "No numbers", "", (PanelQuery("x", "'x'"), PanelQuery("y", "up[5m]"))),
    )
    world.load(UP, [1], 1000)

    message = metrics_update(replace(services, dashboard=Dashboard(panels=panels)))

    assert message["panels"] == {"load": {"chat": 1, "now": 2}, "empty": {}, "words": {}}


@pytest.mark.parametrize(
    ("values", "age"),
    [
        ([1.0], 0.0),
        ([1.0, 0.0, 0.0], 2.0),
        ([1.0, *[0.0] * 600], 600.0),
        ([0.0], None),
        ([1.0, *[0.0] * 3601], None),
        ([], None),
    ],
)
def test_data_is_as_old_as_the_last_answer_of_any_target(
    services: Services, world: World, values: list[float], age: float | None
) -> None:
    """A target that is down brings no data, though `up` is recorded."""
    if values:
        world.load(UP, values, 1000)

    assert metrics_update(services)["data_age_seconds"] == age


def test_targets_are_counted_and_those_down_come_first(services: Services, world: World) -> None:
    """Before those that were never scraped, before those that are up."""
    world.targets = [
        make_target("a", TargetHealth.UP),
        make_target("b", TargetHealth.UNKNOWN),
        make_target("d", TargetHealth.DOWN),
        make_target("c", TargetHealth.DOWN),
    ]

    targets = metrics_update(services)["targets"]

    assert {key: targets[key] for key in ("up", "down", "unknown")} == {
        "up": 1,
        "down": 2,
        "unknown": 1,
    }
    assert [item["instance"] for item in targets["items"]] == ["c", "d", "b", "a"]
    assert targets["items"][0] == {
        "job": "chat",
        "instance": "c",
        "health": "down",
        "last_scrape": "2023-11-14T22:13:19.700Z",
        "last_error": "connection refused",
        "interval_seconds": 1.0,
        "duration_seconds": 0.004,
        "samples": 312,
    }
    assert targets["items"][2]["last_scrape"] is None


def test_more_targets_than_a_message_holds_are_counted(services: Services, world: World) -> None:
    """The first hundred are shown, all are counted."""
    world.targets = [make_target(str(number), TargetHealth.UP) for number in range(101)]

    targets = metrics_update(services)["targets"]

    assert (targets["up"], len(targets["items"])) == (101, 100)


def test_query_that_fails_leaves_its_numbers_out_and_is_logged_once(
    services: Services, world: World, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The rest of the message is there; a failure that lasts is not logged again and again."""
    engine = CountingEngine(world, clock)
    world.load({"__name__": "consciousness_messages_per_second"}, [19.8], 1000)
    dashboard = Dashboard(panels=(Panel("p", "P", "", (PanelQuery("x", "1"),)),))
    source = LiveSource(replace(services, engine=engine, dashboard=dashboard))
    engine.failing = True

    broken = json.loads(source.metrics_update())
    source.metrics_update()
    failures = len(caplog.records)
    engine.failing = False
    whole = json.loads(source.metrics_update())

    assert (broken["metrics"], broken["panels"]) == ({}, {"p": {}})
    assert failures == 2  # metrics, a panel's query
    assert "live query failed expr='1' error=too many samples" in caplog.text
    assert whole["panels"] == {"p": {"x": 1}}
    assert whole["metrics"] == {"consciousness_messages_per_second": 19.8}


def test_queries_that_take_too_long_together_are_left_out(
    services: Services, world: World, clock: FakeClock
) -> None:
    """A message is made within five seconds and the query that is running then."""
    engine = CountingEngine(world, clock)
    engine.seconds = 2.0
    source = LiveSource(replace(services, engine=engine))

    json.loads(source.metrics_update())

    assert engine.asked == 3


def test_alerts_are_ranked_by_state_severity_and_age(services: Services, world: World) -> None:
    """Firing before pending before resolved, critical before warning before the rest."""
    world.alerts = [
        make_alert(AlertState.RESOLVED, name="a", severity="critical"),
        make_alert(AlertState.PENDING, name="b", severity="critical"),
        make_alert(AlertState.FIRING, name="c", severity="info"),
        make_alert(AlertState.FIRING, name="d", severity="warning"),
        replace(make_alert(AlertState.FIRING, name="e"), active_at_ms=1_600_000_000_000),
        make_alert(AlertState.FIRING, name="f"),
    ]

    message = alerts_update(services)

    assert [alert["name"] for alert in message["alerts"]] == ["e", "f", "d", "c", "b", "a"]
    assert message["summary"] == {"pending": 1, "firing": 4}
    assert message["truncated"] == 0


def test_pending_alert_says_when_it_will_fire(services: Services, world: World) -> None:
    """`active_at` and the rule's `for`; the rule stands beside it."""
    alert = make_alert(AlertState.PENDING)
    world.alerts, world.groups = [alert], [make_group(alert)]

    (shown,) = alerts_update(services)["alerts"]

    assert shown["active_at"] == "2023-11-14T22:12:20.000Z"
    assert shown["hold_seconds"] == 180
    assert shown["fires_at"] == "2023-11-14T22:15:20.000Z"
    assert (shown["fired_at"], shown["resolved_at"]) == (None, None)
    assert shown["annotations"] == {"summary": "<b>too high</b>"}
    assert shown["rule"] == {
        "file": "alert-rules.yml",
        "group": "ai",
        "expr": "ai_response_success_rate < 0.9",
    }


def test_alert_whose_rule_is_gone_is_shown_without_it(services: Services, world: World) -> None:
    """After a restart with other rules an alert may outlive its rule."""
    world.alerts = [replace(make_alert(AlertState.FIRING), value=float("inf"))]

    (shown,) = alerts_update(services)["alerts"]

    assert (shown["rule"], shown["fires_at"], shown["hold_seconds"]) == (None, None, 0)
    assert shown["value"] is None


def test_rules_whose_names_repeat_are_told_apart(services: Services, world: World) -> None:
    """An alert stands with its own rule, not with another of the same name."""
    alert = make_alert(AlertState.PENDING)
    twin = replace(ALERTING, query="ai_response_success_rate < 0.5", hold_ms=60_000)
    world.alerts = [replace(alert, rule_id=f"{alert.rule_id};2")]
    world.groups = [RuleGroupStatus(replace(GROUP, rules=(ALERTING, twin)), ())]

    (shown,) = alerts_update(services)["alerts"]

    assert shown["rule"]["expr"] == "ai_response_success_rate < 0.5"
    assert shown["hold_seconds"] == 60


def test_alert_has_the_value_of_the_last_evaluation(services: Services, world: World) -> None:
    """The ledger keeps the value at the last change; the rule knows a newer one."""
    firing, resolved = make_alert(AlertState.FIRING), make_alert(AlertState.RESOLVED)
    world.alerts = [firing, replace(resolved, rule_id="another")]
    world.groups = [make_group(replace(firing, value=0.5))]

    values = [alert["value"] for alert in alerts_update(services)["alerts"]]

    assert values == [0.5, 0.71]


def test_state_of_an_alert_is_the_ledgers(services: Services, world: World) -> None:
    """What the ledger has committed counts, though the rule's status is a moment older."""
    firing = make_alert(AlertState.FIRING)
    world.alerts = [firing]
    world.groups = [make_group(replace(make_alert(AlertState.PENDING), value=0.5))]

    (shown,) = alerts_update(services)["alerts"]

    assert (shown["state"], shown["value"]) == ("firing", 0.71)


def test_deliveries_stand_with_their_alert(services: Services, world: World) -> None:
    """Only those of this run of it; due while waiting, delivered once it was."""
    alert, other = make_alert(AlertState.FIRING), make_alert(AlertState.FIRING, name="Other")
    before = replace(
        make_delivery(alert, DeliveryState.DELIVERED, number=1),
        transition_at_ms=alert.active_at_ms - 1,
    )
    world.alerts = [alert]
    world.ledger.listed_deliveries = [
        make_delivery(alert, DeliveryState.WAITING, number=4),
        make_delivery(other, DeliveryState.WAITING, number=3),
        make_delivery(alert, DeliveryState.DELIVERED, number=2),
        before,
    ]

    (shown,) = alerts_update(services)["alerts"]

    waiting, delivered = shown["deliveries"]
    assert (waiting["id"], waiting["state"], delivered["id"]) == (4, "waiting", 2)
    assert (waiting["due_at"], waiting["delivered_at"]) == ("2023-11-14T22:13:25.000Z", None)
    assert waiting["last_error"] == "timed out after 10 s"
    assert (delivered["due_at"], delivered["delivered_at"]) == (None, "2023-11-14T22:13:19.500Z")


def test_more_alerts_than_a_message_holds_are_counted(services: Services, world: World) -> None:
    """The first two hundred are shown, all are counted."""
    world.alerts = [make_alert(AlertState.FIRING, name=f"a{n}") for n in range(203)]

    message = alerts_update(services)

    assert (len(message["alerts"]), message["truncated"]) == (200, 3)
    assert message["summary"]["firing"] == 203


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        ({"__name__": "up"}, "up"),
        ({"__name__": "up", "b": "2", "a": "1 x"}, 'up{a="1 x",b="2"}'),
        ({"__name__": "up", "a": 'q"\\\n'}, 'up{a="q\\"\\\\\\n"}'),
        ({"a": "1"}, '{a="1"}'),
    ],
)
def test_series_name_is_written_as_in_the_text_format(labels: dict[str, str], name: str) -> None:
    """Sorted labels, escaped values, no spaces."""
    assert series_name(Labels(labels)) == name
