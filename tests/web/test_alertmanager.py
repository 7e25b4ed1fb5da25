"""Whom alerts are handed to, and where their links lead."""

from __future__ import annotations

from dataclasses import replace

import httpx2
from tests.web.conftest import NOW_MS, World, make_alert, make_client, make_group

from sakshi.alerting.alertmanager import AlertmanagerStatus
from sakshi.model.alert import AlertState
from sakshi.web import Services

URL = "http://am:9093/api/v2/alerts"
DROPPED = "http://other:9093/api/v2/alerts"


async def test_alertmanagers_are_answered_as_prometheus_does(services: Services) -> None:
    """Those that are told, and those that relabelling dropped."""
    changed = replace(
        services,
        alertmanagers=lambda: [AlertmanagerStatus(URL)],
        dropped_alertmanagers=lambda: [DROPPED],
    )
    async with make_client(changed) as client:
        answer = await client.get("/api/v1/alertmanagers")

    assert answer.json() == {
        "status": "success",
        "data": {
            "activeAlertmanagers": [{"url": URL}],
            "droppedAlertmanagers": [{"url": DROPPED}],
        },
    }


async def test_it_is_said_how_it_stands_with_each(services: Services) -> None:
    """What waits, what is refused, and why; null where none was ever accepted."""
    states = [
        AlertmanagerStatus(URL, 3, 1, NOW_MS, "connection refused"),
        AlertmanagerStatus(DROPPED),
    ]
    async with make_client(replace(services, alertmanagers=lambda: states)) as client:
        answer = await client.get("/api/v1/sakshi/alertmanagers")

    assert answer.json()["data"]["alertmanagers"] == [
        {
            "url": URL,
            "waiting": 3,
            "refused": 1,
            "accepted_at": "2023-11-14T22:13:20.000Z",
            "last_error": "connection refused",
        },
        {"url": DROPPED, "waiting": 0, "refused": 0, "accepted_at": None, "last_error": ""},
    ]


async def test_an_alerts_link_leads_to_its_card(client: httpx2.AsyncClient, world: World) -> None:
    """By the expression, as Prometheus prints it; to the page where no alert is active."""
    alert = make_alert(AlertState.FIRING)
    world.groups = [make_group(alert)]
    [query] = [rule.rule.query for rule in world.groups[0].rules if rule.alerts]

    known = await client.get("/graph", params={"g0.expr": query, "g0.tab": "1"})
    unknown = await client.get("/graph", params={"g0.expr": f"{query} + 1"})
    nothing = await client.get("/graph")

    assert (known.status_code, known.headers["location"]) == (307, f"./#alert={alert.fingerprint}")
    assert (unknown.headers["location"], nothing.headers["location"]) == ("./", "./")
