"""Aggregation groups: alerts that are told together to one destination, and what came of telling.

The dispatcher's side of the ledger. It reads a group as it stands, sends or does not send, and
hands back one `FlushResult`, which is written in one transaction:

    due_groups ──▶ load_group ──▶ (the dispatcher decides and sends) ──▶ settle

What the rules record between `load_group` and `settle` is safe: `settle` touches only the outbox
rows and the members that the loaded group showed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sakshi.ledger.record import DeliveryState, Destination
from sakshi.model.alert import Alert


@dataclass(frozen=True)
class Member:
    """One alert of a group, as it stands now.

    Args:
        alert: FIRING or RESOLVED; with its newest annotations and value while it fires.
        transition_id: of its newest notifiable transition.
    """

    alert: Alert
    transition_id: int


@dataclass(frozen=True)
class OutboxRow:
    """One transition that one destination has not been told of yet.

    Args:
        id: as `Delivery.id`.
        fingerprint: of the alert; `rule_id` is the alert's.
        is_firing: whether the transition is to FIRING (else to RESOLVED).
        delivery_state: WAITING; or DEAD, for the transition that its alert still stands at.
        attempts: how many messages that carried it were refused.
    """

    id: int
    transition_id: int
    rule_id: str
    fingerprint: str
    is_firing: bool
    delivery_state: DeliveryState
    attempts: int


@dataclass(frozen=True)
class Told:
    """What the last accepted message said.

    Args:
        firing: fingerprints of the alerts that it called firing.
        resolved: fingerprints of the alerts that it called resolved.
        at_ms: when.
    """

    firing: frozenset[str]
    resolved: frozenset[str]
    at_ms: int


@dataclass(frozen=True)
class AggregationGroup:
    """A group as it stood when it was read.

    Args:
        id: of the group.
        sequence: how many messages were accepted; part of the next message's stable key.
        told: what the last accepted message said; None where there was none.
        failing_since_ms: the first failed attempt of the message in hand; None where none failed.
        attempts: how many attempts of the message in hand failed.
        members: its alerts, by transition.
        outbox: what was not told yet, oldest first.
    """

    id: int
    destination: Destination
    sequence: int
    told: Told | None
    failing_since_ms: int | None
    attempts: int
    members: Sequence[Member]
    outbox: Sequence[OutboxRow]


@dataclass(frozen=True)
class Settlement:
    """What becomes of one outbox row.

    Args:
        reason: as `Delivery.last_error`.
        attempted: whether a message carried it in this flush.
    """

    delivery_state: DeliveryState
    reason: str = ""
    attempted: bool = False


@dataclass(frozen=True)
class Attempt:
    """One message that was sent, or could not be.

    Args:
        key: the message's stable key.
        outcome: `delivered`, `retry`, `refused`, `dead`.
        duration_seconds: from the first byte to the answer.
        alert_count: how many alerts it carried.
        error: why it failed, in words; else empty.
    """

    key: str
    outcome: str
    duration_seconds: float
    alert_count: int
    error: str = ""


@dataclass(frozen=True)
class FlushResult:
    """Everything that one flush changes in the ledger.

    Args:
        group_id: of the group.
        at_ms: when the flush began.
        due_ms: when the group is to be looked at again; ignored where no member is left.
        told: what the receiver knows now; None where that did not change.
        accepted: whether a message was accepted (the next one gets another key).
        settlements: by outbox id.
        departed: members that leave the group; one that has changed meanwhile stays.
        attempt: the message; None where nothing was sent.
        failing_since_ms: as in the group, from now on.
        attempts: as in the group, from now on.
    """

    group_id: int
    at_ms: int
    due_ms: int
    told: Told | None = None
    accepted: bool = False
    settlements: Mapping[int, Settlement] = field(default_factory=dict)
    departed: Sequence[Member] = ()
    attempt: Attempt | None = None
    failing_since_ms: int | None = None
    attempts: int = 0


@dataclass(frozen=True)
class DueGroup:
    """A group whose timer has run out, and enough of it to queue it."""

    id: int
    receiver: str
    integration: str


class DeliveryRecorder(Protocol):
    """The dispatcher's side of the ledger. Blocking; may be called from any thread."""

    def reroute(self) -> None:
        """Make the groups agree with the router: once at start, for the configuration may be new.

        A firing alert joins the groups that the router names now; an alert leaves those that it
        does not name any more (what waited there is SKIPPED).
        """

    def due_groups(self, now_ms: int, horizon_ms: int) -> Sequence[DueGroup]:
        """Return the groups whose timer has run out, longest ago first.

        A timer further ahead than `horizon_ms` was set by a clock that was wrong: it is due too.
        """

    def next_due_ms(self, now_ms: int) -> int | None:
        """Return the earliest timer after `now_ms`; None where there is none."""

    def load_group(self, group_id: int) -> AggregationGroup:
        """Return a group as it stands."""

    def settle(self, result: FlushResult) -> None:
        """Write what a flush changed, in one durable transaction.

        Raises:
            LedgerWriteError: the disk refused; nothing was written.
        """

    def prune(self, now_ms: int) -> int:
        """Delete a bounded number of the oldest rows that are past their limit; return how many."""

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called after each commit; return what ends that.

        It is called on the thread that committed (the rules', a worker's): it must be quick, must
        not raise, and reaches an event loop by `call_soon_threadsafe`.
        """
