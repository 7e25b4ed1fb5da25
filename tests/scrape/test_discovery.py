from __future__ import annotations

import asyncio
import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry
from tests.scrape.conftest import (
    START_MS,
    FakeService,
    Harness,
    RecordingAppender,
    StartService,
    config_of,
    exposing,
    hang,
    response,
    running,
    sending,
)

from sakshi.config.discovery import load_yaml
from sakshi.scrape import (
    FileDiscoveryConfig,
    HttpDiscoveryConfig,
    RelabelAction,
    RelabelRule,
    ScrapeConfig,
    StaticTargets,
)
from sakshi.scrape.file_discovery import FileDiscovery
from sakshi.scrape.target_group import DiscoveryError, read_groups

if TYPE_CHECKING:
    from tests.conftest import FakeClock

Write = Callable[[Path, object], None]


@pytest.fixture
def write() -> Write:
    """Writes a file as JSON, each time with another time of change."""
    moments = iter(range(1, 1000))

    def write(path: Path, document: object) -> None:
        text = document if isinstance(document, str) else json.dumps(document)
        path.write_text(text)
        moment = next(moments)
        os.utime(path, (moment, moment))

    return write


def group(*addresses: str, **labels: str) -> dict[str, Any]:
    return {"targets": list(addresses), "labels": labels}


def files(*patterns: Path) -> FileDiscoveryConfig:
    return FileDiscoveryConfig(patterns, 300_000, load_yaml)


async def until(condition: Callable[[], object]) -> None:
    """Return once a condition holds; threads and sockets decide when."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0)


async def until_scraped(harness: Harness, service: FakeService, count: int) -> None:
    while len(service.requests) < count:
        await harness.burst()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "expected a list of groups, found a mapping"),
        ("x", 'expected a list of groups, found "x"'),
        ([None], "[0]: expected a mapping, found nothing"),
        (
            [{"targets": []}, {"target": []}],
            '[1]: expected the keys targets and labels, found "target"',
        ),
        ([{"targets": "a:1"}], '[0].targets: expected a list of addresses, found "a:1"'),
        ([{"targets": [1]}], "[0].targets[0]: expected an address, found 1"),
        ([{"labels": []}], "[0].labels: expected a mapping, found a list"),
        ([{"labels": {"a": 1}}], "[0].labels.a: expected a text, found 1"),
        ([{"labels": {"__name__": "a"}}], '[0].labels: expected a label name, found "__name__"'),
        ([{"targets": ["a"] * 100_001}], "expected at most 100000 addresses, found 100001"),
    ],
)
def test_what_is_no_group_is_refused(document: object, message: str) -> None:
    """The place, what was expected, what was found."""
    with pytest.raises(DiscoveryError) as caught:
        read_groups(document, {})

    assert str(caught.value) == message


def test_groups_have_their_origin() -> None:
    """A group may lack addresses or labels; an empty document has no group."""
    assert read_groups(None, {}) == []
    assert read_groups([{}, group("a:1", zone="x")], {"__meta_url": "u"}) == [
        StaticTargets([], {"__meta_url": "u"}),
        StaticTargets(["a:1"], {"zone": "x", "__meta_url": "u"}),
    ]


async def test_files_are_read_when_they_change(tmp_path: Path, write: Write) -> None:
    """JSON and YAML, by pattern and by name; nothing new is nothing to say."""
    write(tmp_path / "a.json", [group("a:1")])
    write(tmp_path / "b.yml", "- targets: ['b:1']\n  labels: {zone: 1}\n")
    discovery = FileDiscovery(files(tmp_path / "*.json", tmp_path / "b.yml", tmp_path / "c.yml"))

    first, second = await discovery.refresh(), await discovery.refresh()
    write(tmp_path / "c.yml", "")
    write(tmp_path / "a.json", [group("a:2")])
    third = await discovery.refresh()
    (tmp_path / "b.yml").unlink()
    fourth = await discovery.refresh()

    a, b = str(tmp_path / "a.json"), str(tmp_path / "b.yml")
    by_b = StaticTargets(["b:1"], {"zone": "1", "__meta_filepath": b})
    assert first == [StaticTargets(["a:1"], {"__meta_filepath": a}), by_b]
    assert second is None
    assert third == [StaticTargets(["a:2"], {"__meta_filepath": a}), by_b]
    assert fourth == [StaticTargets(["a:2"], {"__meta_filepath": a})]


async def test_a_wrong_file_keeps_its_targets(tmp_path: Path, write: Write) -> None:
    """What it said last stays, until it is right or gone."""
    path = tmp_path / "a.json"
    write(path, [group("a:1")])
    discovery = FileDiscovery(files(path))
    await discovery.refresh()

    write(path, "[{")
    with pytest.raises(DiscoveryError, match=r"a\.json: unexpected end of data"):
        await discovery.refresh()
    write(path, [group("a:1")])

    [kept] = await discovery.refresh() or []
    assert kept.addresses == ["a:1"]


async def test_targets_of_files_come_and_go(
    tmp_path: Path,
    write: Write,
    appender: RecordingAppender,
    clock: FakeClock,
    registry: CollectorRegistry,
    start_service: StartService,
) -> None:
    """A target that leaves is scraped no more, and its series end, those of the report too."""
    stays, leaves = await start_service(b"turns 1\n"), await start_service(b"turns 2\n")
    path = tmp_path / "targets.json"
    write(path, [group(stays.address, instance="stays"), group(leaves.address, instance="leaves")])
    config = ScrapeConfig("chat", 1000, 900, file_discoveries=[files(path)])
    harness = Harness([config], appender, clock, registry)

    async with running(harness.manager):
        await until_scraped(harness, leaves, 1)
        assert len(harness.manager.targets()) == 2
        write(path, [group(stays.address, instance="stays")])
        await clock.advance(2)
        await until(lambda: len(harness.manager.targets()) == 1)
        counts = []
        for _ in range(3):  # a scrape that was on its way arrives within the first burst
            staying_count = len(stays.requests)
            await clock.advance(1)
            await until(lambda: len(stays.requests) > staying_count)  # noqa: B023  # used at once
            counts.append(len(leaves.requests))

    assert counts[1:] == [counts[0]] * 2
    assert len(leaves.requests) == counts[0]
    for name in ("turns", "up", "scrape_samples_scraped"):
        samples = appender.samples(f'{name}{{instance="leaves", job="chat"}}')
        assert samples[-1][1] == "stale"
        assert [value for _, value in samples].count("stale") == 1
    staying = appender.samples('turns{instance="stays", job="chat"}')
    assert "stale" not in [value for _, value in staying]
    assert registry.get_sample_value("sakshi_scrape_targets", {"job": "chat"}) == 1


async def test_a_target_that_moved_goes_on(
    tmp_path: Path,
    write: Write,
    appender: RecordingAppender,
    clock: FakeClock,
    registry: CollectorRegistry,
    start_service: StartService,
) -> None:
    """The same labels at another address: no stale marker, one series."""
    old, new = await start_service(b"turns 1\n"), await start_service(b"turns 2\n")
    path = tmp_path / "targets.json"
    write(path, [group(old.address, instance="a")])
    config = ScrapeConfig("chat", 1000, 900, file_discoveries=[files(path)])
    harness = Harness([config], appender, clock, registry)
    series = 'turns{instance="a", job="chat"}'

    async with running(harness.manager):
        await until_scraped(harness, old, 1)
        write(path, [group(new.address, instance="a")])
        await clock.advance(2)
        await until(lambda: new.url == harness.manager.targets()[0].url)
        await clock.advance(1)
        await until(lambda: 2.0 in [v for _, v in appender.samples(series)])

    values = [value for _, value in appender.samples(series)]
    assert "stale" not in values
    assert set(values) <= {1.0, 2.0}


async def test_a_target_that_leaves_while_it_is_scraped_appends_nothing(
    tmp_path: Path,
    write: Write,
    appender: RecordingAppender,
    clock: FakeClock,
    registry: CollectorRegistry,
    start_service: StartService,
) -> None:
    """Its series have ended; a late answer is nobody's."""
    service = await start_service(hang)
    path = tmp_path / "targets.json"
    write(path, [group(service.address)])
    config = ScrapeConfig("chat", 60_000, 60_000, file_discoveries=[files(path)])
    harness = Harness([config], appender, clock, registry)

    async with running(harness.manager):
        await until(lambda: service.requests)
        write(path, [])
        await clock.advance(2)
        await until(lambda: not harness.manager.targets())

    assert sum(target.appends for target in appender.targets.values()) == 0


async def test_targets_of_a_server_come_and_go(
    appender: RecordingAppender,
    clock: FakeClock,
    registry: CollectorRegistry,
    start_service: StartService,
) -> None:
    """A server is asked again and again; where it fails, its targets stay."""
    service, server = await start_service(b"turns 1\n"), await start_service()

    def answer(document: object) -> bytes:
        return response(json.dumps(document).encode(), "Content-Type: application/json")

    server.answer = sending(answer([group(service.address, instance="a")]))
    discovery = HttpDiscoveryConfig(f"http://{server.address}/targets?q=1", 30_000)
    config = ScrapeConfig("chat", 1000, 900, http_discoveries=[discovery])
    harness = Harness([config], appender, clock, registry)

    def failures() -> float:
        return registry.get_sample_value("sakshi_scrape_discovery_failures_total") or 0

    async with running(harness.manager):
        await until_scraped(harness, service, 1)
        [status] = harness.manager.targets()
        assert status.discovered_labels["__meta_url"] == discovery.url
        server.answer = sending(response(b"", status="500 Oh"))
        await clock.advance(30)
        await until(lambda: failures() == 1)
        server.answer = sending(response(b"[]"))  # not JSON by its type
        await clock.advance(30)
        await until(lambda: failures() == 2)
        assert len(harness.manager.targets()) == 1
        server.answer = sending(answer([]))
        await clock.advance(30)
        await until(lambda: not harness.manager.targets())

    assert "Accept: application/json\r\n" in server.requests[0]
    assert "X-Prometheus-Refresh-Interval-Seconds: 30\r\n" in server.requests[0]
    assert appender.samples('up{instance="a", job="chat"}')[-1][1] == "stale"


async def test_a_hung_server_delays_no_other_job(
    appender: RecordingAppender,
    clock: FakeClock,
    registry: CollectorRegistry,
    start_service: StartService,
) -> None:
    """The other jobs are scraped while it is waited for."""
    service, server = await start_service(b"turns 1\n"), await start_service(hang)
    hung = HttpDiscoveryConfig(server.url, 30_000)
    configs = [
        ScrapeConfig("hung", 1000, 900, http_discoveries=[hung]),
        config_of(service),
    ]
    harness = Harness(configs, appender, clock, registry)

    async with running(harness.manager):
        assert await harness.burst() == 0

    assert len(service.requests) == 1


async def test_dropped_targets_are_kept_for_people(
    appender: RecordingAppender, clock: FakeClock, registry: CollectorRegistry
) -> None:
    """As many as the job keeps, with their labels before relabelling; all are counted."""
    rule = RelabelRule(RelabelAction.DROP, ["__address__"], regex="drop.*")
    static = [StaticTargets(["drop-1:1", "drop-2:1", "keep:1"], {"zone": "a"})]
    config = ScrapeConfig("chat", 1000, 900, static_targets=static, relabel_rules=[rule])
    few = dataclasses.replace(config, job_name="few", dropped_targets_max=1)
    manager = Harness([config, few], appender, clock, registry).manager

    dropped = [(t.job_name, t.discovered_labels["__address__"]) for t in manager.dropped_targets()]

    assert dropped == [("chat", "drop-1:1"), ("chat", "drop-2:1"), ("few", "drop-1:1")]
    assert manager.dropped_target_counts() == {"chat": 2, "few": 2}
    assert [status.url for status in manager.targets()] == ["http://keep:1/metrics"] * 2


async def test_more_targets_than_the_limit_are_not_scraped(
    appender: RecordingAppender,
    clock: FakeClock,
    registry: CollectorRegistry,
    start_service: StartService,
) -> None:
    """Every scrape of the job fails, with words, and nobody is asked."""
    services = [await start_service(b"turns 1\n") for _ in range(2)]
    config = dataclasses.replace(config_of(*services), target_limit=1)
    harness = Harness([config], appender, clock, registry)

    async with running(harness.manager):
        await harness.burst()

    assert [status.last_error for status in harness.manager.targets()] == [
        "target_limit exceeded (number of targets: 2, limit: 1)"
    ] * 2
    assert [service.requests for service in services] == [[], []]
    assert appender.samples('up{instance="target-0", job="chat"}') == [(START_MS, 0.0)]


async def test_metadata_is_kept_by_target(
    appender: RecordingAppender,
    clock: FakeClock,
    registry: CollectorRegistry,
    start_service: StartService,
) -> None:
    """Type, help and unit, as the target said them last; a long help is cut."""
    service = await start_service()
    body = (
        b"# HELP a_seconds "
        + b"x" * 2000
        + b"\n# TYPE a_seconds gauge\n# UNIT a_seconds seconds\n# EOF\n"
    )
    service.answer = sending(response(body, "Content-Type: application/openmetrics-text"))
    harness = Harness([config_of(service)], appender, clock, registry)

    async with running(harness.manager):
        await harness.burst()
        service.answer = exposing(b"broken")
        await clock.advance(1)
        await harness.burst()

    [metadata] = harness.manager.metadata()
    [family] = metadata.families
    assert (metadata.job_name, metadata.labels["instance"]) == ("chat", "target-0")
    assert (family.name, str(family.type), family.unit) == ("a_seconds", "gauge", "seconds")
    assert family.help == "x" * 1000 + "..."
