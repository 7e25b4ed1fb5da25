"""What a group's timer leads to: whether something must be told, and what changes once it was.

Idea: two pure steps around the one that does I/O.

    plan_flush(group) ──▶ Plan ──▶ (send) ──▶ conclude_told | _quiet | _failed | _dead ──▶
    FlushResult

A message is due when an alert fires that the receiver does not know of, when one that it knows of
is resolved, or when the repeat interval has passed while one fires. It carries all that fires in
the group and what is newly resolved. A resolved alert is told only to who was told, or should have
been told, that it fired.

Source: prometheus/alertmanager notify/notify.go (DedupStage), docs/configuration.md <route>.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sakshi.alerting.backoff import GIVE_UP_AFTER_MS
from sakshi.alerting.notification import Muter
from sakshi.ledger.group import (
    AggregationGroup,
    Attempt,
    FlushResult,
    Member,
    OutboxRow,
    Settlement,
    Told,
)
from sakshi.ledger.record import DeliveryState
from sakshi.model.alert import Alert, AlertState

RESOLVED_UNTOLD: Final = "resolved before the first message"
RESOLVED_UNREACHED: Final = "resolved before the receiver could be reached"
RESOLVED_NOT_SENT: Final = "send_resolved is off"
CHANGED_AGAIN: Final = "changed again before it was told"
KNOWN_ALREADY: Final = "the last message said so already"


@dataclass(frozen=True)
class FlushTiming:
    """What a flush needs to know of its route and integration.

    Args:
        group_interval_ms: as the route's.
        repeat_interval_ms: as the route's.
        send_resolved: whether the integration is told of resolved alerts.
    """

    group_interval_ms: int
    repeat_interval_ms: int
    send_resolved: bool


@dataclass(frozen=True)
class Plan:
    """What a flush would tell.

    Args:
        at_ms: when the flush began.
        alerts: FIRING ones first; empty where nothing is to be told.
        firing: by fingerprint: what fires and is not muted.
        resolved: by fingerprint: what is resolved and not muted.
        muted: by fingerprint: why an alert that fires is kept quiet.
        muted_resolved: by fingerprint: why an alert that is resolved is kept quiet.
    """

    at_ms: int
    alerts: Sequence[Alert]
    firing: Mapping[str, Alert]
    resolved: Mapping[str, Alert]
    muted: Mapping[str, str]
    muted_resolved: Mapping[str, str]


def plan_flush(
    group: AggregationGroup, muters: Sequence[Muter], timing: FlushTiming, now_ms: int
) -> Plan:
    """Return what must be told of a group now."""
    muted: dict[str, str] = {}
    muted_resolved: dict[str, str] = {}
    firing: dict[str, Alert] = {}
    resolved: dict[str, Alert] = {}
    for alert in (member.alert for member in group.members):
        reason = next((muter.reason for muter in muters if muter.mutes(alert.labels)), None)
        is_firing = alert.state is AlertState.FIRING
        if reason is not None:
            (muted if is_firing else muted_resolved)[alert.fingerprint] = reason
        else:
            (firing if is_firing else resolved)[alert.fingerprint] = alert
    for fingerprint in firing:  # two rules may raise the same alert
        resolved.pop(fingerprint, None)
    tellable = _tellable(group, resolved) if timing.send_resolved else {}
    is_due = bool(
        firing.keys() - _told_firing(group)
        or tellable
        or (firing and _is_repeat_due(group, timing, now_ms))
    )
    alerts = [*_by_start(firing), *_by_start(tellable)] if is_due else []
    return Plan(now_ms, alerts, firing, resolved, muted, muted_resolved)


def conclude_told(
    group: AggregationGroup, plan: Plan, timing: FlushTiming, attempt: Attempt
) -> FlushResult:
    """Return what changes after the receiver has accepted the message."""
    told_states = {alert.fingerprint: alert.state for alert in plan.alerts}
    settlements = _quiet_settlements(group, plan, timing)
    for row in group.outbox:
        state = told_states.get(row.fingerprint)
        if state is not None:
            # A resolved message says when it began, too.
            is_told = row.is_firing or state is AlertState.RESOLVED
            settlements[row.id] = (
                Settlement(DeliveryState.DELIVERED, attempted=True)
                if is_told
                else Settlement(DeliveryState.SKIPPED, CHANGED_AGAIN)
            )
    told = Told(
        firing=frozenset(plan.firing),
        resolved=frozenset(told_states) - frozenset(plan.firing),
        at_ms=plan.at_ms,
    )
    return FlushResult(
        group_id=group.id,
        at_ms=plan.at_ms,
        due_ms=plan.at_ms + timing.group_interval_ms,
        told=told,
        accepted=True,
        settlements=settlements,
        departed=_resolved_members(group),
        attempt=attempt,
    )


def conclude_quiet(group: AggregationGroup, plan: Plan, timing: FlushTiming) -> FlushResult:
    """Return what changes where nothing had to be told."""
    told = group.told
    gone = (plan.resolved.keys() | plan.muted_resolved.keys()) & _told_firing(group)
    if told is not None and gone:  # they may fire again, and must be told then
        told = replace(told, firing=told.firing - gone)
    return FlushResult(
        group_id=group.id,
        at_ms=plan.at_ms,
        due_ms=plan.at_ms + timing.group_interval_ms,
        told=told if told is not group.told else None,
        settlements=_quiet_settlements(group, plan, timing),
        departed=_resolved_members(group),
    )


def conclude_failed(
    group: AggregationGroup, plan: Plan, attempt: Attempt, wait_ms: int
) -> FlushResult:
    """Return what changes after an attempt that is to be made again."""
    carried = {alert.fingerprint for alert in plan.alerts}
    return FlushResult(
        group_id=group.id,
        at_ms=plan.at_ms,
        due_ms=plan.at_ms + round(attempt.duration_seconds * 1000) + wait_ms,
        settlements={
            row.id: Settlement(row.delivery_state, attempt.error, attempted=True)
            for row in group.outbox
            if row.fingerprint in carried
        },
        attempt=attempt,
        failing_since_ms=_failing_since_ms(group, plan),
        attempts=group.attempts + 1,
    )


def conclude_dead(
    group: AggregationGroup, plan: Plan, timing: FlushTiming, attempt: Attempt
) -> FlushResult:
    """Return what changes when a message is given up.

    What fires stays in the group and is not marked as told: the next flush carries it again.
    """
    carried = {alert.fingerprint for alert in plan.alerts}
    return FlushResult(
        group_id=group.id,
        at_ms=plan.at_ms,
        due_ms=plan.at_ms + timing.group_interval_ms,
        settlements=_quiet_settlements(group, plan, timing)
        | {
            row.id: Settlement(DeliveryState.DEAD, attempt.error, attempted=True)
            for row in group.outbox
            if row.fingerprint in carried
        },
        departed=_resolved_members(group),
        attempt=attempt,
    )


def must_give_up(group: AggregationGroup, plan: Plan) -> bool:
    """Tell whether the message in hand was tried for long enough."""
    return plan.at_ms - _failing_since_ms(group, plan) >= GIVE_UP_AFTER_MS


def _failing_since_ms(group: AggregationGroup, plan: Plan) -> int:
    since_ms = group.failing_since_ms
    # Later than now: the clock was set back; count from here.
    return plan.at_ms if since_ms is None else min(since_ms, plan.at_ms)


def _told_firing(group: AggregationGroup) -> frozenset[str]:
    return frozenset() if group.told is None else group.told.firing


def _tellable(group: AggregationGroup, resolved: Mapping[str, Alert]) -> dict[str, Alert]:
    """Return the resolved alerts whose firing was told, or was tried to be told."""
    known = _told_firing(group) | {
        row.fingerprint for row in group.outbox if row.attempts and row.is_firing
    }
    return {name: alert for name, alert in resolved.items() if name in known}


def _is_repeat_due(group: AggregationGroup, timing: FlushTiming, now_ms: int) -> bool:
    assert group.told is not None, "what fires and was never told is news, not a repeat"
    elapsed_ms = now_ms - group.told.at_ms
    # Far in the future: the clock was set back, and nobody knows how long ago it was.
    return not -timing.repeat_interval_ms < elapsed_ms < timing.repeat_interval_ms


def _by_start(alerts: Mapping[str, Alert]) -> list[Alert]:
    return sorted(alerts.values(), key=lambda alert: (alert.fired_at_ms or 0, alert.labels))


def _resolved_members(group: AggregationGroup) -> list[Member]:
    return [member for member in group.members if member.alert.state is AlertState.RESOLVED]


def _quiet_settlements(
    group: AggregationGroup, plan: Plan, timing: FlushTiming
) -> dict[int, Settlement]:
    """Return what becomes of the rows that no message carries."""
    return {
        row.id: _quiet_settlement(row, plan, timing)
        for row in group.outbox
        if row.delivery_state is DeliveryState.WAITING
    }


def _quiet_settlement(row: OutboxRow, plan: Plan, timing: FlushTiming) -> Settlement:
    muted = plan.muted.get(row.fingerprint)
    if muted is not None:
        return Settlement(DeliveryState.WAITING, muted)
    muted = plan.muted_resolved.get(row.fingerprint)
    if muted is not None:
        return Settlement(DeliveryState.SKIPPED, f"{muted} until it was resolved")
    if row.fingerprint in plan.firing:
        reason = KNOWN_ALREADY if row.is_firing else CHANGED_AGAIN
    elif row.is_firing and row.attempts:
        return Settlement(DeliveryState.DEAD, RESOLVED_UNREACHED)
    elif row.is_firing or timing.send_resolved:
        reason = RESOLVED_UNTOLD
    else:
        reason = RESOLVED_NOT_SENT
    return Settlement(DeliveryState.SKIPPED, reason)
