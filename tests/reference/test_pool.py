"""The connection pool."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from tests.descriptor import open_files

from sakshi.instrument import Metrics
from sakshi.reference.errors import PoolExhaustedError
from sakshi.reference.pool import ConnectionPool


def attempts(registry: CollectorRegistry, outcome: str) -> float | None:
    labels = {"outcome": outcome}
    return registry.get_sample_value("database_connection_attempts_total", labels)


def connections(registry: CollectorRegistry) -> tuple[float | None, float | None]:
    value = registry.get_sample_value
    return (
        value("database_connections", {"state": "active"}),
        value("database_connections", {"state": "idle"}),
    )


async def test_lent_connections_are_active_and_returned_ones_idle(
    pool: ConnectionPool, registry: CollectorRegistry
) -> None:
    """The gauge is what the pool holds at this moment."""
    before = connections(registry)
    async with pool.connection():
        async with pool.connection():
            both = connections(registry)
        one = connections(registry)
    after = connections(registry)

    assert (before, both, one, after) == ((0, 0), (2, 0), (1, 1), (0, 2))
    assert attempts(registry, "success") == 2


async def test_an_exhausted_pool_says_so_and_counts_it(
    pool: ConnectionPool, registry: CollectorRegistry
) -> None:
    """Who waits too long is refused; nothing is lost by it."""
    async with pool.connection(), pool.connection():
        with pytest.raises(PoolExhaustedError, match=r"no connection became free within 0\.05 s"):
            await pool.run(lambda connection: None)

    assert attempts(registry, "failure") == 1
    assert await pool.run(lambda connection: 7) == 7


async def test_a_database_that_cannot_be_opened_is_a_failed_attempt(
    tmp_path: Path, metrics: Metrics, registry: CollectorRegistry
) -> None:
    """SQLite's own error goes on, and the place in the pool is free again."""
    async with ConnectionPool(tmp_path / "no" / "such.db", metrics, connections_max=1) as pool:
        for _ in range(3):
            with pytest.raises(sqlite3.OperationalError):
                await pool.run(lambda connection: None)

    assert attempts(registry, "failure") == 3
    assert connections(registry) == (0, 0)


async def test_a_file_that_is_no_database_is_let_go(tmp_path: Path, metrics: Metrics) -> None:
    """A pool that cannot work holds nothing open, however often it is asked."""
    path = tmp_path / "chat.db"
    path.write_text("a letter, and not a short one" * 1000)

    async with ConnectionPool(path, metrics, connections_max=1) as pool:
        with pytest.raises(sqlite3.DatabaseError, match="file is not a database"):
            await pool.run(lambda connection: None)

        assert open_files(tmp_path) == []


async def test_work_is_done_whole_or_not_at_all(pool: ConnectionPool) -> None:
    """What raises leaves no row behind."""

    def fill(connection: sqlite3.Connection) -> None:
        connection.execute("create table thought (text)")
        connection.execute("insert into thought values ('half')")
        raise ValueError("lost the thread")

    with pytest.raises(ValueError, match="lost the thread"):
        await pool.run(fill, writes=True)

    tables = await pool.run(lambda c: c.execute("select * from sqlite_master").fetchall())
    assert tables == []


async def test_a_cancelled_caller_keeps_its_connection_until_the_thread_is_done(
    pool: ConnectionPool,
) -> None:
    """Two threads never share a connection."""
    entered, leave = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow(connection: sqlite3.Connection) -> None:
        loop.call_soon_threadsafe(entered.set)
        leave.wait(5)

    caller = asyncio.create_task(pool.run(slow))
    await entered.wait()
    caller.cancel()
    await asyncio.sleep(0)
    while_cancelling = pool.counts()
    leave.set()
    with pytest.raises(asyncio.CancelledError):
        await caller

    assert while_cancelling == (1, 0)
    assert pool.counts() == (0, 1)
