"""Alerts as the page shows them: with their rule, and with who was told what.

docs/formats/websocket.md describes the fields.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sakshi.ledger.record import Delivery, DeliveryState
from sakshi.model.alert import Alert, AlertState, Transition
from sakshi.model.clock import format_timestamp
from sakshi.rules.rule import AlertingRule, RuleGroup, RuleGroupStatus, rule_ids

ALERTS_MAX: Final = 200  # more than anybody reads; the rest is counted
DELIVERIES_MAX: Final = 1000  # five to each alert shown

_STATES: Final = (AlertState.FIRING, AlertState.PENDING, AlertState.RESOLVED)
_SEVERITIES: Final = ("critical", "warning")


def view_alerts(
    alerts: Iterable[Alert], groups: Sequence[RuleGroupStatus], deliveries: Iterable[Delivery]
) -> Mapping[str, Any]:
    """Return the fields `summary` (counts), `truncated` and `alerts` of a live message.

    Args:
        alerts: in any order; inactive ones are left out.
        groups: where the alerts' rules are found.
        deliveries: newest first; each alert gets those of its own run: since it became active.
    """
    told: defaultdict[str, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        told[delivery.fingerprint].append(delivery)
    rules = {
        rule_id: (status.group, rule)
        for status in groups
        for rule_id, rule in zip(rule_ids(status.group), status.group.rules, strict=True)
        if isinstance(rule, AlertingRule)
    }
    known = (alert for alert in alerts if alert.state in _STATES)
    shown = sorted(with_newest_values(known, groups), key=_rank)
    return {
        "summary": {
            "pending": sum(alert.state is AlertState.PENDING for alert in shown),
            "firing": sum(alert.state is AlertState.FIRING for alert in shown),
        },
        "truncated": max(0, len(shown) - ALERTS_MAX),
        "alerts": [
            _view_alert(alert, rules.get(alert.rule_id), told[alert.fingerprint])
            for alert in shown[:ALERTS_MAX]
        ],
    }


def with_newest_values(
    alerts: Iterable[Alert], groups: Sequence[RuleGroupStatus]
) -> Sequence[Alert]:
    """Return the alerts with the values of the last evaluation.

    The ledger, where alerts come from, has each as it was when it last changed its state; its rule
    knows the newest value of those that are active.
    """
    newest = {
        (alert.rule_id, alert.labels): alert
        for status in groups
        for rule in status.rules
        for alert in rule.alerts
    }
    return [
        replace(alert, value=other.value)
        if (other := newest.get((alert.rule_id, alert.labels))) and other.state is alert.state
        else alert
        for alert in alerts
    ]


def view_delivery(delivery: Delivery) -> Mapping[str, object]:
    """Return a delivery as the live message and `/api/v1/sakshi/deliveries` show it."""
    is_waiting = delivery.delivery_state is DeliveryState.WAITING
    return {
        "id": delivery.id,
        "receiver": delivery.destination.receiver,
        "integration": delivery.destination.integration,
        "told_state": delivery.told_state,
        "state": str(delivery.delivery_state),
        "transition_at": format_timestamp(delivery.transition_at_ms),
        "due_at": _moment(delivery.due_ms if is_waiting else None),
        "attempts": delivery.attempts,
        "last_error": delivery.last_error,
        "delivered_at": _moment(delivery.delivered_ms),
    }


def view_transition(transition: Transition) -> Mapping[str, object]:
    """Return a transition as `/api/v1/sakshi/transitions` shows it."""
    alert = transition.alert
    return {
        "at": format_timestamp(transition.at_ms),
        "previous": str(transition.previous),
        "state": str(alert.state),
        "name": alert.name,
        "fingerprint": alert.fingerprint,
        "labels": dict(alert.labels.pairs),
        "annotations": dict(alert.annotations.pairs),
        "value": alert.value if math.isfinite(alert.value) else None,
    }


def _rank(alert: Alert) -> tuple[int, int, int, str]:
    severity = alert.labels.get("severity", "")
    place = _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)
    return _STATES.index(alert.state), place, alert.active_at_ms, alert.fingerprint


def _view_alert(
    alert: Alert, found: tuple[RuleGroup, AlertingRule] | None, deliveries: Sequence[Delivery]
) -> Mapping[str, object]:
    hold_ms = found[1].hold_ms if found else 0
    return {
        "fingerprint": alert.fingerprint,
        "name": alert.name,
        "state": str(alert.state),
        "severity": alert.labels.get("severity", ""),
        "labels": dict(alert.labels.pairs),
        "annotations": dict(alert.annotations.pairs),
        "value": alert.value if math.isfinite(alert.value) else None,
        "rule": _view_rule(*found) if found else None,
        "hold_seconds": hold_ms / 1000,
        "active_at": format_timestamp(alert.active_at_ms),
        "fires_at": _moment(alert.active_at_ms + hold_ms if found else None),
        "fired_at": _moment(alert.fired_at_ms),
        "resolved_at": _moment(alert.resolved_at_ms),
        "deliveries": [
            view_delivery(delivery)
            for delivery in deliveries
            if delivery.transition_at_ms >= alert.active_at_ms
        ],
    }


def _view_rule(group: RuleGroup, rule: AlertingRule) -> Mapping[str, object]:
    return {"file": group.file, "group": group.name, "expr": rule.query}


def _moment(timestamp_ms: int | None) -> str | None:
    return None if timestamp_ms is None else format_timestamp(timestamp_ms)
