"""Alerts: what a rule says is wrong, and the moments at which that changed.

inactive ──condition holds──▶ pending ──held for `for`──▶ firing ──condition gone──▶ resolved
             pending ──condition gone──▶ inactive (nobody is told)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from sakshi.model.labels import Labels

FNV_OFFSET: Final = 0xCBF2_9CE4_8422_2325
FNV_PRIME: Final = 0x100_0000_01B3


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

    @cached_property
    def fingerprint(self) -> str:
        """A stable identity of the label set, 16 hexadecimal digits; Alertmanager has the same."""
        return f"{hash_labels(self.labels):016x}"


def hash_labels(labels: Labels) -> int:
    """Return the FNV-1a hash of a label set, 64 bits, as Prometheus and Alertmanager compute it.

    Source:
        prometheus/common model/signature.go, labelSetToFingerprint.
    """
    value = FNV_OFFSET
    for name, text in labels.pairs:
        for byte in b"%b\xff%b\xff" % (name.encode(), text.encode()):
            value = ((value ^ byte) * FNV_PRIME) & 0xFFFF_FFFF_FFFF_FFFF
    return value


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
