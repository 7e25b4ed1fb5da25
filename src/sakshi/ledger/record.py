"""What passes over the ledger's counter: evaluations in, destinations asked, deliveries out.

The rules hold the `AlertRecorder` side; what the dispatcher holds is in `group.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from sakshi.model.alert import Alert, Transition
from sakshi.model.labels import Labels


@dataclass(frozen=True)
class Destination:
    """Where the alerts of one aggregation group go through one integration.

    Args:
        receiver: the receiver's name.
        integration: `email[0]`, `slack[0]`, `pagerduty[0]`, `webhook[1]`: kind and position.
        route_id: the route's place in the tree: `{}/{severity="critical"}`.
        group_labels: the labels that the route groups by, with this alert's values.
        group_wait_ms: how long a group that has no timer yet waits for more alerts before its first
            message; not part of the identity.
    """

    receiver: str
    integration: str
    route_id: str
    group_labels: Labels
    group_wait_ms: int = field(default=0, compare=False)

    @property
    def group_key(self) -> str:
        """Identity of the aggregation group: the route and the group's labels, as text."""
        return f"{self.route_id}:{self.group_labels}"


Router = Callable[[Alert], Sequence[Destination]]
"""Tells where an alert's transitions must be sent; given to the ledger by `app`."""


class AlertRecorder(Protocol):
    """The rules' side of the ledger. Blocking; called from the rules' thread."""

    def load_alerts(self) -> Sequence[Alert]:
        """Return the alerts that were active, or resolved lately, when last recorded."""

    def record(
        self, rule_id: str, alerts: Sequence[Alert], transitions: Sequence[Transition], at_ms: int
    ) -> None:
        """Replace the active alerts of a rule, and note what changed, in one durable transaction.

        Each notifiable transition also becomes one outbox row for each destination that the router
        names. Called only where something changed: a new alert, a new state, new annotations.

        Args:
            rule_id: as `Alert.rule_id`.
            alerts: every alert of the rule that is active now (pending, firing) or was resolved
            less
                than 15 minutes ago.
            transitions: what changed at this evaluation; may be empty.
            at_ms: the evaluation, milliseconds since the epoch.

        Raises:
            LedgerWriteError: the disk refused; nothing was recorded. The caller keeps its state and
                records again at the next evaluation.
        """


class DeliveryState(StrEnum):
    """What became of one notification to one destination."""

    WAITING = "waiting"
    """Held by the group's timer, or to be tried again."""
    DELIVERED = "delivered"
    """Accepted by the receiver."""
    SKIPPED = "skipped"
    """Not told on purpose; the reason says why: resolved before the first message, ..."""
    DEAD = "dead"
    """Given up: refused for good, or retried for 24 hours. While the alert still fires, the group's
    next message carries it again; if that one is accepted, the delivery is DELIVERED after all."""


@dataclass(frozen=True)
class Delivery:
    """One transition on its way to one destination, for the API and the page.

    Args:
        id: of the outbox row.
        alert_labels: of the alert.
        fingerprint: of the alert.
        told_state: `firing` or `resolved`: what is told.
        transition_at_ms: when the alert changed.
        delivery_state: what became of it.
        due_ms: when the next attempt is made; meaningful while WAITING.
        attempts: how many were made.
        last_error: why the last attempt failed, why it waits (muted), or why it was skipped, in
            words; else empty. Never a secret.
        delivered_ms: when the receiver accepted it; None until then.
    """

    id: int
    alert_labels: Labels
    fingerprint: str
    told_state: str
    transition_at_ms: int
    destination: Destination
    delivery_state: DeliveryState
    due_ms: int
    attempts: int = 0
    last_error: str = ""
    delivered_ms: int | None = None
