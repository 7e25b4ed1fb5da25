"""What happened and who was told, for people; and how much of it is kept."""

from __future__ import annotations

import sqlite3
from typing import Final

from sakshi.ledger.record import Delivery, DeliveryState
from sakshi.ledger.row import decode_alert, decode_destination, decode_labels
from sakshi.model.alert import AlertState, Transition

HISTORY_RETENTION_MS: Final = 30 * 86_400_000
"""Transitions, deliveries and attempts older than this are deleted, unless they still matter."""

PRUNE_ROWS_MAX: Final = 1000
"""Deleted of each table at one time, so that the rules never wait long for the writer."""

_DELIVERIES: Final = """
    select outbox.id, outbox.state as delivery_state, outbox.attempts, outbox.last_error,
        outbox.delivered_ms, transition.labels, transition.fingerprint, transition.state,
        transition.at_ms, receiver, integration, route_id, group_labels, due_ms
    from outbox
    join transition on transition.id = outbox.transition_id
    join aggregation_group on aggregation_group.id = outbox.group_id
    order by outbox.id desc limit ?
"""
_TRANSITIONS: Final = "select * from transition order by id desc limit ?"

_PRUNES: Final = (
    """delete from outbox where id in (
        select outbox.id from outbox
        join transition on transition.id = outbox.transition_id
        where outbox.state <> 'waiting' and transition.at_ms < :before_ms limit :rows_max)""",
    "delete from attempt where id in"
    " (select id from attempt where at_ms < :before_ms limit :rows_max)",
    """delete from transition where id in (
        select id from transition
        where at_ms < :before_ms
            and (id < (select max(id) from transition)
                or not exists (select 1 from alertmanager))
            and not exists (select 1 from outbox where outbox.transition_id = transition.id)
            and not exists (select 1 from member where member.transition_id = transition.id)
        limit :rows_max)""",
    """delete from aggregation_group where id in (
        select id from aggregation_group
        where due_ms is null and coalesce(told_ms, 0) < :before_ms
            and not exists (select 1 from outbox where outbox.group_id = aggregation_group.id)
        limit :rows_max)""",
)


def select_deliveries(connection: sqlite3.Connection, limit: int) -> list[Delivery]:
    """Return the newest deliveries, newest first."""
    return [
        Delivery(
            id=row["id"],
            alert_labels=decode_labels(row["labels"]),
            fingerprint=row["fingerprint"],
            told_state=row["state"],
            transition_at_ms=row["at_ms"],
            destination=decode_destination(row),
            delivery_state=DeliveryState(row["delivery_state"]),
            due_ms=row["due_ms"] or 0,
            attempts=row["attempts"],
            last_error=row["last_error"],
            delivered_ms=row["delivered_ms"],
        )
        for row in connection.execute(_DELIVERIES, (limit,))
    ]


def select_transitions(connection: sqlite3.Connection, limit: int) -> list[Transition]:
    """Return the newest transitions, newest first."""
    return [
        Transition(
            alert=decode_alert(row), previous=AlertState(row["previous"]), at_ms=row["at_ms"]
        )
        for row in connection.execute(_TRANSITIONS, (limit,))
    ]


def delete_oldest(connection: sqlite3.Connection, before_ms: int) -> int:
    """Delete at most PRUNE_ROWS_MAX rows of each table from before this moment; return how many.

    What waits, what a group still holds, and what a group's memory of its last message needs stays;
    and the newest transition where Alertmanagers have a place in history: no id is given twice.
    """
    values = {"before_ms": before_ms, "rows_max": PRUNE_ROWS_MAX}
    return sum(connection.execute(statement, values).rowcount for statement in _PRUNES)
