"""What sakshi says of its own notifications."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram


class NotificationMetrics:
    """Counters of messages and of the time that receivers take, by kind of integration.

    Args:
        registry: where they are registered; one instance for each registry.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.notifications = Counter(
            "sakshi_notifications",
            "Messages to receivers; outcome is delivered, retry, refused or dead.",
            ["integration", "outcome"],
            registry=registry,
        )
        self.latency_seconds = Histogram(
            "sakshi_notification_latency_seconds",
            "From sending a message to the receiver's answer.",
            ["integration"],
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=registry,
        )
        self.dispatcher_errors = Counter(
            "sakshi_notification_dispatcher_errors",
            "Failures of the dispatcher itself: the ledger refused, or a defect.",
            registry=registry,
        )

    def observe(self, integration: str, outcome: str, duration_seconds: float) -> None:
        """Count one message.

        Args:
            integration: `email[0]`; counted under its kind.
            outcome: as `Attempt.outcome`.
            duration_seconds: of the attempt.
        """
        kind = integration.partition("[")[0]
        self.notifications.labels(kind, outcome).inc()
        self.latency_seconds.labels(kind).observe(duration_seconds)
