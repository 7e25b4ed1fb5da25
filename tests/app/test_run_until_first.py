"""How a sakshi ends: by whoever comes first, and never in silence."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from sakshi.app.lifetime import run_until_first


async def test_an_end_cancels_the_tasks_and_waits_for_them():
    """What runs is told to stop, and has stopped when the call returns."""
    stopped = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            stopped.append(True)

    await run_until_first([asyncio.sleep(0)], [work(), work()])

    assert stopped == [True, True]


async def test_what_a_task_would_wait_for_is_let_go_first():
    """A query on a thread ends before those who wait for the thread are told to stop."""
    let_go = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            assert let_go.is_set()

    await run_until_first([asyncio.sleep(0)], [work()], before_cancelling=let_go.set)

    assert let_go.is_set()


async def test_a_task_that_fails_ends_the_others_and_is_heard():
    """A part that breaks does not leave the rest running as if nothing had happened."""
    stopped = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(True)

    async def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await run_until_first([asyncio.Event().wait()], [work(), fail()])

    assert stopped == [True]


async def test_a_task_that_ends_well_ends_nothing():
    """Some tasks have an end of their own: announcing that all is ready, for one."""
    stop = asyncio.Event()
    tasks: list[Coroutine[Any, Any, Any]] = [asyncio.sleep(0), asyncio.Event().wait()]
    running = asyncio.ensure_future(run_until_first([stop.wait()], tasks))

    await asyncio.wait([running], timeout=0.05)
    assert not running.done()

    stop.set()
    await running
