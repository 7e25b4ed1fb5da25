"""The web package's own metrics: what sakshi says about its requests and live messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

from sakshi.web.receipt import Receipt

_SECONDS: Final = (0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60)


class RequestMetrics:
    """How long requests take, and how many fail; `route` is a path of the table of routes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.duration = Histogram(
            "sakshi_http_request_duration_seconds",
            "Time from a request to its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.errors = Counter(
            "sakshi_http_request_errors_total",
            "Requests that were answered with an error.",
            ["route"],
            registry=registry,
        )


class ReceiverMetrics:
    """What senders push; `reason` is why samples were not taken."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._samples = Counter(
            "sakshi_received_samples_total",
            "Samples that senders pushed and that were taken, repetitions included.",
            registry=registry,
        )
        self._refused = Counter(
            "sakshi_received_samples_refused_total",
            "Samples that senders pushed and that were not taken.",
            ["reason"],
            registry=registry,
        )

    def count(self, receipt: Receipt) -> None:
        """Count what one push brought."""
        self._samples.inc(receipt.samples - receipt.refused_count)
        for reason, count in receipt.refused.items():
            self._refused.labels(reason.value).inc(count)


class HubMetrics:
    """What the hub does; `type` is a message's."""

    def __init__(self, registry: CollectorRegistry, count_clients: Callable[[], int]) -> None:
        Gauge(
            "sakshi_live_clients", "WebSocket clients that listen.", registry=registry
        ).set_function(count_clients)
        self.refused = Counter(
            "sakshi_live_clients_refused_total",
            "WebSocket clients that were sent away because there were too many.",
            registry=registry,
        )
        self.made = Summary(
            "sakshi_live_message_duration_seconds",
            "Time to make a live message.",
            ["type"],
            registry=registry,
        )
        self.failed = Counter(
            "sakshi_live_message_failures_total",
            "Live messages that could not be made.",
            ["type"],
            registry=registry,
        )
        self.conflated = Counter(
            "sakshi_live_messages_conflated_total",
            "Messages that a client never got, because a newer one came before it had read them.",
            ["type"],
            registry=registry,
        )
