"""The web package's own metrics: what sakshi says about its requests and live messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

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
