"""A pool of SQLite connections, used from coroutines.

A statement may wait for the disk, so it runs on a thread; a connection is lent to one statement's
function at a time. How many are lent (active) and how many rest (idle) is what the metrics show.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from sakshi.instrument import Metrics
from sakshi.reference.errors import PoolExhaustedError

Result = TypeVar("Result")

CONNECTIONS_MAX = 8
ACQUIRE_SECONDS_MAX = 2.0
BUSY_SECONDS_MAX = 5.0  # another connection's write lock; writes here take a millisecond


class ConnectionPool:
    """Lends connections to one database file; opens them when they are first needed.

    Args:
        path: the database file; it is created where it is missing.
        metrics: where attempts are counted and connections shown.
        connections_max: how many there are at most.
        acquire_seconds_max: how long an attempt waits for a free one.
    """

    def __init__(
        self,
        path: Path,
        metrics: Metrics,
        *,
        connections_max: int = CONNECTIONS_MAX,
        acquire_seconds_max: float = ACQUIRE_SECONDS_MAX,
    ) -> None:
        self.path = path
        self._metrics = metrics
        self._acquire_seconds_max = acquire_seconds_max
        self._free = asyncio.Semaphore(connections_max)
        self._idle: list[sqlite3.Connection] = []
        self._active = 0
        self._threads = ThreadPoolExecutor(connections_max, thread_name_prefix="database")
        metrics.register_database_pool(self.counts)

    async def run(
        self, work: Callable[[sqlite3.Connection], Result], *, writes: bool = False
    ) -> Result:
        """Return what `work` makes of a connection, in one transaction: all of it or nothing.

        Work that writes says so, and holds the file's write lock from its beginning.

        Raises:
            PoolExhaustedError: no connection became free in time.
            sqlite3.Error: the file cannot be opened, or the work failed.
        """
        async with self.connection() as connection:
            return await self._on_thread(lambda: _in_transaction(connection, work, writes))

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[sqlite3.Connection]:
        """Lend a connection for the body; see `run` for the errors."""
        with self._metrics.database_attempt():
            connection = await self._acquire()
        try:
            yield connection
        finally:
            self._active -= 1
            self._idle.append(connection)
            self._free.release()

    def counts(self) -> tuple[int, int]:
        """Return how many connections are (active, idle)."""
        return self._active, len(self._idle)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        error: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the idle connections; none is lent any more when the service stops."""
        self._threads.shutdown(wait=True)
        while self._idle:
            self._idle.pop().close()

    async def _acquire(self) -> sqlite3.Connection:
        try:
            async with asyncio.timeout(self._acquire_seconds_max):
                await self._free.acquire()
        except TimeoutError:
            raise PoolExhaustedError(
                f"no connection became free within {self._acquire_seconds_max} s"
            ) from None
        try:
            connection = self._idle.pop() if self._idle else self._open()
        except BaseException:
            self._free.release()
            raise
        self._active += 1
        return connection

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS_MAX, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")  # a chat may lose its last second
            connection.execute("pragma foreign_keys = on")
        except BaseException:
            connection.close()
            raise
        return connection

    async def _on_thread(self, work: Callable[[], Result]) -> Result:
        """Run on a thread to its end, even where the caller is cancelled.

        A lent connection must not go back while a thread still uses it.
        """
        running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait({running})
            raise


def _in_transaction(
    connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], Result], writes: bool
) -> Result:
    connection.execute("begin immediate" if writes else "begin")
    try:
        result = work(connection)
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")
    return result
