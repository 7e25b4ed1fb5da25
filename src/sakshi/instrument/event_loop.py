"""How late the event loop is: a timer that asks to be woken and looks how long that took.

A gauge that is reset when read would lie to the second of two scrapers. So the watch keeps the
longest lag of the running window and of the one before, and shows the longer of both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from prometheus_client import Gauge

from sakshi.instrument.shield import Shield

if TYPE_CHECKING:
    import asyncio

INTERVAL_SECONDS = 0.25  # four wake-ups a second: a stall of 1 s cannot hide, and cost is nil
WINDOW_SECONDS = 10.0


class EventLoopWatch:
    """Measures the running loop from its creation until `stop`; needs no task.

    Where no asyncio loop runs (trio, a plain thread) it measures nothing and raises nothing.
    """

    def __init__(self, gauge: Gauge, shield: Shield, timer: Callable[[], float]) -> None:
        self._gauge, self._shield, self._timer = gauge, shield, timer
        self._handle: asyncio.TimerHandle | None = None
        self._longest = self._longest_before = 0.0
        try:
            import asyncio  # here, because it doubles the SDK's import time

            self._loop = asyncio.get_running_loop()
            self._window_end = timer() + WINDOW_SECONDS
            self._wait()
        except Exception:
            shield.failed("event_loop")

    def stop(self) -> None:
        """Stop measuring; again is harmless."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def record(self, lag_seconds: float, now: float) -> None:
        """Take one measurement made at `now`, in the timer's seconds."""
        if now >= self._window_end:
            self._longest_before, self._longest = self._longest, 0.0
            self._window_end = now + WINDOW_SECONDS
        self._longest = max(self._longest, lag_seconds)
        self._gauge.set(max(self._longest, self._longest_before))

    def _wait(self) -> None:
        due = self._timer() + INTERVAL_SECONDS
        self._handle = self._loop.call_later(INTERVAL_SECONDS, self._woken, due)

    def _woken(self, due: float) -> None:
        try:
            now = self._timer()
            self.record(max(0.0, now - due), now)
            self._wait()
        except Exception:
            self._shield.failed("event_loop")
