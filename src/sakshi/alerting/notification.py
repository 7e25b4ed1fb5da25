"""One message: the alerts of one group on their way to one receiver; and the seams around it.

Muter.mutes(labels)            is this alert to be kept quiet now?
Notifier.notify(notification)  send it; return once the receiver has accepted it
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sakshi.ledger.group import AggregationGroup
from sakshi.ledger.record import Destination
from sakshi.model.alert import Alert, AlertState
from sakshi.model.labels import Labels


@dataclass(frozen=True)
class Notification:
    """What is told.

    Args:
        alerts: FIRING ones first, then RESOLVED ones; never empty.
        key: stable: a duplicate of this message, sent after a crash or a lost answer, has the same;
            every other message has another. 32 hexadecimal digits.
        is_plain: leave templates and ornament out: the receiver or the template failed with them.
    """

    destination: Destination
    alerts: Sequence[Alert]
    key: str
    is_plain: bool = False

    @property
    def firing(self) -> Sequence[Alert]:
        """The alerts that fire."""
        return [alert for alert in self.alerts if alert.state is AlertState.FIRING]

    @property
    def resolved(self) -> Sequence[Alert]:
        """The alerts that are resolved."""
        return [alert for alert in self.alerts if alert.state is AlertState.RESOLVED]

    @property
    def status(self) -> str:
        """`firing` while one alert fires, else `resolved`."""
        return "firing" if self.firing else "resolved"

    @property
    def group_hash(self) -> str:
        """Identity of the group, the same in all its messages: 64 hexadecimal digits."""
        return hashlib.sha256(self.destination.group_key.encode()).hexdigest()

    def plain(self) -> Notification:
        """Return the same message without templates and ornament."""
        return replace(self, is_plain=True)


class Notifier(Protocol):
    """One integration of one receiver."""

    async def notify(self, notification: Notification) -> None:
        """Send a message; return once the receiver has accepted it.

        Raises:
            RetryableError: the receiver may take it later.
            RefusedError: it will not.
        """


class Muter(Protocol):
    """Keeps alerts quiet: inhibition rules now, silences and mute times later."""

    reason: str
    """In words, for whoever asks why nobody was told."""

    def mutes(self, labels: Labels) -> bool:
        """Tell whether an alert of these labels must not be told now."""


def notification_key(group: AggregationGroup, alerts: Sequence[Alert]) -> str:
    """Return the key of the group's next message.

    It depends on the destination, on how many messages it accepted so far, and on what the message
    says: a repeat is another message, and so is a retry that has more to tell.
    """
    destination = group.destination
    parts = [destination.receiver, destination.integration, destination.group_key]
    parts.append(str(group.sequence))
    parts += sorted(f"{alert.fingerprint} {alert.state} {alert.fired_at_ms}" for alert in alerts)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
