from __future__ import annotations

import asyncio
import threading

import pytest

from sakshi.web import ApiError, ErrorKind, QueryPool


class Holder:
    """Work that runs until it is told to end."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.started = asyncio.Event()
        self.end = threading.Event()

    def __call__(self, timeout_seconds: float) -> float:
        self.loop.call_soon_threadsafe(self.started.set)
        assert self.end.wait(10)
        return timeout_seconds


async def test_work_gets_the_seconds_that_remain() -> None:
    """What was not spent waiting is the work's own deadline."""
    pool = QueryPool(workers=1)

    remaining = await pool.run(lambda seconds: seconds, 60)

    assert 59 < remaining <= 60


async def test_no_more_run_than_there_are_workers_and_no_more_wait_than_may() -> None:
    """One runs, one waits, the third is refused at once; afterwards there is room again."""
    pool = QueryPool(workers=1, waiting_max=1)
    first, second = Holder(), Holder()

    running = asyncio.create_task(pool.run(first, 60))
    await first.started.wait()
    waiting = asyncio.create_task(pool.run(second, 60))
    await asyncio.sleep(0)
    with pytest.raises(ApiError) as caught:
        await pool.run(lambda seconds: seconds, 60)

    assert caught.value.kind is ErrorKind.UNAVAILABLE
    assert str(caught.value) == "1 queries are waiting already; try again"
    assert not second.started.is_set()
    first.end.set()
    second.end.set()
    await asyncio.gather(running, waiting)
    assert await pool.run(lambda _: "free again", 60) == "free again"


async def test_deadline_passes_while_waiting() -> None:
    """A query that never gets a thread is told so when its time is over."""
    pool = QueryPool(workers=1)
    holder = Holder()
    running = asyncio.create_task(pool.run(holder, 60))
    await holder.started.wait()

    with pytest.raises(ApiError) as caught:
        await pool.run(lambda seconds: seconds, 0.01)

    assert caught.value.kind is ErrorKind.TIMEOUT
    assert str(caught.value) == "query timed out in query queue"
    holder.end.set()
    await running


async def test_cancelled_caller_keeps_its_place_taken_until_the_thread_is_free() -> None:
    """No more threads run than there are workers, even where clients come and go."""
    pool = QueryPool(workers=1)
    holder = Holder()
    running = asyncio.create_task(pool.run(holder, 60))
    await holder.started.wait()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(ApiError, match="query timed out in query queue"):
        await pool.run(lambda seconds: seconds, 0.01)
    holder.end.set()

    assert await pool.run(lambda _: "free again", 60) == "free again"


async def test_error_of_the_work_is_the_callers() -> None:
    """What the work raises comes out, and its place is free again."""
    pool = QueryPool(workers=1)

    def fail(_: float) -> None:
        raise ApiError(ErrorKind.BAD_DATA, "wrong")

    for _ in range(2):
        with pytest.raises(ApiError, match="wrong"):
            await pool.run(fail, 60)
