from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from tests.web.conftest import KPIS, NOW_MS, World, make_alert, make_client, make_delivery

from sakshi.kpi import Judgement, NoDataPolicy, Ruling, Verdict, generate_groups
from sakshi.ledger.record import DeliveryState
from sakshi.model.alert import AlertState, Transition
from sakshi.promql import parse_query
from sakshi.rules import AlertingRule, RuleGroup, RuleGroupStatus
from sakshi.web import Dashboard, Services

FORMAT = Path(__file__).parents[2] / "docs" / "formats" / "websocket.md"


async def test_definition_has_the_documented_shape(services: Services) -> None:
    """Each object of the definition has the fields of the documentation, no more and no less."""
    documented = json.loads(re.findall(r"```json\n(.*?)```", FORMAT.read_text(), re.DOTALL)[2])

    async with make_client(services) as client:
        answer = (await client.get("/api/v1/sakshi/dashboard")).json()

    data, expected = answer["data"], documented["data"]
    assert set(data) == set(expected)
    for part in ("groups", "kpis", "panels"):
        assert {frozenset(item) for item in data[part]} == {frozenset(expected[part][0])}
    assert set(data["kpis"][0]["target"]) == set(expected["kpis"][0]["target"])
    assert set(data["panels"][0]["queries"][0]) == set(expected["panels"][0]["queries"][0])
    assert set(data["panels"][0]["thresholds"][0]) == set(expected["panels"][0]["thresholds"][0])


async def test_definition_fills_the_window_in(services: Services) -> None:
    """What the page gets can be sent to /api/v1/query_range as it is."""
    dashboard = Dashboard(interval_seconds=1, window="30s")

    async with make_client(replace(services, dashboard=dashboard)) as client:
        data = (await client.get("/api/v1/sakshi/dashboard")).json()["data"]

    assert (data["interval_seconds"], data["window"], data["version"]) == (1, "30s", "1.2.3")
    assert data["groups"] == [
        {"name": "throughput", "title": "Throughput"},
        {"name": "responseTime", "title": "Response time"},
    ]
    assert data["kpis"][0]["warning"] == {"operator": "<", "value": 5.0, "text": "<5/s"}
    assert data["kpis"][1]["expr"] == "sum(rate(errors_total[30s]))"
    assert data["kpis"][1]["target"] is None
    assert "[30s]" in data["panels"][0]["queries"][0]["expr"]
    assert "$window" not in json.dumps(data)


async def test_definition_names_the_rules_that_watch_a_kpi(
    services: Services, world: World
) -> None:
    """Generated ones by their label, and the one that the KPI names."""
    generated = generate_groups(KPIS, "sakshi.yml", 1000)
    query = "rate(errors_total[5m]) > 2"
    named = AlertingRule(
        "ErrorsHigh", query, parse_query(query), hold_ms=60_000, labels={"severity": "warning"}
    )
    other = AlertingRule("Other", "up == 0", parse_query("up == 0"))
    groups = [RuleGroup("g", "rules.yml", 1000, [named, other]), *generated]
    world.groups = [RuleGroupStatus(group, ()) for group in groups]

    async with make_client(services) as client:
        kpis = (await client.get("/api/v1/sakshi/dashboard")).json()["data"]["kpis"]

    assert [(rule["alert"], rule["severity"], rule["limit"]) for rule in kpis[0]["rules"]] == [
        ("MessagesPerSecond", "critical", "critical"),
        ("MessagesPerSecond", "warning", "warning"),
        ("MessagesPerSecond", "info", "target"),
    ]
    assert kpis[1]["rules"][0] == {
        "alert": "ErrorsHigh",
        "severity": "warning",
        "limit": "warning",
        "expr": query,
        "hold_seconds": 60.0,
        "file": "rules.yml",
        "group": "g",
    }


async def test_missing_data_has_a_rule_of_its_own(services: Services, world: World) -> None:
    """Where the policy is `alert`; it is about no limit."""
    kpi = replace(KPIS[0], no_data=NoDataPolicy.ALERT)
    groups = generate_groups([kpi], "sakshi.yml", 1000)
    world.groups = [RuleGroupStatus(group, ()) for group in groups]

    async with make_client(replace(services, kpis=[kpi])) as client:
        kpis = (await client.get("/api/v1/sakshi/dashboard")).json()["data"]["kpis"]

    found = kpis[0]["rules"][-1]
    assert (found["alert"], found["limit"]) == ("MessagesPerSecondNoData", "no_data")


async def test_kpis_are_as_they_were_judged(client: httpx2.AsyncClient, world: World) -> None:
    """The newest judgement of each, its moment, and the worst of what they count as."""
    world.judgements = [
        Judgement(KPIS[0], Ruling(Verdict.WARNING), NOW_MS - 500, NOW_MS - 500, 4.5),
        Judgement(KPIS[1], Ruling(Verdict.NO_DATA, "no value"), NOW_MS - 500),
    ]

    data = (await client.get("/api/v1/sakshi/kpis")).json()["data"]

    assert (data["at"], data["verdict"]) == ("2023-11-14T22:13:19.500Z", "WARNING")
    assert [(kpi["name"], kpi["value"], kpi["verdict"]) for kpi in data["kpis"]] == [
        ("messagesPerSecond", 4.5, "WARNING"),
        ("errorRate", None, "NO DATA"),
    ]


async def test_no_kpis_are_no_data(client: httpx2.AsyncClient) -> None:
    """An empty list, of now."""
    data = (await client.get("/api/v1/sakshi/kpis")).json()["data"]

    assert data == {"at": "2023-11-14T22:13:20.000Z", "verdict": "NO DATA", "kpis": []}


async def test_deliveries_say_who_was_told_what(client: httpx2.AsyncClient, world: World) -> None:
    """The alert, the destination, and what became of it."""
    alert = make_alert(AlertState.FIRING)
    world.ledger.listed_deliveries = [make_delivery(alert, DeliveryState.DELIVERED)]

    answer = await client.get("/api/v1/sakshi/deliveries")

    assert answer.json()["data"]["deliveries"] == [
        {
            "fingerprint": alert.fingerprint,
            "labels": {"alertname": "AIIntegrationFailure", "severity": "critical"},
            "group_key": '{}:{alertname="AIIntegrationFailure"}',
            "id": 7,
            "receiver": "critical",
            "integration": "slack[0]",
            "told_state": "firing",
            "state": "delivered",
            "transition_at": "2023-11-14T22:13:19.000Z",
            "due_at": None,
            "attempts": 1,
            "last_error": "",
            "delivered_at": "2023-11-14T22:13:19.500Z",
        }
    ]


async def test_transitions_are_the_history_of_alerts(
    client: httpx2.AsyncClient, world: World
) -> None:
    """Before, after, and when; a value that is no number is null."""
    alert = replace(make_alert(AlertState.FIRING), value=float("nan"))
    world.ledger.listed_transitions = [Transition(alert, AlertState.PENDING, NOW_MS)]

    answer = await client.get("/api/v1/sakshi/transitions")

    assert answer.json()["data"]["transitions"] == [
        {
            "at": "2023-11-14T22:13:20.000Z",
            "previous": "pending",
            "state": "firing",
            "name": "AIIntegrationFailure",
            "fingerprint": alert.fingerprint,
            "labels": {"alertname": "AIIntegrationFailure", "severity": "critical"},
            "annotations": {"summary": "<b>too high</b>"},
            "value": None,
        }
    ]


@pytest.mark.parametrize("path", ["deliveries", "transitions"])
@pytest.mark.parametrize(("parameter", "count"), [("", 100), ("?limit=3", 3), ("?limit=1000", 150)])
async def test_as_many_rows_as_asked_for(
    client: httpx2.AsyncClient, world: World, path: str, parameter: str, count: int
) -> None:
    """A hundred where nothing is said."""
    alert = make_alert(AlertState.FIRING)
    world.ledger.listed_deliveries = [make_delivery(alert, DeliveryState.DEAD)] * 150
    world.ledger.listed_transitions = [Transition(alert, AlertState.PENDING, NOW_MS)] * 150

    answer = await client.get(f"/api/v1/sakshi/{path}{parameter}")

    assert len(answer.json()["data"][path]) == count


async def test_more_rows_than_a_thousand_are_refused(client: httpx2.AsyncClient) -> None:
    """An answer has an end."""
    answer = await client.get("/api/v1/sakshi/deliveries?limit=1001")

    assert answer.status_code == 400
    assert answer.json()["error"] == (
        'invalid parameter "limit": expected at most 1000, found 1001'
    )
