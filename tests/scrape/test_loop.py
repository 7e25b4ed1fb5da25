from __future__ import annotations

import gzip
import logging
from collections.abc import Callable, Iterator

import pytest
from prometheus_client import CollectorRegistry
from tests.scrape.conftest import (
    Answer,
    FakeService,
    RecordingAppender,
    StartService,
    drip,
    exposing,
    hang,
    reset,
    response,
    sending,
)

from sakshi.model.clock import Clock
from sakshi.scrape import ScrapeConfig, StaticTargets, TargetHealth
from sakshi.scrape.fetch import Fetcher
from sakshi.scrape.ingest import Ingester
from sakshi.scrape.loop import THREAD_BYTES_MIN, ScrapeLoop
from sakshi.scrape.metrics import ScrapeMetrics
from sakshi.scrape.resolve import resolve_targets

TEXT = b"turns 1\n"

MakeLoop = Callable[..., ScrapeLoop]


@pytest.fixture
def make_loop(
    appender: RecordingAppender, metrics: ScrapeMetrics, clock: Clock
) -> Iterator[MakeLoop]:
    loops = []

    def make(service: FakeService, sample_limit: int = 0) -> ScrapeLoop:
        static = [StaticTargets([service.address], {"instance": "a"})]
        config = ScrapeConfig(
            *("chat", 10_000, 1_000),
            static_targets=static,
            body_bytes_max=200_000,
            sample_limit=sample_limit,
        )
        [target] = resolve_targets(config)
        fetcher = Fetcher(target.url, config.timeout_ms, config.body_bytes_max)
        ingester = Ingester(target.labels, config, appender.target(target.labels), metrics)
        loops.append(ScrapeLoop(target, config, fetcher, ingester, clock, metrics))
        return loops[-1]

    yield make
    for loop in loops:
        loop.close()


def samples(appender: RecordingAppender, name: str) -> list[tuple[int, float | str]]:
    return appender.samples(f'{name}{{instance="a", job="chat"}}')


async def test_loop_scrapes_and_tells(
    appender: RecordingAppender, start_service: StartService, make_loop: MakeLoop
) -> None:
    """A good scrape is samples in the storage and a target that is up."""
    loop = make_loop(await start_service(TEXT))
    assert loop.status.health is TargetHealth.UNKNOWN

    await loop.scrape(1000)

    assert samples(appender, "turns") == [(1000, 1.0)]
    assert samples(appender, "up") == [(1000, 1.0)]
    status = loop.status
    assert (status.health, status.last_error) == (TargetHealth.UP, "")
    assert (status.last_scrape_ms, status.last_samples) == (1000, 1)
    assert (status.job_name, status.interval_ms, status.timeout_ms) == ("chat", 10_000, 1_000)


HTML = b"<!DOCTYPE html>\n<html></html>\n"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(reset, "connection reset before a response", id="reset"),
        pytest.param(drip, "timed out after 1 s", id="drip"),
        pytest.param(hang, "timed out after 1 s", id="hang"),
        pytest.param(
            sending(response(TEXT, "Content-Length: 4"), then_close=True),
            "body is longer than its Content-Length",
            id="a Content-Length that is too small",
        ),
        pytest.param(
            sending(response(TEXT, "Content-Length: 400"), then_close=True),
            "connection closed in the middle of the response",
            id="a Content-Length that is too large",
        ),
        pytest.param(
            sending(response(HTML, "Content-Type: text/html; charset=utf-8")),
            'Content-Type "text/html; charset=utf-8" is no known exposition',
            id="HTML",
        ),
        pytest.param(
            exposing(HTML),
            '1:1: expected a metric name, found "<!DOCTYPE html>"',
            id="HTML in disguise",
        ),
        pytest.param(
            sending(response(gzip.compress(TEXT)[:-3], "Content-Encoding: gzip")),
            "gzip data is cut short",
            id="truncated gzip",
        ),
        pytest.param(
            sending(response(gzip.compress(bytes(200_001)), "Content-Encoding: gzip")),
            "body size limit exceeded (limit: 200000 bytes)",
            id="a gzip bomb",
        ),
        pytest.param(
            sending(b"", then_close=True), "connection closed before a response", id="0 bytes"
        ),
        pytest.param(
            sending(b"\x00\xff" * 99, then_close=True), "response is not HTTP/1.1", id="garbage"
        ),
        pytest.param(
            sending(response(b"oops", status="500 Internal Server Error")),
            "HTTP status 500 Internal Server Error",
            id="500",
        ),
        pytest.param(
            exposing(b"turns 1\nturns{ 2\n"),
            '2:8: expected a label name or "}", found "2"',
            id="half an exposition",
        ),
    ],
)
async def test_loop_survives_a_hostile_target(
    answer: Answer,
    error: str,
    appender: RecordingAppender,
    start_service: StartService,
    make_loop: MakeLoop,
) -> None:
    """A scrape that fails is up 0, one stale marker a series, and a sentence; the next is good."""
    service = await start_service(TEXT)
    loop = make_loop(service)
    await loop.scrape(1000)
    good, service.answer = service.answer, answer

    await loop.scrape(2000)
    status = loop.status
    await loop.scrape(3000)
    service.answer = good
    await loop.scrape(4000)

    assert (status.health, status.last_error, status.last_samples) == (TargetHealth.DOWN, error, 0)
    assert samples(appender, "turns") == [(1000, 1.0), (2000, "stale"), (4000, 1.0)]
    assert samples(appender, "up") == [(1000, 1.0), (2000, 0.0), (3000, 0.0), (4000, 1.0)]
    assert loop.status.health is TargetHealth.UP


async def test_loop_survives_a_restart_of_the_target(
    appender: RecordingAppender, start_service: StartService, make_loop: MakeLoop
) -> None:
    """A target that goes away and comes back on the same port is down in between."""
    service = await start_service(TEXT)
    loop = make_loop(service)
    await loop.scrape(1000)

    await service.stop()
    await loop.scrape(2000)
    assert loop.status.last_error == "connection refused"
    await service.start()
    await loop.scrape(3000)

    assert samples(appender, "up") == [(1000, 1.0), (2000, 0.0), (3000, 1.0)]


async def test_loop_reports_what_the_limit_refused(
    appender: RecordingAppender, start_service: StartService, make_loop: MakeLoop
) -> None:
    """Above the sample_limit the scrape fails, and says how many samples there were."""
    loop = make_loop(await start_service(b"a 1\nb 1\nc 1\n"), sample_limit=2)

    await loop.scrape(1000)

    assert loop.status.last_error == "sample limit exceeded (number of samples: 3, limit: 2)"
    assert samples(appender, "up") == [(1000, 0.0)]
    assert samples(appender, "scrape_samples_scraped") == [(1000, 3.0)]


async def test_loop_reads_a_large_body_aside(
    appender: RecordingAppender, start_service: StartService, make_loop: MakeLoop
) -> None:
    """A body whose full parse would stall the event loop is parsed in a thread, with one result."""
    body = b"".join(b"turns_%d 1\n" % index for index in range(THREAD_BYTES_MIN // 10))
    assert len(body) > THREAD_BYTES_MIN
    loop = make_loop(await start_service(body))

    await loop.scrape(1000)
    await loop.scrape(2000)

    assert samples(appender, "turns_9999") == [(1000, 1.0), (2000, 1.0)]


async def test_loop_counts(
    registry: CollectorRegistry, start_service: StartService, make_loop: MakeLoop
) -> None:
    """Scrapes, samples, failures and full parses are measured by job."""
    service = await start_service(b"a 1\nb 1\n")
    loop = make_loop(service)
    await loop.scrape(1000)
    await loop.scrape(2000)
    service.answer = exposing(b"a\n")
    await loop.scrape(3000)

    job = {"job": "chat"}
    assert registry.get_sample_value("sakshi_scrape_duration_seconds_count", job) == 3
    assert registry.get_sample_value("sakshi_scrape_samples_total", job) == 4
    assert registry.get_sample_value("sakshi_scrape_failures_total", job) == 1
    assert registry.get_sample_value("sakshi_scrape_layouts_learned_total", job) == 1


async def test_loop_logs_changes_only(
    start_service: StartService, make_loop: MakeLoop, caplog: pytest.LogCaptureFixture
) -> None:
    """A target that stays down is logged when it goes and when it comes back."""
    caplog.set_level(logging.INFO, "sakshi.scrape")
    service = await start_service(exposing(b"?"))
    loop = make_loop(service)
    for timestamp_ms in range(1000, 5000, 1000):
        await loop.scrape(timestamp_ms)
    service.answer = exposing(TEXT)
    for timestamp_ms in range(5000, 8000, 1000):
        await loop.scrape(timestamp_ms)

    assert [record.getMessage() for record in caplog.records] == [
        f'target is down url={service.url} error=1:1: expected a metric name, found "?"',
        f"target is up url={service.url}",
    ]
