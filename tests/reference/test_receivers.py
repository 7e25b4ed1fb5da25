"""Receivers of notifications."""

from __future__ import annotations

import asyncio
import email.message
import smtplib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from sakshi.model.clock import SystemClock
from sakshi.reference import bind
from sakshi.reference.errors import PortTakenError
from sakshi.reference.receivers import Kind, Receivers
from sakshi.reference.receivers.application import BODY_BYTES_MAX

EVENT = {
    "routing_key": "r-1",
    "event_action": "trigger",
    "dedup_key": "d-1",
    "payload": {"summary": "Venice fails", "source": "sakshi", "severity": "critical"},
}


@dataclass(frozen=True)
class Received:
    kind: Kind
    summary: str
    payload: dict[str, Any]
    received_at: int


@dataclass
class Inbox:
    receivers: Receivers
    received: list[Received] = field(default_factory=list)

    async def post(self, url: str, body: object) -> httpx2.Response:
        async with httpx2.AsyncClient(trust_env=False) as http:
            return await http.post(url, json=body)


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    received: list[Received] = []

    def on_message(kind: Kind, summary: str, payload: dict[str, Any], received_at: int) -> None:
        received.append(Received(kind, summary, payload, received_at))

    async with Receivers(on_message, SystemClock()) as receivers:
        yield Inbox(receivers, received)


def make_email() -> email.message.EmailMessage:
    message = email.message.EmailMessage()
    message["Subject"] = "[FIRING] Consciousness: é"
    message["From"] = "sakshi@example.com"
    message["To"] = "on-call@example.com"
    message["Message-ID"] = "<d-1@sakshi>"
    message.set_content("Success rate is 0.8")
    message.add_alternative("<p>Success rate is 0.8</p>", subtype="html")
    return message


async def test_an_email_is_parsed(inbox: Inbox) -> None:
    """Envelope, subject, both bodies and the id that makes duplicates known."""

    def send() -> None:
        with smtplib.SMTP(*inbox.receivers.smtp_address, timeout=5) as client:
            client.send_message(make_email(), to_addrs=["on-call@example.com", "lead@example.com"])

    await asyncio.to_thread(send)

    (mail,) = inbox.received
    assert mail.kind == "email"
    assert mail.summary == ("[FIRING] Consciousness: é (to on-call@example.com, lead@example.com)")
    assert mail.payload["from"] == "sakshi@example.com"
    assert mail.payload["message_id"] == "<d-1@sakshi>"
    assert mail.payload["text"] == "Success rate is 0.8\n"
    assert mail.payload["html"] == "<p>Success rate is 0.8</p>\n"
    assert mail.received_at > 1_600_000_000_000


async def test_a_slack_message_is_parsed(inbox: Inbox) -> None:
    """The channel, the text and the attachments in one line; Slack's own answer."""
    attachment = {"title": "HighResponseTime", "text": "p95 is\n3200 ms"}
    response = await inbox.post(
        f"{inbox.receivers.slack_url}/critical", {"channel": "#alerts", "attachments": [attachment]}
    )

    assert (response.status_code, response.text) == (200, "ok")
    assert inbox.received[0].summary == "#alerts: HighResponseTime · p95 is 3200 ms"


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({}, "no_text"),
        ({"text": " "}, "no_text"),
        ([], "invalid_payload"),
        ({"attachments": "x"}, "invalid_attachments"),
    ],
)
async def test_slack_refuses_what_the_real_one_refuses(
    inbox: Inbox, body: object, answer: str
) -> None:
    """400 with Slack's word for it, and nothing is told."""
    response = await inbox.post(inbox.receivers.slack_url, body)

    assert (response.status_code, response.text) == (400, answer)
    assert inbox.received == []


@pytest.mark.parametrize(
    ("event", "summary"),
    [
        (EVENT, "trigger: Venice fails"),
        ({"routing_key": "r", "event_action": "resolve", "dedup_key": "d-1"}, "resolve: d-1"),
    ],
)
async def test_a_pagerduty_event_is_parsed(inbox: Inbox, event: object, summary: str) -> None:
    """202 with the key by which the event is known."""
    response = await inbox.post(inbox.receivers.pagerduty_url, event)

    assert response.status_code == 202
    assert response.json() == {
        "status": "success",
        "message": "Event processed",
        "dedup_key": "d-1",
    }
    assert inbox.received[0].summary == summary


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"routing_key": ""}, "'routing_key' is missing or blank"),
        ({"event_action": "shout"}, "'event_action' is missing or invalid"),
        ({"event_action": "resolve", "dedup_key": ""}, "'dedup_key' is missing or blank"),
        (
            {"payload": {"summary": "x", "source": "s", "severity": "bad"}},
            "'payload.severity' is missing or invalid",
        ),
        (
            {"payload": {"source": "s", "severity": "info"}},
            "'payload.summary' is missing or blank",
        ),
    ],
)
async def test_pagerduty_refuses_what_the_real_one_refuses(
    inbox: Inbox, change: dict[str, object], complaint: str
) -> None:
    """400 with each complaint, and nothing is told."""
    response = await inbox.post(inbox.receivers.pagerduty_url, {**EVENT, **change})

    assert response.status_code == 400
    assert response.json()["errors"] == [complaint]
    assert inbox.received == []


async def test_a_webhook_takes_any_object(inbox: Inbox) -> None:
    """Alertmanager's among them."""
    body = {"status": "firing", "alerts": [{}, {}]}
    response = await inbox.post(inbox.receivers.webhook_url, body)

    assert response.status_code == 200
    assert inbox.received[0].summary == "firing: 2 alert(s)"
    assert inbox.received[0].payload == body


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        pytest.param(b"{", "invalid_payload", id="no JSON"),
        pytest.param(b"[1]", "invalid_payload", id="no object"),
        pytest.param(
            b" " * (BODY_BYTES_MAX + 1), f"expected at most {BODY_BYTES_MAX} bytes", id="too large"
        ),
    ],
)
async def test_a_webhook_takes_nothing_else(inbox: Inbox, body: bytes, answer: str) -> None:
    """400 with the reason, and nothing is told."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        response = await http.post(inbox.receivers.webhook_url, content=body)

    assert (response.status_code, response.text) == (400, answer)
    assert inbox.received == []


async def test_who_is_still_sending_is_cut_off_at_the_end() -> None:
    """An open e-mail connection does not keep the receivers from stopping."""
    receivers = Receivers(lambda *message: None, SystemClock())
    async with receivers:
        reader, writer = await asyncio.open_connection(*receivers.smtp_address)
        assert (await reader.readline()).startswith(b"220 ")

    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_a_taken_port_is_named_and_leaves_none_open() -> None:
    """The receivers open all of their ports or none."""
    taken = bind("127.0.0.1", 0)
    port = taken.getsockname()[1]

    with pytest.raises(PortTakenError, match=f"port {port} on 127.0.0.1 is taken"):
        Receivers(lambda *message: None, SystemClock(), http_port=port)

    taken.close()
