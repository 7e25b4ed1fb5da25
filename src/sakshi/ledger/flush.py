"""Reading a group for a flush, and writing what came of it.

Statements on a connection, inside the caller's transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Final

from sakshi.ledger.group import AggregationGroup, DueGroup, FlushResult, Member, OutboxRow, Told
from sakshi.ledger.record import DeliveryState
from sakshi.ledger.row import decode_alert, decode_destination
from sakshi.model.alert import Alert

_DUE: Final = """
    select id, receiver, integration from aggregation_group
    where due_ms <= ? or due_ms > ? order by due_ms, id
"""
_NEXT_DUE: Final = "select min(due_ms) from aggregation_group where due_ms > ?"
_GROUP: Final = "select * from aggregation_group where id = ?"
_TOLD: Final = "select fingerprint, state from told where group_id = ?"
_MEMBERS: Final = """
    select transition.* from member
    join transition on transition.id = member.transition_id
    where member.group_id = ? order by member.transition_id
"""
_OUTBOX: Final = """
    select outbox.id, outbox.transition_id, outbox.state, outbox.attempts,
        transition.rule_id, transition.fingerprint, transition.state = 'firing' as is_firing
    from outbox
    join transition on transition.id = outbox.transition_id
    left join member on member.group_id = outbox.group_id
        and member.transition_id = outbox.transition_id
    where outbox.group_id = ?
        and outbox.state in ('waiting', 'dead')
        and (outbox.state = 'waiting' or member.group_id is not null)
    order by outbox.id
"""
_SETTLE_OUTBOX: Final = """
    update outbox set state = ?, last_error = ?, attempts = attempts + ?, delivered_ms = ?
    where id = ?
"""
_DELETE_MEMBER: Final = """
    delete from member
    where group_id = ? and rule_id = ? and fingerprint = ? and transition_id = ?
"""
_SET_TIMER: Final = """
    update aggregation_group set
        due_ms = case when exists (select 1 from member where group_id = :id) then :due_ms end,
        sequence = sequence + :accepted,
        told_ms = coalesce(:told_ms, told_ms),
        failing_since_ms = :failing_since_ms,
        attempts = :attempts,
        last_error = :last_error
    where id = :id
"""
_INSERT_ATTEMPT: Final = """
    insert into attempt (group_id, at_ms, key, outcome, duration_seconds, alert_count, error)
    values (?, ?, ?, ?, ?, ?, ?)
"""


def select_due(connection: sqlite3.Connection, now_ms: int, horizon_ms: int) -> list[DueGroup]:
    """Return the groups whose timer has run out, or lies past the horizon."""
    rows = connection.execute(_DUE, (now_ms, now_ms + horizon_ms))
    return [DueGroup(row["id"], row["receiver"], row["integration"]) for row in rows]


def select_next_due_ms(connection: sqlite3.Connection, now_ms: int) -> int | None:
    """Return the earliest timer after now; None where there is none."""
    (due_ms,) = connection.execute(_NEXT_DUE, (now_ms,)).fetchone()
    assert due_ms is None or isinstance(due_ms, int)
    return due_ms


def select_group(
    connection: sqlite3.Connection, group_id: int, newest: Callable[[Alert], Alert]
) -> AggregationGroup:
    """Return a group as it stands.

    Args:
        connection: any.
        group_id: of a group that exists.
        newest: gives the alert as the rules recorded it last, for one as it was at its transition.
    """
    group = connection.execute(_GROUP, (group_id,)).fetchone()
    assert group is not None, "groups with a timer are never deleted"
    return AggregationGroup(
        id=group_id,
        destination=decode_destination(group),
        sequence=group["sequence"],
        told=_select_told(connection, group),
        failing_since_ms=group["failing_since_ms"],
        attempts=group["attempts"],
        members=[
            Member(newest(decode_alert(row)), row["id"])
            for row in connection.execute(_MEMBERS, (group_id,))
        ],
        outbox=[
            OutboxRow(
                id=row["id"],
                transition_id=row["transition_id"],
                rule_id=row["rule_id"],
                fingerprint=row["fingerprint"],
                is_firing=bool(row["is_firing"]),
                delivery_state=DeliveryState(row["state"]),
                attempts=row["attempts"],
            )
            for row in connection.execute(_OUTBOX, (group_id,))
        ],
    )


def write_flush(connection: sqlite3.Connection, result: FlushResult) -> None:
    """Write everything that a flush changed."""
    delivered = DeliveryState.DELIVERED
    attempt = result.attempt
    duration_ms = 0 if attempt is None else round(attempt.duration_seconds * 1000)
    connection.executemany(
        _SETTLE_OUTBOX,
        [
            (
                settled.delivery_state.value,
                settled.reason,
                int(settled.attempted),
                result.at_ms + duration_ms if settled.delivery_state is delivered else None,
                outbox_id,
            )
            for outbox_id, settled in result.settlements.items()
        ],
    )
    connection.executemany(
        _DELETE_MEMBER,
        [
            (result.group_id, alert.rule_id, alert.fingerprint, member.transition_id)
            for member in result.departed
            for alert in [member.alert]
        ],
    )
    if result.told is not None:
        _write_told(connection, result.group_id, result.told)
    connection.execute(
        _SET_TIMER,
        {
            "id": result.group_id,
            "due_ms": result.due_ms,
            "accepted": int(result.accepted),
            "told_ms": None if result.told is None else result.told.at_ms,
            "failing_since_ms": result.failing_since_ms,
            "attempts": result.attempts,
            "last_error": "" if attempt is None else attempt.error,
        },
    )
    if attempt is not None:
        row = (attempt.key, attempt.outcome, attempt.duration_seconds, attempt.alert_count)
        connection.execute(_INSERT_ATTEMPT, (result.group_id, result.at_ms, *row, attempt.error))


def _select_told(connection: sqlite3.Connection, group: sqlite3.Row) -> Told | None:
    if group["told_ms"] is None:
        return None
    rows = connection.execute(_TOLD, (group["id"],)).fetchall()
    return Told(
        firing=frozenset(row["fingerprint"] for row in rows if row["state"] == "firing"),
        resolved=frozenset(row["fingerprint"] for row in rows if row["state"] == "resolved"),
        at_ms=group["told_ms"],
    )


def _write_told(connection: sqlite3.Connection, group_id: int, told: Told) -> None:
    connection.execute("delete from told where group_id = ?", (group_id,))
    states = dict.fromkeys(told.resolved, "resolved") | dict.fromkeys(told.firing, "firing")
    connection.executemany(
        "insert into told (group_id, fingerprint, state) values (?, ?, ?)",
        [(group_id, fingerprint, state) for fingerprint, state in states.items()],
    )
