"""Service discovery: who tells which targets there are, again and again.

A discovery that fails keeps what it said last: a file half written, or a server that is restarted,
ends no series.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from prometheus_client import Counter

from sakshi.model.clock import Clock
from sakshi.model.errors import SakshiError
from sakshi.scrape.target_group import StaticTargets

DOCUMENT_BYTES_MAX: Final = 16 << 20  # 100,000 addresses with their labels

log = logging.getLogger(__name__)


class Discovery(Protocol):
    """Something that knows targets."""

    interval_seconds: float
    """From one question to the next."""

    name: str
    """For logs; shows no secret."""

    async def refresh(self) -> Sequence[StaticTargets] | None:
        """Return all groups as they are now; None where they are as they were.

        Raises:
            SakshiError: they cannot be had; the ones before stay.
        """

    def close(self) -> None:
        """Let go what is kept open between questions."""


class DiscoveryMetrics(Protocol):
    """What is counted of a discovery; whoever uses its targets has it among its own metrics."""

    discovery_failures: Counter
    """Questions that failed."""

    crashes: Counter
    """Defects."""


async def refresh_once(
    discovery: Discovery,
    update: Callable[[Sequence[StaticTargets]], None],
    metrics: DiscoveryMetrics,
    last_error: str,
) -> str:
    """Ask once, and hand on what is new; return why it failed, empty where it did not.

    Args:
        discovery: whom to ask.
        update: is given all groups where they may be others than before.
        metrics: count failures.
        last_error: what failed before; a failure that repeats is logged once.
    """
    try:
        groups = await discovery.refresh()
    except SakshiError as error:
        metrics.discovery_failures.inc()
        if str(error) != last_error:
            log.warning("discovery failed source=%s error=%s", discovery.name, error)
        return str(error)
    if groups is not None:
        update(groups)
    return ""


async def refresh_forever(
    discovery: Discovery,
    update: Callable[[Sequence[StaticTargets]], None],
    metrics: DiscoveryMetrics,
    clock: Clock,
    error: str = "",
    *,
    is_first_due: bool = True,
) -> None:
    """Ask again and again, until cancelled; see `refresh_once`."""
    try:
        if not is_first_due:
            await clock.sleep(discovery.interval_seconds)
        while True:
            try:
                error = await refresh_once(discovery, update, metrics, error)
            except Exception:
                metrics.crashes.inc()
                log.exception("discovery crashed source=%s", discovery.name)
            await clock.sleep(discovery.interval_seconds)
    finally:
        discovery.close()
