"""The alert state machine: what becomes of a rule's alerts at one evaluation.

                              the condition holds          the condition is gone
    (no alert, resolved)      pending, active from now     kept 15 minutes, then forgotten
    pending                   firing after `for`           forgotten; nobody was told
    firing                    firing                       resolved, after `keep_firing_for`

Pure: alerts and a moment in, alerts and transitions out. All is compared in the evaluations' time,
so a late evaluation cannot shorten a `for`.

Source:
    prometheus/prometheus rules/alerting.go, AlertingRule.Eval.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sakshi.model.alert import Alert, AlertState, Transition
from sakshi.model.labels import Labels

RESOLVED_RETENTION_MS: Final = 15 * 60_000  # Prometheus'

_ACTIVE: Final = frozenset({AlertState.PENDING, AlertState.FIRING})


@dataclass(frozen=True)
class Condition:
    """One series of an alerting rule's value: what is wrong now.

    Args:
        labels: the alert's, `alertname` included.
        annotations: rendered.
    """

    labels: Labels
    annotations: Labels
    value: float


@dataclass(frozen=True)
class Timing:
    """When an alert fires and stops.

    Args:
        hold_ms: `for`.
        keep_firing_ms: `keep_firing_for`.
        trusts_absence: whether a condition that is not there is gone. False after a restart, until
            expressions that look back have data again: alerts then stay as they are.
    """

    hold_ms: int = 0
    keep_firing_ms: int = 0
    trusts_absence: bool = True


@dataclass(frozen=True)
class Advance:
    """The outcome of one evaluation.

    Args:
        alerts: pending, firing, and resolved less than 15 minutes ago, sorted by labels.
        transitions: in the same order. A pending alert that goes away has none: it never was told.
    """

    alerts: Sequence[Alert]
    transitions: Sequence[Transition]


def is_active(alert: Alert) -> bool:
    """Tell whether an alert is pending or firing."""
    return alert.state in _ACTIVE


def advance(
    rule_id: str,
    previous: Iterable[Alert],
    conditions: Iterable[Condition],
    timing: Timing,
    at_ms: int,
) -> Advance:
    """Return a rule's alerts after an evaluation, and what changed.

    Args:
        rule_id: as `Alert.rule_id`.
        previous: the alerts that the evaluation before returned.
        conditions: what is wrong now; no two with the same labels.
        timing: the rule's delays.
        at_ms: the evaluation, milliseconds since the epoch.
    """
    before = {alert.labels: alert for alert in previous}
    after = {
        condition.labels: _hold(rule_id, before.get(condition.labels), condition, timing, at_ms)
        for condition in conditions
    }
    for labels, alert in before.items():
        if labels not in after and (kept := _let_go(alert, timing, at_ms)) is not None:
            after[labels] = kept
    alerts = [after[labels] for labels in sorted(after)]
    transitions = [
        Transition(alert, previous_state, at_ms)
        for alert in alerts
        if (previous_state := _state(before.get(alert.labels))) is not alert.state
    ]
    return Advance(alerts, transitions)


def resolve_all(previous: Iterable[Alert], at_ms: int) -> Advance:
    """Return a rule's alerts once it is gone or beyond its limit: those that fired resolve."""
    return advance("", previous, (), Timing(), at_ms)


def _hold(
    rule_id: str, alert: Alert | None, condition: Condition, timing: Timing, at_ms: int
) -> Alert:
    """Return the alert of a condition that holds."""
    if alert is None or not is_active(alert):
        alert = Alert(
            rule_id=rule_id,
            labels=condition.labels,
            annotations=condition.annotations,
            state=AlertState.PENDING,
            value=condition.value,
            active_at_ms=at_ms,
        )
    else:
        alert = replace(
            alert,
            annotations=condition.annotations,
            value=condition.value,
            keep_firing_since_ms=None,
        )
    if alert.state is AlertState.PENDING and at_ms - alert.active_at_ms >= timing.hold_ms:
        return replace(alert, state=AlertState.FIRING, fired_at_ms=at_ms)
    return alert


def _let_go(alert: Alert, timing: Timing, at_ms: int) -> Alert | None:
    """Return the alert of a condition that is gone; None where it is forgotten."""
    if alert.state is AlertState.RESOLVED:
        assert alert.resolved_at_ms is not None
        return alert if at_ms - alert.resolved_at_ms <= RESOLVED_RETENTION_MS else None
    if not timing.trusts_absence:
        return alert
    if alert.state is AlertState.PENDING:
        return None
    since_ms = at_ms if alert.keep_firing_since_ms is None else alert.keep_firing_since_ms
    if at_ms - since_ms < timing.keep_firing_ms:
        return replace(alert, keep_firing_since_ms=since_ms)
    return replace(
        alert, state=AlertState.RESOLVED, resolved_at_ms=at_ms, keep_firing_since_ms=None
    )


def _state(alert: Alert | None) -> AlertState:
    return AlertState.INACTIVE if alert is None else alert.state
