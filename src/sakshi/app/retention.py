"""Forgets samples that are older than the retention, unless the clock cannot be believed.

A clock that jumps ahead by a month would make everything old at once. So after a jump nothing is
forgotten for an hour: by then somebody, or NTP, has set it right, or it is right.

Age is counted from the newest sample, as Prometheus counts it from its newest block, but never from
a moment that is still to come: what was imported, and is followed by nothing, stays.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from sakshi.ledger import LedgerError, SqliteLedger
from sakshi.model.clock import Clock
from sakshi.storage import Store

INTERVAL_SECONDS: Final = 60.0
JUMP_MS: Final = 300_000  # more than a machine sleeps between two looks at its clock, and NTP slews
DOUBT_SECONDS: Final = 3600.0
PRUNE_INTERVAL_SECONDS: Final = 600.0

logger = logging.getLogger(__name__)


def forget_before(now_ms: int, newest_ms: int, retention_ms: int) -> int:
    """Return the moment before which samples may go.

    Args:
        now_ms: by the clock.
        newest_ms: of the newest sample.
        retention_ms: how long samples are kept.

    Example:
        >>> forget_before(1000, 700, 100), forget_before(1000, 1300, 100)
        (600, 900)
    """
    return min(now_ms, newest_ms) - retention_ms


class Retention:
    """Tells how far back samples may be forgotten.

    Args:
        retention_ms: how long they are kept.
        clock: both of its hands are read: the hour, and the seconds that never jump.
        newest_ms: gives the moment of the newest sample; None where there is none.
    """

    def __init__(
        self, retention_ms: int, clock: Clock, newest_ms: Callable[[], int | None]
    ) -> None:
        self._retention_ms, self._clock, self._newest_ms = retention_ms, clock, newest_ms
        self._last = clock.now_ms(), clock.monotonic()
        self._trusted_from = clock.monotonic()

    def before_ms(self) -> int | None:
        """Return the moment before which samples may go.

        Returns:
            None while the clock is in doubt, and where there is no sample.
        """
        now_ms, monotonic = self._clock.now_ms(), self._clock.monotonic()
        last_ms, last_monotonic = self._last
        jump_ms = (now_ms - last_ms) - round((monotonic - last_monotonic) * 1000)
        self._last = now_ms, monotonic
        if abs(jump_ms) > JUMP_MS:
            self._trusted_from = monotonic + DOUBT_SECONDS
            logger.warning("clock jumped by_seconds=%d: nothing is forgotten", jump_ms // 1000)
        newest_ms = self._newest_ms()
        if newest_ms is None or monotonic < self._trusted_from:
            return None
        return forget_before(now_ms, newest_ms, self._retention_ms)


async def expire_forever(store: Store, retention_ms: int, clock: Clock) -> None:
    """Forget samples that are older than the retention, once a minute."""
    retention = Retention(retention_ms, clock, lambda: store.statistics().newest_ms)
    while True:
        await clock.sleep(INTERVAL_SECONDS)
        before_ms = retention.before_ms()
        if before_ms is not None:
            await asyncio.to_thread(store.expire, before_ms)


async def prune_forever(ledger: SqliteLedger, clock: Clock) -> None:
    """Forget old transitions, every ten minutes: where nobody is notified, nobody else does."""
    while True:
        await clock.sleep(PRUNE_INTERVAL_SECONDS)
        try:
            while await asyncio.to_thread(ledger.prune, clock.now_ms()):
                pass
        except LedgerError as error:
            logger.error("the ledger could not be pruned error=%s", error)
