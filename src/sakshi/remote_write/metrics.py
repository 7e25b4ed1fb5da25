"""What sakshi measures of passing samples on, exposed at its `/metrics`."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class DropReason(StrEnum):
    """Why a sample is not sent."""

    RELABELLED = "relabelled"
    TOO_OLD = "too_old"


class RemoteWriteMetrics:
    """The metrics of all remotes in one process.

    Args:
        registry: where they are registered; no second `RemoteWriteMetrics` fits in.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.samples = self._counter("samples", "Samples that a remote acknowledged.")
        self.failed = self._counter(
            "samples_failed", "Samples given up, as the remote refused them with 4xx."
        )
        self.retried = self._counter(
            "samples_retried", "Samples of requests that are repeated, once for each time."
        )
        self.dropped = self._counter(
            "samples_dropped", "Samples that are not sent: too_old, or relabelled.", "reason"
        )
        self.bytes = self._counter("bytes", "Bytes of the bodies that a remote acknowledged.")
        self.metadata = self._counter(
            "metadata", "Metric families whose metadata a remote acknowledged."
        )
        self.metadata_failed = self._counter(
            "metadata_failed", "Metric families whose metadata did not get to a remote."
        )
        self.crashes = self._counter(
            "crashes", "Errors in sakshi itself that were caught at the outermost line of a loop."
        )
        self.pending = self._gauge(
            "samples_pending", "Samples that are durable here and not acknowledged, about."
        )
        self.shards = self._gauge("shards", "Requests that may be on their way at a time.")
        self.highest_timestamp = self._gauge(
            "highest_timestamp_seconds", "Time of the newest sample that is durable here."
        )
        self.highest_sent_timestamp = self._gauge(
            "highest_sent_timestamp_seconds", "Time of the newest sample that was acknowledged."
        )
        self.request_seconds = Histogram(
            "sakshi_remote_write_request_duration_seconds",
            "From the start of a request to its answer, or its failure.",
            ["remote"],
            buckets=_BUCKETS,
            registry=registry,
        )

    def _counter(self, name: str, help: str, *labels: str) -> Counter:
        return Counter(
            f"sakshi_remote_write_{name}", help, ["remote", *labels], registry=self._registry
        )

    def _gauge(self, name: str, help: str) -> Gauge:
        return Gauge(f"sakshi_remote_write_{name}", help, ["remote"], registry=self._registry)
