"""Tells a remote what the metric families are: type, help text and unit, once a minute."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from sakshi.exposition import MetricFamily
from sakshi.exposition.write_request import compress, encode_metadata
from sakshi.model.clock import Clock
from sakshi.remote_write.config import RemoteWriteConfig
from sakshi.remote_write.delivery import Delivery
from sakshi.remote_write.metrics import RemoteWriteMetrics

log = logging.getLogger(__name__)

Families = Callable[[], Sequence[MetricFamily]]
"""Returns what targets say of their metric families now; called on the event loop."""


class MetadataSender:
    """Sends metadata to one remote. What does not arrive is sent again with the next round.

    Args:
        config: of the remote.
        families: what is known; of several with one name the first counts.
        delivery: of requests.
        clock: of the rhythm.
        metrics: counts.
    """

    def __init__(
        self,
        config: RemoteWriteConfig,
        families: Families,
        delivery: Delivery,
        clock: Clock,
        metrics: RemoteWriteMetrics,
    ) -> None:
        self._config = config.metadata
        self._families = families
        self._delivery = delivery
        self._clock = clock
        self._sent = metrics.metadata.labels(config.identity)
        self._failed = metrics.metadata_failed.labels(config.identity)
        self._crashes = metrics.crashes.labels(config.identity)

    async def run(self) -> None:
        """Send until cancelled; at once where it is not to be sent at all."""
        while self._config.is_sent:
            await self._clock.sleep(self._config.interval_ms / 1000)
            try:
                await self.send()
            except Exception:
                self._crashes.inc()
                log.exception("remote write: metadata failed")

    async def send(self) -> None:
        """Send everything once."""
        families: dict[str, MetricFamily] = {}
        for family in self._families():
            families.setdefault(family.name, family)
        known, size = list(families.values()), self._config.families_max
        for start in range(0, len(known), size):
            part = known[start : start + size]
            body = await asyncio.to_thread(encode_body, part)
            is_accepted = await self._delivery.post_once(body)
            (self._sent if is_accepted else self._failed).inc(len(part))


def encode_body(families: Sequence[MetricFamily]) -> bytes:
    """Return the body of a request with the metadata of metric families."""
    return compress(encode_metadata(families))
