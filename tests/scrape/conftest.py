from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from sakshi.model.labels import Labels
from sakshi.scrape import ScrapeConfig, ScrapeManager, StaticTargets
from sakshi.scrape.metrics import ScrapeMetrics
from sakshi.storage import Appender, DuplicateSampleError, OutOfOrderSampleError, StorageFullError
from sakshi.storage.store import Columns, Values

if TYPE_CHECKING:
    from tests.conftest import FakeClock

STALE_BITS = 0x7FF0000000000002
START_MS = 1_700_000_000_000  # of a new FakeClock


class RecordingTarget:
    """Keeps every sample of a target, and holds its caller to the protocol."""

    def __init__(self, changed: asyncio.Event) -> None:
        self.series: dict[Labels, int] = {}
        self.samples: list[dict[int, int]] = []
        self.attempts = self.appends = 0
        self._changed = changed

    def columns(self, series: Sequence[Labels]) -> Columns:
        assert len(set(series)) == len(series), "no two alike"
        for labels in series:
            assert labels.name, f"{labels} has no name"
            if labels not in self.series:
                self.series[labels] = len(self.series)
                self.samples.append({})
        return np.array([self.series[labels] for labels in series], dtype=np.intp)

    def append(self, timestamp_ms: int, columns: Columns, values: Values) -> None:
        self.attempts += 1
        assert columns.shape == values.shape
        assert columns.dtype == np.intp
        assert values.dtype == np.float64
        assert len(set(columns.tolist())) == columns.size, "no column twice"
        row = list(zip(columns.tolist(), values.view(np.uint64).tolist(), strict=True))
        for column, bits in row:
            newest = max(self.samples[column], default=0)
            if timestamp_ms < newest:
                raise OutOfOrderSampleError(f"column {column}: {timestamp_ms} < {newest}")
            if self.samples[column].get(timestamp_ms, bits) != bits:
                raise DuplicateSampleError(f"column {column} at {timestamp_ms}")
        for column, bits in row:
            self.samples[column][timestamp_ms] = bits
        self.appends += 1
        self._changed.set()


class RecordingAppender:
    """An appender that keeps everything in dictionaries and counts commits."""

    def __init__(self) -> None:
        self.targets: dict[Labels, RecordingTarget] = {}
        self.commits = 0
        self.is_full = False
        self.appended_at_commit: list[int] = []
        self._changed = asyncio.Event()

    def target(self, labels: Labels) -> RecordingTarget:
        return self.targets.setdefault(labels, RecordingTarget(self._changed))

    def commit(self) -> None:
        self.commits += 1
        self.appended_at_commit.append(sum(target.appends for target in self.targets.values()))
        if self.is_full:
            raise StorageFullError("no space left on device")

    def samples(self, selector: str) -> list[tuple[int, float | str]]:
        """The samples of the series that prints so, in time order; stale markers as "stale"."""
        for target in self.targets.values():
            for labels, samples in zip(target.series, target.samples, strict=True):
                if str(labels) == selector:
                    return [(at, value_of(bits)) for at, bits in sorted(samples.items())]
        return []

    async def until(self, condition: Callable[[], object]) -> None:
        """Return once a condition holds, looking at every append."""
        async with asyncio.timeout(10):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


def value_of(bits: int) -> float | str:
    return "stale" if bits == STALE_BITS else float(np.uint64(bits).view(np.float64))


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Answers one request whose header has been read."""


class FakeService:
    """A real server on an ephemeral port whose answer a test scripts."""

    def __init__(self) -> None:
        self.answer: Answer = exposing(b"")
        self.requests: list[str] = []
        self.connections = 0
        self.host = "127.0.0.1"
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}/metrics"

    async def start(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.host = host
        self._server = await asyncio.start_server(self._serve, host, self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while not writer.is_closing():
                self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
                await self.answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()


def response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A whole HTTP response; a Content-Length of our own only where none is given."""
    names = {header.partition(":")[0].lower() for header in headers}
    if not names & {"content-length", "transfer-encoding"}:
        headers += (f"Content-Length: {len(body)}",)
    if "content-type" not in names:
        headers += ("Content-Type: text/plain; version=0.0.4",)
    return "\r\n".join((f"HTTP/1.1 {status}", *headers, "", "")).encode() + body


def sending(data: bytes, *, then_close: bool = False) -> Answer:
    """An answer that sends these very bytes."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if then_close:
            writer.close()
            await writer.wait_closed()

    return answer


def exposing(body: bytes) -> Answer:
    """An answer that exposes a body as it should be done."""
    return sending(response(body))


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # on, 0 s: close by a reset
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a header, then a byte whenever the last one has left: alive, and never done."""
    writer.write(response(b"", "Content-Length: 90000"))
    for _ in range(90_000):
        writer.write(b"#")
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.fixture
async def start_service() -> AsyncIterator[Callable[..., Awaitable[FakeService]]]:
    services = []

    async def start(
        answer: Answer | bytes = b"", host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
    ) -> FakeService:
        service = FakeService()
        service.answer = exposing(answer) if isinstance(answer, bytes) else answer
        await service.start(host, tls)
        services.append(service)
        return service

    yield start
    for service in services:
        await service.stop()


StartService = Callable[..., Awaitable[FakeService]]


@pytest.fixture
def appender() -> RecordingAppender:
    return RecordingAppender()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> ScrapeMetrics:
    return ScrapeMetrics(registry)


def config_of(*services: FakeService, timeout_ms: int = 900) -> ScrapeConfig:
    static = [
        StaticTargets([service.address], {"instance": f"target-{index}"})
        for index, service in enumerate(services)
    ]
    return ScrapeConfig("chat", 1000, timeout_ms, static_targets=static)


class Harness:
    """A running manager, and the bursts that it announced."""

    def __init__(
        self,
        configs: Sequence[ScrapeConfig],
        appender: Appender,
        clock: FakeClock,
        registry: CollectorRegistry,
    ) -> None:
        self.announced: asyncio.Queue[int] = asyncio.Queue()
        self.manager = ScrapeManager(configs, appender, clock, registry, self._on_burst)

    async def _on_burst(self, timestamp_ms: int) -> None:
        self.announced.put_nowait(timestamp_ms)

    async def burst(self) -> int:
        """The next announced burst's time after the start."""
        async with asyncio.timeout(10):
            return await self.announced.get() - START_MS


@contextlib.asynccontextmanager
async def running(manager: ScrapeManager) -> AsyncIterator[None]:
    task = asyncio.create_task(manager.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def up(appender: RecordingAppender, index: int = 0) -> list[tuple[int, float | str]]:
    samples = appender.samples(f'up{{instance="target-{index}", job="chat"}}')
    return [(timestamp_ms - START_MS, value) for timestamp_ms, value in samples]
