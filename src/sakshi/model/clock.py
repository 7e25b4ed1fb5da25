"""The only source of time: everything that asks the hour takes a `Clock`."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits for it; a test passes one that it moves by hand."""

    def now_ms(self) -> int:
        """Return the wall clock in milliseconds since the epoch, UTC; it may step either way."""

    def monotonic(self) -> float:
        """Return seconds since an arbitrary moment; never steps back. For durations."""

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of `monotonic`; at once where they are zero or negative."""


class SystemClock:
    """The machine's clocks."""

    def now_ms(self) -> int:
        """Return the wall clock: milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Return the machine's monotonic clock in seconds."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds on the running event loop."""
        await asyncio.sleep(max(0.0, seconds))


def format_timestamp(timestamp_ms: int) -> str:
    """Return a moment as ISO 8601 in UTC with milliseconds.

    Example:
        >>> format_timestamp(1_700_000_000_123)
        '2023-11-14T22:13:20.123Z'
    """
    seconds, milliseconds = divmod(timestamp_ms, 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{milliseconds:03d}Z"
