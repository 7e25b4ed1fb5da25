"""Makes the samples of a burst durable, then tells who waits for them.

    scrapes append ──▶ burst complete, or 0.1 s since the first sample ──▶ commit (a thread)
                                                                              │
                                       on_burst, once a burst ◀───────────────┘

One commit at a time; what arrives meanwhile goes into the next. Rules have a task of their own, so
that a slow evaluation never delays a commit.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from sakshi.model.clock import Clock
from sakshi.scrape.metrics import ScrapeMetrics
from sakshi.storage import Appender, StorageFullError

COMMIT_WAIT_SECONDS: Final = 0.1  # half of the 0.2 s promised; the rest is for the commit itself

log = logging.getLogger(__name__)

OnBurst = Callable[[int], Awaitable[None]]
"""Told, once a burst, the timestamp of the samples that have just become durable."""


@dataclass
class Burst:
    """Scrapes that began together.

    Args:
        timestamp_ms: of their samples.
        outstanding: scrapes that are expected soon and have not ended.
        is_announced: whether `on_burst` was told.
    """

    timestamp_ms: int
    outstanding: int = 0
    is_announced: bool = False


class Committer:
    """Commits what scrapes append, and announces it.

    Args:
        appender: whose `commit` is called, in a thread of its own.
        on_burst: awaited after a commit, one at a time, with the newest timestamp; may be None.
        clock: measures commits.
        metrics: counts.
    """

    def __init__(
        self, appender: Appender, on_burst: OnBurst | None, clock: Clock, metrics: ScrapeMetrics
    ) -> None:
        self._appender = appender
        self._on_burst = on_burst
        self._clock = clock
        self._metrics = metrics
        self._writer = ThreadPoolExecutor(1, "sakshi-commit")
        self._pending: list[Burst] = []
        self._is_due = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._announcement_ms = 0
        self._has_announcement = asyncio.Event()
        self._is_full = False

    def appended(self, burst: Burst) -> None:
        """Note that samples of a burst are in the storage, and see to their commit."""
        self._pending.append(burst)
        if burst.outstanding == 0:
            self._is_due.set()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(COMMIT_WAIT_SECONDS, self._is_due.set)

    async def run(self) -> None:
        """Commit whenever it is due, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._announce())
            while True:
                await self._is_due.wait()
                await self.commit()

    async def commit(self) -> None:
        """Commit what was appended until now; a full disk is logged once and tried again later."""
        bursts, self._pending = self._pending, []
        self._is_due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not bursts:
            return
        started = self._clock.monotonic()
        try:
            loop = asyncio.get_running_loop()
            await asyncio.shield(loop.run_in_executor(self._writer, self._appender.commit))
        except StorageFullError as error:
            self._note_full(error)
        except Exception:
            self._metrics.crashes.inc()
            log.exception("commit failed")
        else:
            self._is_full = False
        self._metrics.commit_seconds.observe(self._clock.monotonic() - started)
        self._note_announcement(bursts)

    async def close(self) -> None:
        """Commit what is left and end the thread."""
        await self.commit()
        self._writer.shutdown()

    def _note_full(self, error: StorageFullError) -> None:
        self._metrics.commit_failures.inc()
        if not self._is_full:
            log.error("samples are not durable, trying again with every burst error=%s", error)
        self._is_full = True

    def _note_announcement(self, bursts: list[Burst]) -> None:
        """Announce bursts that are new; samples are readable even where the disk refused them."""
        fresh = [burst for burst in bursts if not burst.is_announced]
        for burst in fresh:
            burst.is_announced = True
        if fresh:
            self._announcement_ms = max(burst.timestamp_ms for burst in fresh)
            self._has_announcement.set()

    async def _announce(self) -> None:
        while True:
            await self._has_announcement.wait()
            self._has_announcement.clear()
            if self._on_burst is not None:
                try:
                    await self._on_burst(self._announcement_ms)
                except Exception:
                    self._metrics.crashes.inc()
                    log.exception("on_burst failed timestamp_ms=%d", self._announcement_ms)
