"""How long things run that run side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any


async def run_until_first(
    ends: Sequence[Coroutine[Any, Any, Any]],
    tasks: Sequence[Coroutine[Any, Any, None]],
    *,
    before_cancelling: Callable[[], None] = lambda: None,
) -> None:
    """Run tasks side by side until one of the ends comes, then cancel them and wait for them.

    Args:
        ends: whichever comes first.
        tasks: what runs until then.
        before_cancelling: called once it is time to end: lets go what a task would wait for.

    Raises:
        Exception: what a task failed with; the others were cancelled.
    """
    endings = [asyncio.ensure_future(end) for end in ends]
    running = [asyncio.ensure_future(task) for task in tasks]
    failure = asyncio.ensure_future(asyncio.wait(running, return_when=asyncio.FIRST_EXCEPTION))
    everything = [*endings, failure, *running]
    try:
        await asyncio.wait([*endings, failure], return_when=asyncio.FIRST_COMPLETED)
    finally:
        before_cancelling()
        for task in everything:
            task.cancel()
        outcomes = await asyncio.gather(*everything, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
