"""Resolutions that are owed to Alertmanagers: what each must still be told is no longer wrong.

What fires is in the alerts themselves, and is told again and again. A resolution is an event: it
lapses from the alerts after 15 minutes, and must not be lost with them. So each Alertmanager has a
place in the history of transitions, and every resolution behind it is owed:

    transition id   17 firing   18 resolved   19 firing   20 resolved
                                   ▲                         owed
                                   └ the Alertmanager's place: told up to here

The place moves on when the Alertmanager has accepted. It is in the ledger's file, so neither an
outage of the Alertmanager nor one of sakshi loses a resolution, as long as history is kept.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from sakshi.ledger.history import HISTORY_RETENTION_MS
from sakshi.ledger.row import decode_alert
from sakshi.model.alert import Alert

_ENROL: Final = """
    insert into alertmanager (name, transition_id, seen_ms)
    values (:name, (select coalesce(max(id), 0) from transition), :now_ms)
    on conflict (name) do update set seen_ms = excluded.seen_ms
"""
_FORGET: Final = "delete from alertmanager where seen_ms < ?"
_OWED: Final = """
    select * from transition
    where state = 'resolved' and id in (
        select max(id) from transition
        where state in ('firing', 'resolved')
            and id > (select transition_id from alertmanager where name = ?)
        group by rule_id, fingerprint
    )
    order by id
"""
_THROUGH: Final = "select coalesce(max(id), 0) from transition"
_SETTLE: Final = "update alertmanager set transition_id = ?, seen_ms = ? where name = ?"


@dataclass(frozen=True)
class OwedResolution:
    """A resolution that an Alertmanager has not accepted yet, and that nothing newer replaces."""

    transition_id: int
    alert: Alert


@dataclass(frozen=True)
class OwedResolutions:
    """All that is owed to one Alertmanager at one moment.

    Args:
        owed: oldest first; at most one for each alert.
        through_id: the newest transition that was looked at: once all of it is accepted, nothing up
            to here is owed.
    """

    owed: Sequence[OwedResolution]
    through_id: int


class ResolutionRecorder(Protocol):
    """The Alertmanagers' side of the ledger. Blocking; may be called from any thread."""

    def alerts(self) -> Sequence[Alert]:
        """Return the alerts that are active, or were resolved lately; from memory, at once.

        It is the same object until one of them changes.
        """

    def enrol_alertmanager(self, name: str) -> None:
        """Note that an Alertmanager is there; to a new one, nothing is owed of what was before.

        Said again from time to time: one that was not seen for 30 days is forgotten.

        Raises:
            LedgerWriteError: the disk refused.
        """

    def owed_resolutions(self, name: str) -> OwedResolutions:
        """Return what is owed to an Alertmanager; nothing to one that is not enrolled."""

    def settle_resolutions(self, name: str, through_id: int) -> None:
        """Note that nothing is owed any more up to a transition.

        Raises:
            LedgerWriteError: the disk refused.
        """

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called after each commit; see `DeliveryRecorder.subscribe`."""


def write_enrolment(connection: sqlite3.Connection, name: str, now_ms: int) -> None:
    """Note that an Alertmanager is there, and forget those that have long been gone."""
    connection.execute(_ENROL, {"name": name, "now_ms": now_ms})
    connection.execute(_FORGET, (now_ms - HISTORY_RETENTION_MS,))


def select_owed(connection: sqlite3.Connection, name: str) -> OwedResolutions:
    """Return what is owed to an Alertmanager."""
    (through_id,) = connection.execute(_THROUGH).fetchone()
    rows = connection.execute(_OWED, (name,))
    return OwedResolutions(
        [OwedResolution(row["id"], decode_alert(row)) for row in rows], through_id
    )


def write_settlement(
    connection: sqlite3.Connection, name: str, through_id: int, now_ms: int
) -> None:
    """Note that nothing is owed any more up to a transition."""
    connection.execute(_SETTLE, (through_id, now_ms, name))
