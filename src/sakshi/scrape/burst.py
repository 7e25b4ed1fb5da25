"""All targets of one interval, scraped together, tick after tick.

A cold wake-up costs 2 to 5 times what the same work costs in a row, so targets are not spread over
their interval: they are scraped in one burst. What keeps a burst from harm:

- At most 64 scrapes are busy at a time. One that has waited 50 ms for its target is not busy: it
  lends its place to the next, so a hundred dead targets delay nobody.
- A target that is still being scraped when its tick comes is scraped again, once, when it ends.
- Ticks are counted by the monotonic clock from the start; the wall clock only stamps samples. A
  tick that is late by more than an interval is left out, not made up for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from sakshi.model.clock import Clock
from sakshi.scrape.commit import Burst, Committer
from sakshi.scrape.loop import ScrapeLoop
from sakshi.scrape.metrics import ScrapeMetrics

BUSY_SCRAPES_MAX: Final = 64
BUSY_SECONDS_MAX: Final = 0.05  # ten times what a local target takes
FAST_SECONDS_MAX: Final = (
    0.1  # a target that took longer is not waited for; see COMMIT_WAIT_SECONDS
)
SAME_TIME_MS: Final = 10  # scrapes that begin so close together share a timestamp

log = logging.getLogger(__name__)


class BurstSchedule:
    """Scrapes the targets of one interval.

    Args:
        interval_ms: from tick to tick.
        loops: one a target; others may join and leave at any time.
        clock: its monotonic clock ticks, its wall clock stamps.
        committer: told of every scrape that ended.
        metrics: counts.
    """

    def __init__(
        self,
        interval_ms: int,
        loops: Sequence[ScrapeLoop],
        clock: Clock,
        committer: Committer,
        metrics: ScrapeMetrics,
    ) -> None:
        self._interval_seconds = interval_ms / 1000
        self._loops = list(loops)
        self._clock = clock
        self._committer = committer
        self._metrics = metrics
        self._places = asyncio.Semaphore(BUSY_SCRAPES_MAX)
        self._scraping: set[ScrapeLoop] = set()
        self._overdue: set[ScrapeLoop] = set()

    def add(self, loop: ScrapeLoop) -> None:
        """Have a loop scrape from the next tick on."""
        self._loops.append(loop)

    def remove(self, loop: ScrapeLoop) -> None:
        """Have a loop scrape no more; it may be at it."""
        self._loops.remove(loop)
        self._overdue.discard(loop)

    async def run(self) -> None:
        """Tick until cancelled."""
        async with asyncio.TaskGroup() as group:
            due = self._clock.monotonic()
            while True:
                missed = int((self._clock.monotonic() - due) // self._interval_seconds)
                if missed > 0:
                    self._metrics.ticks_missed.inc(missed)
                    due += missed * self._interval_seconds
                await self._tick(group)
                due += self._interval_seconds
                await self._clock.sleep(due - self._clock.monotonic())

    async def _tick(self, group: asyncio.TaskGroup) -> None:
        """Start a scrape of every target that is not being scraped."""
        late = self._scraping & self._overdue
        self._metrics.ticks_missed.inc(len(late))
        self._overdue |= self._scraping
        loops = [loop for loop in self._loops if loop not in self._scraping]
        burst = Burst(self._clock.now_ms(), sum(map(_is_fast, loops)))
        self._scraping.update(loops)
        for loop in loops:
            await self._places.acquire()
            group.create_task(self._scrape(loop, burst))

    async def _scrape(self, loop: ScrapeLoop, burst: Burst) -> None:
        place = _Place(self._places)
        lending = asyncio.get_running_loop().call_later(BUSY_SECONDS_MAX, place.release)
        try:
            await self._scrape_once(loop, burst)
        finally:
            lending.cancel()
            place.release()
        while loop in self._overdue:
            self._overdue.remove(loop)
            await self._scrape_once(loop, Burst(self._clock.now_ms()))
        self._scraping.remove(loop)

    async def _scrape_once(self, loop: ScrapeLoop, burst: Burst) -> None:
        is_expected = burst.outstanding > 0 and _is_fast(loop)
        now_ms = self._clock.now_ms()
        is_same_time = abs(now_ms - burst.timestamp_ms) <= SAME_TIME_MS
        try:
            await loop.scrape(burst.timestamp_ms if is_same_time else now_ms)
        except Exception:
            self._metrics.crashes.inc()
            log.exception("scrape crashed url=%s", loop.target.url)
        if is_expected:
            burst.outstanding -= 1
        self._committer.appended(burst)


class _Place:
    """One of the places of busy scrapes, given back once."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places: asyncio.Semaphore | None = places

    def release(self) -> None:
        if self._places is not None:
            self._places.release()
            self._places = None


def _is_fast(loop: ScrapeLoop) -> bool:
    """Tell whether a target's scrape is expected to end before the burst is committed."""
    return loop.last_duration_seconds <= FAST_SECONDS_MAX
