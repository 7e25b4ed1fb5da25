from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx2
import pytest
from tests.alerting.loopback import HttpReceiver
from tests.alerting.message import notification
from tests.ledger.incident import firing, resolved

from sakshi.alerting import GlobalConfig, PagerDutyConfig, Secret, TemplateSet
from sakshi.alerting.pagerduty import EVENT_BYTES_MAX, PagerDutyNotifier, encode_event
from sakshi.model.labels import Labels


class Pager:
    """Builds notifiers to a server."""

    def __init__(
        self, http: HttpReceiver, transport: httpx2.AsyncHTTPTransport, templates: TemplateSet
    ) -> None:
        self.http, self.transport, self.templates = http, transport, templates

    def __call__(self, **changes: Any) -> PagerDutyNotifier:
        config = PagerDutyConfig(service_key=Secret("R0UT1NG"), url=f"{self.http.url}/v2/enqueue")
        completed = replace(config, **changes).completed(GlobalConfig())
        return PagerDutyNotifier(completed, self.transport, self.templates)


@pytest.fixture
def pager(
    http: HttpReceiver, transport: httpx2.AsyncHTTPTransport, templates: TemplateSet
) -> Pager:
    return Pager(http, transport, templates)


async def test_an_event_is_of_version_2(pager: Pager, http: HttpReceiver) -> None:
    """A trigger with the key that the file calls service_key, and what the on-call needs."""
    notifier = pager(
        severity="{{ .CommonLabels.severity }}", details={"team": "chat"}, class_="slow"
    )

    await notifier.notify(notification())

    document = http.requests[0].document
    details = document["payload"].pop("custom_details")
    assert http.requests[0].path == "/v2/enqueue"
    assert document == {
        "routing_key": "R0UT1NG",
        "dedup_key": notification().group_hash,
        "event_action": "trigger",
        "client": "sakshi",
        "client_url": "http://localhost:9090/",
        "payload": {
            "summary": "HighResponseTime: HighResponseTime is wrong",
            "source": "sakshi",
            "severity": "warning",
            "timestamp": "2023-11-14T22:13:20.000Z",
            "class": "slow",
        },
    }
    assert (details["num_firing"], details["num_resolved"]) == ("1", "0")
    assert details["team"] == "chat"
    assert "session=1" in details["firing"]
    assert details["resolved"] == ""


async def test_all_messages_of_a_group_go_to_one_incident(pager: Pager, http: HttpReceiver) -> None:
    """Triggered while something fires, resolved when nothing does, ornate or plain."""
    one, two = firing(session="1"), firing(session="2")
    messages = [
        notification(one),
        notification(one, two),
        notification(two, resolved(one)).plain(),
        notification(resolved(one), resolved(two)),
    ]
    notifier = pager()

    for message in messages:
        await notifier.notify(message)

    documents = [request.document for request in http.requests]
    assert [item["event_action"] for item in documents] == ["trigger"] * 3 + ["resolve"]
    assert len({item["dedup_key"] for item in documents}) == 1


async def test_a_severity_that_pagerduty_does_not_know_is_error(
    pager: Pager, http: HttpReceiver
) -> None:
    """The event is accepted all the same."""
    await pager(severity="page").notify(notification())

    assert http.requests[0].document["payload"]["severity"] == "error"


async def test_an_event_is_small_enough(pager: Pager, http: HttpReceiver) -> None:
    """Megabytes of annotations are cut; the summary and the keys stay."""
    huge = [
        replace(firing(session=f"{number}"), annotations=Labels({"description": "é" * 20_000}))
        for number in range(40)
    ]

    await pager().notify(notification(*huge))

    (request,) = http.requests
    assert len(request.body) <= EVENT_BYTES_MAX
    assert request.document["payload"]["custom_details"]["num_firing"] == "40"
    assert request.document["payload"]["custom_details"]["firing"].endswith("…")


def test_details_are_left_out_where_there_are_too_many() -> None:
    """A thousand entries do not fit however short they are."""
    details = {f"{'name' * 200}{number}": "x" for number in range(1000)}
    event = {"payload": {"summary": "s", "custom_details": details}}

    body = encode_event(event)

    assert len(body) <= EVENT_BYTES_MAX
    assert b"the details were left out" in body
