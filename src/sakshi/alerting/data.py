"""What notification templates see: Alertmanager's data, and what sakshi knows beside it.

    .Receiver .Status .GroupLabels .CommonLabels .CommonAnnotations .ExternalURL
    .Alerts (.Firing .Resolved); of each alert:
        .Status .Labels .Annotations .StartsAt .EndsAt .GeneratorURL .Fingerprint
        .Value .RuleID .LastedSeconds     sakshi's own: the expression's last value, the rule, and
                                          from its start to its end, or until now

Field names are Go's, as templates write them.

Source: prometheus/alertmanager template/template.go, docs/notifications.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

from sakshi.alerting.notification import Notification
from sakshi.model.alert import Alert, AlertState
from sakshi.model.labels import Labels
from sakshi.template import KV, ZERO_MOMENT, Alerts, Moment


@dataclass(frozen=True)
class AlertData:
    """One alert. `EndsAt` is Go's zero time while it fires."""

    Status: str
    Labels: KV
    Annotations: KV
    StartsAt: Moment
    EndsAt: Moment
    GeneratorURL: str
    Fingerprint: str
    Value: float
    RuleID: str
    LastedSeconds: float


@dataclass(frozen=True)
class Data:
    """One notification."""

    Receiver: str
    Status: str
    Alerts: Alerts
    GroupLabels: KV
    CommonLabels: KV
    CommonAnnotations: KV
    ExternalURL: str


def notification_data(notification: Notification, external_url: str, now_ms: int) -> Data:
    """Return what templates see of a notification.

    Args:
        notification: any.
        now_ms: how long an alert has fired is counted up to here.
        external_url: where people reach the page, without a slash at the end.
    """
    alerts = notification.alerts
    return Data(
        Receiver=notification.destination.receiver,
        Status=notification.status,
        Alerts=Alerts(_alert_data(alert, external_url, now_ms) for alert in alerts),
        GroupLabels=KV(notification.destination.group_labels),
        CommonLabels=KV(common_labels(alert.labels for alert in alerts)),
        CommonAnnotations=KV(common_labels(alert.annotations for alert in alerts)),
        ExternalURL=external_url,
    )


def common_labels(label_sets: Iterable[Labels]) -> Labels:
    """Return the labels that all have, with the same values; empty where there is no label set."""
    common = reduce(set.intersection, (set(labels.pairs) for labels in label_sets))
    return Labels(common)


def generator_url(alert: Alert, external_url: str) -> str:
    """Return where the page shows an alert."""
    return f"{external_url}/#alert={alert.fingerprint}"


def starts_at_ms(alert: Alert) -> int:
    """Return when an alert began to fire, which is what receivers call its start."""
    return alert.active_at_ms if alert.fired_at_ms is None else alert.fired_at_ms


def _alert_data(alert: Alert, external_url: str, now_ms: int) -> AlertData:
    ends_at_ms = alert.resolved_at_ms if alert.state is AlertState.RESOLVED else None
    return AlertData(
        Status=alert.state.value,
        Labels=KV(alert.labels),
        Annotations=KV(alert.annotations),
        StartsAt=Moment.from_ms(starts_at_ms(alert)),
        EndsAt=ZERO_MOMENT if ends_at_ms is None else Moment.from_ms(ends_at_ms),
        GeneratorURL=generator_url(alert, external_url),
        Fingerprint=alert.fingerprint,
        Value=alert.value,
        RuleID=alert.rule_id,
        LastedSeconds=((ends_at_ms or now_ms) - starts_at_ms(alert)) / 1000,
    )
