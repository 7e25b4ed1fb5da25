from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from tests.web.conftest import NOW_MS, World, make_alert, make_client, make_delivery

from sakshi.ledger.record import DeliveryState
from sakshi.model.alert import AlertState, Transition
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


async def test_kpis_are_read_now(client: httpx2.AsyncClient, world: World) -> None:
    """Each KPI has a value and a verdict, or NO DATA."""
    world.load({"__name__": "consciousness_messages_per_second"}, [4.5], 1000)

    answer = await client.get("/api/v1/sakshi/kpis")

    assert answer.json()["data"] == {
        "at": "2023-11-14T22:13:20.000Z",
        "kpis": [
            {"name": "messagesPerSecond", "value": 4.5, "verdict": "WARNING"},
            {"name": "errorRate", "value": None, "verdict": "NO DATA"},
        ],
    }


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
