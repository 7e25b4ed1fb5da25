"""From an alert to its destinations: the ledger's `Router`, built from the configuration."""

from __future__ import annotations

from collections.abc import Sequence

from sakshi.alerting.configuration import NotificationConfig
from sakshi.alerting.flush import FlushTiming
from sakshi.alerting.route import Route
from sakshi.ledger.record import Destination
from sakshi.model.alert import Alert


class AlertRouter:
    """Tells where an alert must be told. Pure and immutable: safe on any thread.

    Args:
        config: without problems.
    """

    def __init__(self, config: NotificationConfig) -> None:
        self.root = Route(config.route)
        self._routes = {route.id: route for route in self.root.walk()}
        self._integrations = config.integrations
        self._by_receiver: dict[str, list[str]] = {}
        for receiver, integration in config.integrations:
            self._by_receiver.setdefault(receiver, []).append(integration)

    def __call__(self, alert: Alert) -> Sequence[Destination]:
        """Return the destinations of an alert, in the tree's order; empty for a black hole."""
        return [
            Destination(
                receiver=route.receiver,
                integration=integration,
                route_id=route.id,
                group_labels=route.group_labels(alert.labels),
                group_wait_ms=route.group_wait_ms,
            )
            for route in self.root.match(alert.labels)
            for integration in self._by_receiver.get(route.receiver, ())
        ]

    def timing(self, destination: Destination) -> FlushTiming:
        """Return how often a destination that this router named is told."""
        route = self._routes[destination.route_id]
        config = self._integrations[destination.receiver, destination.integration]
        return FlushTiming(
            group_interval_ms=route.group_interval_ms,
            repeat_interval_ms=route.repeat_interval_ms,
            send_resolved=config.send_resolved,
        )

    @property
    def horizon_ms(self) -> int:
        """The longest time that a group's timer is set ahead by a route."""
        return max(max(route.group_wait_ms, route.group_interval_ms) for route in self.root.walk())
