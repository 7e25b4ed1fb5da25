"""Receivers over HTTP, which answer as the real ones do.

    POST /slack/{name}   Slack's incoming webhook: {"text", "attachments", ...} -> ok
    POST /v2/enqueue     PagerDuty's Events API v2 -> 202 {"status": "success", "dedup_key"}
    POST /webhook        any JSON object (Alertmanager's webhook) -> {}

Source: api.slack.com, "Sending messages using incoming webhooks"; developer.pagerduty.com, "Events
API v2"; prometheus.io, Alertmanager, "webhook_config".
"""

from __future__ import annotations

import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sakshi.model.clock import Clock
from sakshi.reference.receivers.message import OnMessage

BODY_BYTES_MAX = 1_000_000
PAGERDUTY_BYTES_MAX = 512_000  # the real limit
EVENT_ACTIONS = ("trigger", "acknowledge", "resolve")
SEVERITIES = ("critical", "error", "warning", "info")


class InvalidEventError(ValueError):
    """What was sent is refused; the arguments are the complaints."""


class HttpReceivers:
    """Takes what is posted, and tells."""

    def __init__(self, on_message: OnMessage, clock: Clock) -> None:
        self._on_message = on_message
        self._clock = clock

    def application(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/slack", self.slack, methods=["POST"]),
                Route("/slack/{name:path}", self.slack, methods=["POST"]),
                Route("/v2/enqueue", self.pagerduty, methods=["POST"]),
                Route("/webhook", self.webhook, methods=["POST"]),
            ]
        )

    async def slack(self, request: Request) -> Response:
        """Take a Slack message."""
        try:
            payload = await _json_object(request, BODY_BYTES_MAX)
            summary = slack_summary(payload)
        except InvalidEventError as error:
            return PlainTextResponse(str(error), 400)
        self._on_message("slack", summary, payload, self._clock.now_ms())
        return PlainTextResponse("ok")

    async def pagerduty(self, request: Request) -> Response:
        """Take a PagerDuty event."""
        try:
            payload = await _json_object(request, PAGERDUTY_BYTES_MAX)
            summary = pagerduty_summary(payload)
        except InvalidEventError as error:
            body = {"status": "invalid event", "message": "Event object is invalid"}
            return JSONResponse({**body, "errors": list(error.args)}, 400)
        now_ms = self._clock.now_ms()
        self._on_message("pagerduty", summary, payload, now_ms)
        key = payload.get("dedup_key") or f"event-{now_ms}"
        body = {"status": "success", "message": "Event processed", "dedup_key": key}
        return JSONResponse(body, 202)

    async def webhook(self, request: Request) -> Response:
        """Take a webhook's JSON object."""
        try:
            payload = await _json_object(request, BODY_BYTES_MAX)
        except InvalidEventError as error:
            return PlainTextResponse(str(error), 400)
        alerts = payload.get("alerts")
        count = len(alerts) if isinstance(alerts, list) else 0
        summary = f"{payload.get('status', 'webhook')}: {count} alert(s)"
        self._on_message("webhook", summary, payload, self._clock.now_ms())
        return JSONResponse({})


def slack_summary(payload: dict[str, Any]) -> str:
    """Return the message's text in one line: its own, or its attachments' titles and texts.

    Raises:
        InvalidEventError: there is nothing to show; Slack says `no_text` then.
    """
    attachments = payload.get("attachments") or []
    if not isinstance(attachments, list) or not all(isinstance(a, dict) for a in attachments):
        raise InvalidEventError("invalid_attachments")
    parts = [payload.get("text")]
    for attachment in attachments:
        parts += [attachment.get("title"), attachment.get("text") or attachment.get("fallback")]
    summary = " · ".join(part.strip() for part in parts if isinstance(part, str) and part.strip())
    if not summary and not payload.get("blocks"):
        raise InvalidEventError("no_text")
    channel = payload.get("channel")
    line = " ".join(summary.split()) or "blocks"
    return f"{channel}: {line}" if channel else line


def pagerduty_summary(payload: dict[str, Any]) -> str:
    """Return the event in one line.

    Raises:
        InvalidEventError: with every complaint that the real API would have.
    """
    action = payload.get("event_action")
    detail = payload.get("payload")
    complaints = []
    if not isinstance(payload.get("routing_key"), str) or not payload["routing_key"]:
        complaints.append("'routing_key' is missing or blank")
    if action not in EVENT_ACTIONS:
        complaints.append("'event_action' is missing or invalid")
    elif action == "trigger":
        complaints += _detail_complaints(detail if isinstance(detail, dict) else {})
    elif not payload.get("dedup_key"):
        complaints.append("'dedup_key' is missing or blank")
    if complaints:
        raise InvalidEventError(*complaints)
    subject = detail.get("summary") if isinstance(detail, dict) else None
    return f"{action}: {subject or payload.get('dedup_key')}"


def _detail_complaints(detail: dict[str, Any]) -> list[str]:
    complaints = [
        f"'payload.{name}' is missing or blank"
        for name in ("summary", "source")
        if not isinstance(detail.get(name), str) or not detail[name]
    ]
    if detail.get("severity") not in SEVERITIES:
        complaints.append("'payload.severity' is missing or invalid")
    return complaints


async def _json_object(request: Request, bytes_max: int) -> dict[str, Any]:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > bytes_max:
            raise InvalidEventError(f"expected at most {bytes_max} bytes")
    try:
        payload = json.loads(body)
    except ValueError:
        raise InvalidEventError("invalid_payload") from None
    if not isinstance(payload, dict):
        raise InvalidEventError("invalid_payload")
    return payload
