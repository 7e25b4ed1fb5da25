"""Webhooks: Alertmanager's JSON, version 4, so that whatever takes Alertmanager's takes ours.

Source: prometheus/alertmanager docs/configuration.md <webhook_config>, notify/webhook/webhook.go.
"""

from __future__ import annotations

from typing import Any, Final

import httpx2

from sakshi.alerting.data import common_labels, generator_url, starts_at_ms
from sakshi.alerting.http import post_json
from sakshi.alerting.notification import Notification
from sakshi.alerting.receiver import WebhookConfig
from sakshi.model.alert import Alert, AlertState
from sakshi.model.clock import format_timestamp

VERSION: Final = "4"
ZERO_TIME: Final = "0001-01-01T00:00:00Z"
"""`endsAt` of an alert that fires: Go's zero time."""


class WebhookNotifier:
    """Posts to one address, with the message's key as `Idempotency-Key`.

    Args:
        config: completed; nothing is missing.
        transport: owned by the caller.
        external_url: where people reach the page, without a slash at the end.
    """

    def __init__(
        self, config: WebhookConfig, transport: httpx2.AsyncBaseTransport, external_url: str
    ) -> None:
        assert config.url is not None
        self._url = config.url
        self._alerts_max = config.max_alerts
        self._transport = transport
        self._external_url = external_url

    async def notify(self, notification: Notification) -> None:
        """Send a message; any answer of 2xx accepts it.

        Raises:
            RetryableError: the receiver may take it later.
            RefusedError: it will not.
        """
        payload = webhook_payload(notification, self._external_url, self._alerts_max)
        headers = {"Idempotency-Key": notification.key}
        await post_json(self._transport, self._url, payload, headers=headers)


def webhook_payload(
    notification: Notification, external_url: str, alerts_max: int = 0
) -> dict[str, Any]:
    """Return the document.

    Args:
        notification: what it is about; the common labels are those of all its alerts.
        external_url: where people reach the page.
        alerts_max: more are cut off and counted; 0: no limit.
    """
    alerts = notification.alerts
    shown = alerts[:alerts_max] if alerts_max else alerts
    destination = notification.destination
    return {
        "version": VERSION,
        "groupKey": destination.group_key,
        "truncatedAlerts": len(alerts) - len(shown),
        "status": notification.status,
        "receiver": destination.receiver,
        "groupLabels": dict(destination.group_labels),
        "commonLabels": dict(common_labels(alert.labels for alert in alerts)),
        "commonAnnotations": dict(common_labels(alert.annotations for alert in alerts)),
        "externalURL": external_url,
        "alerts": [_alert(alert, external_url) for alert in shown],
    }


def _alert(alert: Alert, external_url: str) -> dict[str, Any]:
    ends_at_ms = alert.resolved_at_ms if alert.state is AlertState.RESOLVED else None
    return {
        "status": alert.state.value,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": format_timestamp(starts_at_ms(alert)),
        "endsAt": ZERO_TIME if ends_at_ms is None else format_timestamp(ends_at_ms),
        "generatorURL": generator_url(alert, external_url),
        "fingerprint": alert.fingerprint,
    }
