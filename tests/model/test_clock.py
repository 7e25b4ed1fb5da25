"""The clock, and the one that tests move by hand."""

from __future__ import annotations

import asyncio

from sakshi.model.clock import SystemClock, format_timestamp


def test_the_system_clock_tells_milliseconds_since_the_epoch():
    """The wall clock is in this century; monotonic time does not step back."""
    clock = SystemClock()

    assert 1_700_000_000_000 < clock.now_ms() < 4_102_444_800_000
    assert clock.monotonic() <= clock.monotonic()


async def test_the_system_clock_waits():
    """Zero and negative waits return at once."""
    await SystemClock().sleep(-1)
    await SystemClock().sleep(0)


def test_a_moment_prints_in_utc():
    """Milliseconds are kept, and padded."""
    assert format_timestamp(1_700_000_000_007) == "2023-11-14T22:13:20.007Z"
    assert format_timestamp(0) == "1970-01-01T00:00:00.000Z"


async def test_a_fake_clock_wakes_sleepers_in_order(clock):
    """Whoever sleeps is woken at their own moment, earlier ones first."""
    woken = []

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    tasks = [asyncio.create_task(sleep(seconds)) for seconds in (3, 1, 2)]
    await clock.advance(2.5)

    assert woken == [(1, 1.0), (2, 2.0)]
    await clock.advance(1)
    assert woken[2:] == [(3, 3.0)]
    await asyncio.gather(*tasks)
