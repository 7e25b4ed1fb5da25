"""What sakshi says of the alerts that it hands to Alertmanagers."""

from __future__ import annotations

from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class AlertmanagerMetrics:
    """Counters of alerts and of the time that Alertmanagers take; what Prometheus' mean, too.

    Args:
        registry: where they are registered; one instance for each registry.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.discovered = Gauge(
            "sakshi_alertmanagers_discovered",
            "Alertmanagers that are told of alerts.",
            registry=registry,
        )
        self.sent = Counter(
            "sakshi_alertmanager_alerts_sent",
            "Alerts that were posted to an Alertmanager, repetitions and failures counted.",
            ["alertmanager"],
            registry=registry,
        )
        self.errors = Counter(
            "sakshi_alertmanager_alerts_errors",
            "Alerts in posts that failed; they are posted again.",
            ["alertmanager"],
            registry=registry,
        )
        self.refused = Counter(
            "sakshi_alertmanager_alerts_refused",
            "Alerts that an Alertmanager did not take for what they say, posted alone.",
            ["alertmanager"],
            registry=registry,
        )
        self.waiting = Gauge(
            "sakshi_alertmanager_alerts_waiting",
            "Alerts that are to be told, and were not accepted yet.",
            ["alertmanager"],
            registry=registry,
        )
        self.dropped = Counter(
            "sakshi_alertmanager_alerts_dropped",
            "Alerts that were given up for want of room. Always 0: they are kept in the ledger.",
            registry=registry,
        )
        self.latency_seconds = Histogram(
            "sakshi_alertmanager_latency_seconds",
            "From posting alerts to the Alertmanager's answer, or to the failure.",
            ["alertmanager"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=registry,
        )
        self.discovery_failures = Counter(
            "sakshi_alertmanager_discovery_failures",
            "Questions to service discovery that failed; the Alertmanagers before stay.",
            registry=registry,
        )
        self.crashes = Counter(
            "sakshi_alertmanager_crashes",
            "Errors in sakshi itself that were caught at the outermost line of a loop.",
            registry=registry,
        )

    def begin(self, url: str) -> None:
        """Show an Alertmanager, with zeros until something happens."""
        self.discovered.inc()
        for metric in self._of_one():
            metric.labels(url)

    def end(self, url: str) -> None:
        """Show an Alertmanager no more."""
        self.discovered.dec()
        for metric in self._of_one():
            with suppress(KeyError):  # two of one address
                metric.remove(url)

    def _of_one(self) -> tuple[Counter | Gauge | Histogram, ...]:
        return self.sent, self.errors, self.refused, self.waiting, self.latency_seconds
