"""Alerts: what a rule says is wrong, and the moments at which that changed.

inactive ──condition holds──▶ pending ──held for `for`──▶ firing ──condition gone──▶ resolved
             pending ──condition gone──▶ inactive (nobody is told)
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from sakshi.model.labels import Labels


class AlertState(StrEnum):
    """Where an alert stands; the values are Prometheus' words."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True)
class Alert:
    """One alert of one alerting rule at one moment. Its labels (with `alertname`) are its identity.

    Args:
        rule_id: the rule that it belongs to, `file;group;name` and a number where names repeat.
        labels: the series' labels without the metric name, the rule's labels, and `alertname`.
        annotations: rendered texts: `summary`, `description`, ...
        state: never INACTIVE; an alert that is inactive does not exist.
        value: of the rule's expression at the last evaluation at which it held.
        active_at_ms: when the condition began to hold, in this run of it.
        fired_at_ms: when it began to fire; None while pending.
        resolved_at_ms: when it stopped firing; None until then.
        keep_firing_since_ms: when the condition went while `keep_firing_for` keeps it; else None.
    """

    rule_id: str
    labels: Labels
    annotations: Labels
    state: AlertState
    value: float
    active_at_ms: int
    fired_at_ms: int | None = None
    resolved_at_ms: int | None = None
    keep_firing_since_ms: int | None = None

    @property
    def name(self) -> str:
        """The alerting rule's name."""
        return self.labels["alertname"]

    @property
    def fingerprint(self) -> str:
        """A stable identity of the label set: 16 hexadecimal digits."""
        text = "\xff".join(f"{name}\xff{value}" for name, value in self.labels.pairs)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Transition:
    """An alert that changed its state.

    Args:
        alert: as it is after the change.
        previous: the state before; INACTIVE for one that is new.
        at_ms: the evaluation that changed it, milliseconds since the epoch.
    """

    alert: Alert
    previous: AlertState
    at_ms: int

    @property
    def is_notifiable(self) -> bool:
        """Whether people are told: it began to fire, or was resolved after having fired."""
        return self.alert.state in (AlertState.FIRING, AlertState.RESOLVED)
