"""Writing what happened: alerts, transitions, and the outbox rows that they cause.

Statements on the writer's connection, inside the caller's transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from sakshi.ledger.record import Destination
from sakshi.ledger.row import (
    ALERT_COLUMNS,
    decode_alert,
    decode_destination,
    encode_alert,
    encode_labels,
)
from sakshi.model.alert import Alert, AlertState, Transition

Routed = tuple[Transition, Sequence[Destination]]
"""A transition and where it must be told; nowhere for one that is not notifiable."""

_REPLACE_ALERT: Final = (
    f"insert or replace into alert ({ALERT_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_DELETE_ALERT: Final = "delete from alert where rule_id = ? and fingerprint = ?"
_INSERT_TRANSITION: Final = (
    f"insert into transition ({ALERT_COLUMNS}, previous, at_ms)"
    " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_GROUP: Final = """
    insert into aggregation_group (receiver, integration, route_id, group_labels)
    values (?, ?, ?, ?) on conflict do nothing
"""
_START_TIMER: Final = """
    update aggregation_group set due_ms = coalesce(due_ms, ?)
    where receiver = ? and integration = ? and route_id = ? and group_labels = ?
    returning id
"""
_INSERT_OUTBOX: Final = "insert into outbox (transition_id, group_id) values (?, ?)"
_REPLACE_MEMBER: Final = """
    insert or replace into member (group_id, rule_id, fingerprint, transition_id)
    values (?, ?, ?, ?)
"""
_NEWEST_TRANSITION: Final = """
    select max(id) from transition where rule_id = ? and fingerprint = ? and state = 'firing'
"""
_MEMBERS: Final = f"""
    select member.group_id, receiver, integration, route_id, group_labels, {
    ", ".join("transition." + column for column in ALERT_COLUMNS.split(", "))
}
    from member
    join aggregation_group on aggregation_group.id = member.group_id
    join transition on transition.id = member.transition_id
"""
_DELETE_MEMBER: Final = "delete from member where group_id = ? and rule_id = ? and fingerprint = ?"
_ABANDON_OUTBOX: Final = """
    update outbox set state = 'skipped', last_error = ?
    where group_id = ? and state = 'waiting' and transition_id in
        (select id from transition where rule_id = ? and fingerprint = ?)
"""
_STOP_EMPTY_TIMERS: Final = """
    update aggregation_group
    set due_ms = null, failing_since_ms = null, attempts = 0, last_error = ''
    where due_ms is not null
        and not exists (select 1 from member where member.group_id = aggregation_group.id)
"""


def write_alerts(
    connection: sqlite3.Connection, before: Iterable[Alert], after: Iterable[Alert]
) -> None:
    """Make a rule's alerts those of `after`; touch only the rows that differ from `before`."""
    known = {alert.fingerprint: alert for alert in before}
    for alert in after:
        if known.pop(alert.fingerprint, None) != alert:
            connection.execute(_REPLACE_ALERT, encode_alert(alert))
    connection.executemany(
        _DELETE_ALERT, [(alert.rule_id, fingerprint) for fingerprint, alert in known.items()]
    )


def write_transition(connection: sqlite3.Connection, routed: Routed, now_ms: int) -> None:
    """Note a transition, and put one outbox row for each of its destinations."""
    transition, destinations = routed
    row = (*encode_alert(transition.alert), transition.previous.value, transition.at_ms)
    transition_id = connection.execute(_INSERT_TRANSITION, row).lastrowid
    assert transition_id is not None
    for destination in destinations:
        _enqueue(connection, transition.alert, transition_id, destination, now_ms)


def write_reroute(
    connection: sqlite3.Connection,
    routed: Sequence[tuple[Alert, Sequence[Destination]]],
    now_ms: int,
) -> None:
    """Enqueue firing alerts where they are no members yet.

    Args:
        connection: the writer's.
        routed: each firing alert and where it must be told.
        now_ms: now; the group timers that start, start here.
    """
    members = read_memberships(connection)
    present = {(alert.rule_id, alert.fingerprint, place) for _, alert, place in members}
    for alert, destinations in routed:
        for destination in destinations:
            if (alert.rule_id, alert.fingerprint, destination) not in present:
                transition_id = _newest_transition(connection, alert, now_ms)
                _enqueue(connection, alert, transition_id, destination, now_ms)


def read_memberships(connection: sqlite3.Connection) -> list[tuple[int, Alert, Destination]]:
    """Return every member of every group: the group's id, the alert as it was, the destination."""
    return [
        (row["group_id"], decode_alert(row), decode_destination(row))
        for row in connection.execute(_MEMBERS)
    ]


def remove_members(
    connection: sqlite3.Connection, departed: Collection[tuple[int, Alert]], reason: str
) -> None:
    """Take alerts out of groups; what waits there for them is skipped, for this reason."""
    for group_id, alert in departed:
        key = (group_id, alert.rule_id, alert.fingerprint)
        connection.execute(_DELETE_MEMBER, key)
        connection.execute(_ABANDON_OUTBOX, (reason, *key))
    connection.execute(_STOP_EMPTY_TIMERS)


def _enqueue(
    connection: sqlite3.Connection,
    alert: Alert,
    transition_id: int,
    destination: Destination,
    now_ms: int,
) -> None:
    key = (
        destination.receiver,
        destination.integration,
        destination.route_id,
        encode_labels(destination.group_labels),
    )
    connection.execute(_INSERT_GROUP, key)
    due_ms = now_ms + destination.group_wait_ms
    (group_id,) = connection.execute(_START_TIMER, (due_ms, *key)).fetchone()
    connection.execute(_INSERT_OUTBOX, (transition_id, group_id))
    connection.execute(_REPLACE_MEMBER, (group_id, alert.rule_id, alert.fingerprint, transition_id))


def _newest_transition(connection: sqlite3.Connection, alert: Alert, now_ms: int) -> int:
    """Return the id of the transition to FIRING; note it anew where it was pruned."""
    key = (alert.rule_id, alert.fingerprint)
    (newest_id,) = connection.execute(_NEWEST_TRANSITION, key).fetchone()
    if newest_id is None:
        previous = AlertState.FIRING.value
        row = (*encode_alert(alert), previous, now_ms)
        newest_id = connection.execute(_INSERT_TRANSITION, row).lastrowid
    assert isinstance(newest_id, int)
    return newest_id
