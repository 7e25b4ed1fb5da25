"""PagerDuty: one incident for each group, by Events API v2.

The group's hash is the `dedup_key`: every message of a group goes to its one incident, and a
duplicate changes nothing.

Source: developer.pagerduty.com/docs/send-alert-event; prometheus/alertmanager
notify/pagerduty/pagerduty.go.
"""

from __future__ import annotations

from typing import Any, Final

import httpx2

from sakshi.alerting.data import starts_at_ms
from sakshi.alerting.http import encode_json, post_json
from sakshi.alerting.notification import Notification
from sakshi.alerting.plain import cut, one_line, plain_text, plain_title
from sakshi.alerting.receiver import PagerDutyConfig
from sakshi.alerting.rendering import TemplateSet, render_or_plain
from sakshi.alerting.secret import Secret
from sakshi.model.clock import format_timestamp

EVENT_BYTES_MAX: Final = 512_000
SUMMARY_CHARACTERS_MAX: Final = 1024
DETAIL_CHARACTERS: Final = (EVENT_BYTES_MAX, 20_000, 2_000, 200)  # of each, tried in turn
SEVERITIES: Final = frozenset({"critical", "error", "warning", "info"})


class PagerDutyNotifier:
    """Sends `trigger` while an alert of the group fires, else `resolve`.

    Args:
        config: completed; nothing is missing.
        transport: owned by the caller.
        templates: renders the configuration's texts.
    """

    def __init__(
        self, config: PagerDutyConfig, transport: httpx2.AsyncBaseTransport, templates: TemplateSet
    ) -> None:
        assert config.routing_key is not None
        assert config.url is not None
        self._routing_key = config.routing_key
        self._url = Secret(config.url)
        self._config = config
        self._transport = transport
        self._templates = templates

    async def notify(self, notification: Notification) -> None:
        """Send an event; any answer of 2xx accepts it.

        Raises:
            RetryableError: PagerDuty may take it later.
            RefusedError: it will not.
        """
        event = render_or_plain(notification, self._rendered, self._plain)
        body = encode_event(event)
        await post_json(self._transport, self._url, body, secrets=(self._routing_key,))

    def _rendered(self, notification: Notification) -> dict[str, Any]:
        texts = self._templates.render_all(self._config.texts(), notification)
        payload = {
            "summary": cut(one_line(texts["description"]), SUMMARY_CHARACTERS_MAX),
            "source": texts["source"] or texts["client"],
            "severity": texts["severity"] if texts["severity"] in SEVERITIES else "error",
            "timestamp": _timestamp(notification),
            "class": texts["class"],
            "component": texts["component"],
            "group": texts["group"],
            "custom_details": {
                name.removeprefix("details."): text
                for name, text in texts.items()
                if name.startswith("details.")
            },
        }
        event = self._event(notification, payload)
        return event | {"client": texts["client"], "client_url": texts["client_url"]}

    def _plain(self, notification: Notification) -> dict[str, Any]:
        text = plain_text(notification, self._templates.external_url)
        payload = {
            "summary": plain_title(notification),
            "source": "sakshi",
            "severity": "error",
            "timestamp": _timestamp(notification),
            "custom_details": {"alerts": text},
        }
        return self._event(notification, payload)

    def _event(self, notification: Notification, payload: dict[str, Any]) -> dict[str, Any]:
        return {
            "routing_key": self._routing_key.reveal(),
            "dedup_key": notification.group_hash,
            "event_action": "resolve" if notification.status == "resolved" else "trigger",
            "payload": {key: value for key, value in payload.items() if value},
        }


def encode_event(event: dict[str, Any]) -> bytes:
    """Return an event as JSON, its details shortened until PagerDuty takes it."""
    payload = event["payload"]
    for characters in DETAIL_CHARACTERS:
        details = {name: cut(text, characters) for name, text in payload["custom_details"].items()}
        body = encode_json(event | {"payload": payload | {"custom_details": details}})
        if len(body) <= EVENT_BYTES_MAX:
            return body
    note = {"note": "the details were left out: the event was larger than 512 kB"}
    return encode_json(event | {"payload": payload | {"custom_details": note}})


def _timestamp(notification: Notification) -> str:
    return format_timestamp(min(map(starts_at_ms, notification.alerts)))
