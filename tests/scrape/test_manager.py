from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from tests.scrape.conftest import (
    START_MS,
    Harness,
    RecordingAppender,
    StartService,
    config_of,
    exposing,
    hang,
    running,
    up,
)

from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.scrape import ScrapeConfig, StaticTargets, TargetHealth
from sakshi.storage.memory import MemoryStore

if TYPE_CHECKING:
    from tests.conftest import FakeClock


async def test_manager_scrapes_every_interval(
    appender: RecordingAppender,
    clock: FakeClock,
    registry: CollectorRegistry,
    start_service: StartService,
) -> None:
    """All targets of an interval are scraped together, at once and then tick by tick."""
    services = [await start_service(b"turns 1\n") for _ in range(3)]
    harness = Harness([config_of(*services)], appender, clock, registry)

    async with running(harness.manager):
        bursts = [await harness.burst()]
        for _ in range(2):
            await clock.advance(1)
            bursts.append(await harness.burst())

    assert bursts == [0, 1000, 2000]
    for index in range(3):
        assert up(appender, index) == [(0, 1.0), (1000, 1.0), (2000, 1.0)]
    assert [status.health for status in harness.manager.targets()] == [TargetHealth.UP] * 3
    assert registry.get_sample_value("sakshi_scrape_targets", {"job": "chat"}) == 3


async def test_manager_commits_a_burst_once(
    appender: RecordingAppender,
    clock: FakeClock,
    registry: CollectorRegistry,
    start_service: StartService,
) -> None:
    """The samples of a burst are one commit, made when the last is in, before it is announced."""
    services = [await start_service(b"turns 1\n") for _ in range(10)]
    harness = Harness([config_of(*services)], appender, clock, registry)

    async with running(harness.manager):
        await harness.burst()
        assert appender.appended_at_commit == [10]
        await clock.advance(1)
        await harness.burst()
        assert appender.appended_at_commit == [10, 20]


async def test_manager_keeps_the_intervals_of_jobs_apart(
    appender: RecordingAppender,
    clock: FakeClock,
    registry: CollectorRegistry,
    start_service: StartService,
) -> None:
    """A job with a longer interval ticks on its own."""
    fast, slow = await start_service(b"turns 1\n"), await start_service(b"turns 1\n")
    configs = [
        config_of(fast),
        ScrapeConfig("other", 2000, 900, static_targets=[StaticTargets([slow.address])]),
    ]
    harness = Harness(configs, appender, clock, registry)

    async with running(harness.manager):
        while not (fast.requests and slow.requests):
            await harness.burst()
        for count in range(2, 6):
            await clock.advance(1)
            while len(fast.requests) < count or len(slow.requests) < (count + 1) // 2:
                await harness.burst()

    assert (len(fast.requests), len(slow.requests)) == (5, 3)


async def test_manager_does_not_wait_for_a_hung_target(
    appender: RecordingAppender,
    clock: FakeClock,
    registry: CollectorRegistry,
    start_service: StartService,
) -> None:
    """The others are committed while one hangs; its failure lands when it comes."""
    good, hung = await start_service(b"turns 1\n"), await start_service(hang)
    harness = Harness([config_of(good, hung, timeout_ms=300)], appender, clock, registry)

    async with running(harness.manager):
        assert await harness.burst() == 0
        assert up(appender, 0) == [(0, 1.0)]
        assert up(appender, 1) == []
        await appender.until(lambda: up(appender, 1))
        await clock.advance(1)
        assert await harness.burst() == 1000

    assert up(appender, 0) == [(0, 1.0), (1000, 1.0)]
    assert up(appender, 1) == [(0, 0.0)]
    assert harness.manager.targets()[1].last_error == "timed out after 0.3 s"
    assert appender.appended_at_commit[-1] == 3


async def test_manager_scrapes_past_many_hung_targets(
    appender: RecordingAppender,
    clock: FakeClock,
    registry: CollectorRegistry,
    start_service: StartService,
) -> None:
    """More hung targets than there are places delay a good one by a moment, not by a timeout."""
    hung, good = await start_service(hang), await start_service(b"turns 1\n")
    static = [
        *(StaticTargets([hung.address], {"instance": f"hung-{index}"}) for index in range(100)),
        StaticTargets([good.address], {"instance": "target-0"}),
    ]
    config = ScrapeConfig("chat", 60_000, 60_000, static_targets=static)
    harness = Harness([config], appender, clock, registry)

    async with running(harness.manager):
        assert await harness.burst() == 0

    assert up(appender) == [(0, 1.0)]


async def test_manager_scrapes_a_late_target_again_at_once(
    appender: RecordingAppender,
    clock: FakeClock,
    registry: CollectorRegistry,
    start_service: StartService,
) -> None:
    """A target that is still busy at its tick is scraped again, once, when it is done."""
    service = await start_service()
    asked, release = asyncio.Event(), asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await release.wait()
        await exposing(b"turns 1\n")(reader, writer)

    service.answer = wait
    harness = Harness([config_of(service, timeout_ms=9000)], appender, clock, registry)

    async with running(harness.manager):
        await asked.wait()
        await clock.advance(3.5)
        release.set()
        assert [await harness.burst(), await harness.burst()] == [0, 3500]

    assert up(appender) == [(0, 1.0), (3500, 1.0)]
    assert registry.get_sample_value("sakshi_scrape_ticks_missed_total") == 2


async def test_manager_leaves_out_missed_ticks(
    appender: RecordingAppender,
    clock: FakeClock,
    registry: CollectorRegistry,
    start_service: StartService,
) -> None:
    """A process that slept goes on at its next tick; nothing is made up for."""
    service = await start_service(b"turns 1\n")
    harness = Harness([config_of(service)], appender, clock, registry)

    async with running(harness.manager):
        await harness.burst()
        clock.move(5500)
        await clock.advance(0)
        assert await harness.burst() == 5500
        await clock.advance(0.5)
        assert await harness.burst() == 6000

    assert up(appender) == [(0, 1.0), (5500, 1.0), (6000, 1.0)]
    assert registry.get_sample_value("sakshi_scrape_ticks_missed_total") == 4


async def test_manager_keeps_scraping_when_the_wall_clock_steps(
    appender: RecordingAppender,
    clock: FakeClock,
    registry: CollectorRegistry,
    start_service: StartService,
) -> None:
    """A step back costs samples until time has caught up, never a scrape."""
    service = await start_service(b"turns 1\n")
    harness = Harness([config_of(service)], appender, clock, registry)

    async with running(harness.manager):
        await harness.burst()
        clock.start_ms -= 3_600_000
        for count in range(2, 5):
            await clock.advance(1)
            await harness.burst()
            assert len(service.requests) == count
        clock.start_ms += 3_600_000
        await clock.advance(1)
        await harness.burst()

    assert up(appender) == [(0, 1.0), (4000, 1.0)]
    assert harness.manager.targets()[0].health is TargetHealth.UP


async def test_manager_without_targets_waits(
    appender: RecordingAppender, clock: FakeClock, registry: CollectorRegistry
) -> None:
    """A configuration without jobs runs until it is stopped."""
    harness = Harness([], appender, clock, registry)

    async with running(harness.manager):
        await clock.advance(60)

    assert harness.manager.targets() == []
    assert appender.commits == 0


async def test_manager_fills_a_real_store(
    clock: FakeClock, registry: CollectorRegistry, start_service: StartService
) -> None:
    """What targets expose, selected from sakshi's own store, is what they exposed."""
    service, store = await start_service(b'turns{channel="http"} 1\n'), MemoryStore()
    harness = Harness([config_of(service)], store, clock, registry)

    async with running(harness.manager):
        await harness.burst()
        service.answer = exposing(b'turns{channel="http"} 2\nactive 7\n')
        await clock.advance(1)
        await harness.burst()
        service.answer = exposing(b"active NaN\n")
        await clock.advance(1)
        await harness.burst()

    matcher = Matcher("__name__", MatchOperator.EQUAL, "turns")
    [columns] = store.select([matcher], START_MS, START_MS + 10_000)
    assert list(columns.series) == [
        Labels({"__name__": "turns", "channel": "http", "instance": "target-0", "job": "chat"})
    ]
    assert (columns.timestamps - START_MS).tolist() == [0, 1000, 2000]
    assert columns.values[:2, 0].tolist() == [1.0, 2.0]
    assert store.statistics().series == 7
