"""Where queries run: on as many threads as there are cores; a bounded number waits."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Final, TypeVar

from sakshi.web.errors import ApiError, ErrorKind

T = TypeVar("T")

WAITING_MAX: Final = 100  # more would wait longer than anybody looks at a spinner


class QueryPool:
    """Runs blocking queries off the event loop; belongs to one loop.

    The threads are the loop's own default executor's, which the loop joins when it ends.

    Args:
        workers: how many run at once; None: the number of cores.
        waiting_max: how many may wait for a thread; what comes beyond is refused at once.
    """

    def __init__(self, workers: int | None = None, waiting_max: int = WAITING_MAX) -> None:
        self._free = asyncio.Semaphore(workers or os.cpu_count() or 1)
        self._waiting_max = waiting_max
        self.waiting = 0
        """How many queries wait for a thread."""

    async def run(self, work: Callable[[float], T], timeout_seconds: float) -> T:
        """Return what `work` returns, called on a thread with the seconds that remain.

        The time spent waiting counts. A caller that is cancelled leaves its thread busy, and its
        place taken, until the work ends.

        Raises:
            ApiError: too many wait already, or the deadline passed while waiting.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        await self._take_place(timeout_seconds)
        running = loop.run_in_executor(None, work, max(0.0, deadline - loop.time()))
        running.add_done_callback(lambda _: self._free.release())
        return await asyncio.shield(running)

    async def _take_place(self, timeout_seconds: float) -> None:
        if self._free.locked() and self.waiting >= self._waiting_max:
            raise ApiError(
                ErrorKind.UNAVAILABLE, f"{self.waiting} queries are waiting already; try again"
            )
        self.waiting += 1
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise ApiError(ErrorKind.TIMEOUT, "query timed out in query queue") from None
        finally:
            self.waiting -= 1
