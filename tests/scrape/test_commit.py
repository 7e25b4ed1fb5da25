from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry
from tests.scrape.conftest import (
    START_MS,
    Harness,
    RecordingAppender,
    RecordingTarget,
    StartService,
    config_of,
    hang,
    running,
    up,
)

from sakshi.model.labels import Labels
from sakshi.scrape import ScrapeManager
from sakshi.storage.store import Columns, Values

if TYPE_CHECKING:
    from tests.conftest import FakeClock


async def test_commit_goes_on_while_the_disk_is_full(
    appender: RecordingAppender,
    clock: FakeClock,
    registry: CollectorRegistry,
    start_service: StartService,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A full disk is logged once; scraping and rules go on, and every burst tries again."""
    appender.is_full = True
    harness = Harness([config_of(await start_service(b"turns 1\n"))], appender, clock, registry)

    with caplog.at_level(logging.ERROR, "sakshi.scrape"):
        async with running(harness.manager):
            await harness.burst()
            for _ in range(3):
                await clock.advance(1)
                await harness.burst()
            appender.is_full = False
            await clock.advance(1)
            await harness.burst()

    assert appender.commits == 5
    assert registry.get_sample_value("sakshi_scrape_commit_failures_total") == 4
    assert [record.getMessage() for record in caplog.records] == [
        "samples are not durable, trying again with every burst error=no space left on device"
    ]


async def test_commit_survives_its_listener(
    appender: RecordingAppender,
    clock: FakeClock,
    registry: CollectorRegistry,
    start_service: StartService,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A listener that raises is logged, and told of the next burst."""
    service, calls = await start_service(b"turns 1\n"), asyncio.Queue[int]()

    async def explode(timestamp_ms: int) -> None:
        calls.put_nowait(timestamp_ms)
        raise RuntimeError("rules are broken")

    manager = ScrapeManager([config_of(service)], appender, clock, registry, explode)

    async with running(manager):
        await calls.get()
        await clock.advance(1)
        assert await calls.get() == START_MS + 1000

    assert registry.get_sample_value("sakshi_scrape_crashes_total") == 2
    assert "rules are broken" in caplog.text


async def test_commit_survives_a_broken_store(
    clock: FakeClock,
    registry: CollectorRegistry,
    start_service: StartService,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A store that fails in ways of its own is logged and counted; scraping goes on."""
    service = await start_service(b"turns 1\n")

    class Broken(RecordingAppender):
        def commit(self) -> None:
            raise RuntimeError("commit is broken")

    class BrokenTarget(RecordingTarget):
        def append(self, timestamp_ms: int, columns: Columns, values: Values) -> None:
            raise RuntimeError("append is broken")

    appender = Broken()
    other = Labels({"job": "chat", "instance": "target-1"})
    appender.targets[other] = BrokenTarget(asyncio.Event())
    harness = Harness([config_of(service, service)], appender, clock, registry)

    async with running(harness.manager):
        await harness.burst()
        await clock.advance(1)
        await harness.burst()

    assert up(appender, 0) == [(0, 1.0), (1000, 1.0)]
    assert caplog.text.count("RuntimeError: commit is broken") == 2
    assert caplog.text.count("RuntimeError: append is broken") == 2
    assert registry.get_sample_value("sakshi_scrape_crashes_total") == 4


async def test_commit_does_not_wait_for_a_slow_listener(
    clock: FakeClock, registry: CollectorRegistry, start_service: StartService
) -> None:
    """Bursts are committed while rules run; the listener is told of the newest afterwards."""
    service, calls, go_on = await start_service(b"a 1\n"), asyncio.Queue[int](), asyncio.Event()
    committed = asyncio.Event()

    async def dawdle(timestamp_ms: int) -> None:
        calls.put_nowait(timestamp_ms - START_MS)
        await go_on.wait()

    class Watched(RecordingAppender):
        def commit(self) -> None:
            super().commit()
            event_loop.call_soon_threadsafe(committed.set)

    event_loop, watched = asyncio.get_running_loop(), Watched()
    manager = ScrapeManager([config_of(service)], watched, clock, registry, dawdle)

    async with running(manager):
        assert await calls.get() == 0
        for count in range(2, 5):
            committed.clear()
            await clock.advance(1)
            await committed.wait()
            assert watched.commits == count
        go_on.set()
        told = [await calls.get()]
        while told[-1] != 3000:
            told.append(await calls.get())

    assert 1000 not in told


async def test_commit_commits_in_a_thread_and_at_the_end(
    clock: FakeClock, registry: CollectorRegistry, start_service: StartService
) -> None:
    """The event loop never waits for the disk; what is appended at the end is committed too."""
    threads: list[str] = []
    good, hung = await start_service(b"turns 1\n"), await start_service(hang)

    class Watched(RecordingAppender):
        def commit(self) -> None:
            super().commit()
            threads.append(threading.current_thread().name)

    appender = Watched()
    harness = Harness([config_of(good, hung)], appender, clock, registry)
    async with running(harness.manager):
        await appender.until(lambda: up(appender))

    assert appender.appended_at_commit == [1]
    assert [name.rpartition("_")[0] for name in threads] == ["sakshi-commit"]
    assert not [thread for thread in threading.enumerate() if "sakshi-commit" in thread.name]


async def test_commit_needs_no_listener(
    clock: FakeClock, registry: CollectorRegistry, start_service: StartService
) -> None:
    """Without a listener samples are committed all the same."""
    event_loop, committed = asyncio.get_running_loop(), asyncio.Queue[int]()

    class Watched(RecordingAppender):
        def commit(self) -> None:
            super().commit()
            event_loop.call_soon_threadsafe(committed.put_nowait, self.commits)

    configs = [config_of(await start_service(b"turns 1\n"))]
    manager = ScrapeManager(configs, Watched(), clock, registry)

    async with running(manager):
        assert await committed.get() == 1
        await clock.advance(1)
        assert await committed.get() == 2
