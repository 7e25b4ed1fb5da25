"""A target that misbehaves in a new way at each scrape, over real sockets, beside a dictionary.

    reset   drip   wrong length   HTML   truncated gzip   nothing   bad UTF-8   500   redirects
    a second answer in the same packet   a syntax error in the last line   no HTTP   a good answer

After each scrape that fails there is `up 0`, and one stale marker for each series that the one
before it had; after each that succeeds `up 1`, its samples, and one stale marker for each series
that is gone. Nothing else. The negative control writes no stale markers.
"""

from __future__ import annotations

import asyncio
import gzip
import random
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import numpy as np
from prometheus_client import CollectorRegistry

from sakshi.model.clock import SystemClock
from sakshi.scrape import ScrapeConfig, StaticTargets
from sakshi.scrape.fetch import Fetcher
from sakshi.scrape.ingest import Ingester
from sakshi.scrape.loop import ScrapeLoop
from sakshi.scrape.metrics import ScrapeMetrics
from sakshi.scrape.resolve import resolve_targets
from sakshi.storage import STALE_MARKER, MemoryStore, is_absent
from torture.progress import Progress

START_MS: Final = 1_700_000_000_000
TIMEOUT_MS: Final = 200
SERIES: Final = 12
GOOD_RATIO: Final = 0.5
SCRAPES_OF_A_STORE: Final = 100
TEXT: Final = b"Content-Type: text/plain; version=0.0.4\r\n"
STALE_BITS: Final = int(np.float64(STALE_MARKER).view(np.uint64))

Samples = dict[str, dict[int, int]]
"""Value bits by metric name and time."""

Act = Callable[[asyncio.StreamWriter, bytes], Awaitable[None]]
"""Answers a request; the body is what a good answer would have."""


def _head(size: int, headers: bytes = TEXT, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n" % (status, size, headers)


async def _good(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(_head(len(body)) + body)


async def _reset(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(_head(len(body)) + body[: len(body) // 2])
    await writer.drain()
    peer: socket.socket = writer.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _drip(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(_head(len(body) + 1000))
    for byte in body:
        if writer.is_closing():
            return
        writer.write(bytes([byte]))
        await asyncio.sleep(TIMEOUT_MS / 5000)


async def _short(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(_head(len(body) + 7) + body)
    writer.close()


async def _long(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(_head(len(body) // 2) + body)


async def _html(writer: asyncio.StreamWriter, body: bytes) -> None:
    page = b"<html><body>" + body + b"</body></html>"
    writer.write(_head(len(page), b"Content-Type: text/html\r\n") + page)


async def _disguised_html(writer: asyncio.StreamWriter, _body: bytes) -> None:
    writer.write(_head(22) + b"<html><p>hello</html>\n")


async def _cut_gzip(writer: asyncio.StreamWriter, body: bytes) -> None:
    packed = gzip.compress(body)[:-5]
    writer.write(_head(len(packed), TEXT + b"Content-Encoding: gzip\r\n") + packed)


async def _nothing(writer: asyncio.StreamWriter, _body: bytes) -> None:
    writer.close()


async def _bad_text(writer: asyncio.StreamWriter, body: bytes) -> None:
    body += b'x{a="\xff"} 1\n'
    writer.write(_head(len(body)) + body)


async def _half_line(writer: asyncio.StreamWriter, body: bytes) -> None:
    body += b'x{a="b'
    writer.write(_head(len(body)) + body)


async def _error(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(_head(len(body), status=b"500 Internal Server Error") + body)


async def _redirect(writer: asyncio.StreamWriter, _body: bytes) -> None:
    writer.write(_head(0, b"Location: /metrics\r\n", b"302 Found"))


async def _twice(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write((_head(len(body)) + body) * 2)


async def _no_http(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(body or b"hello\n")
    writer.close()


HOSTILE: Final[tuple[Act, ...]] = (
    _reset, _drip, _short, _long, _html, _disguised_html, _cut_gzip, _nothing, _bad_text,
    _half_line, _error, _redirect, _twice, _no_http,
)  # fmt: skip


class ForgetfulIngester(Ingester):
    """Owes nobody a stale marker."""

    def fail(
        self, timestamp_ms: int, duration_seconds: float, scraped: int = 0, remaining: int = 0
    ) -> None:
        """Append `up 0` and no more."""
        self._live_columns = self._live_columns[:0]
        super().fail(timestamp_ms, duration_seconds, scraped, remaining)


class HostileTorture:
    """Scrapes of one target after the other.

    Args:
        folder: is not used.
        chance: decides how the target behaves.
        is_forgetful: run the negative control.
    """

    def __init__(self, folder: Path, chance: random.Random, *, is_forgetful: bool = False) -> None:
        self._chance = chance
        self._make = ForgetfulIngester if is_forgetful else Ingester
        self._act: Act = _good
        self._body = b""

    def run(self, progress: Progress, rounds: int, tell: Callable[[], None]) -> None:
        """Count until so many scrapes were made; `tell` is called after each store."""
        while progress.rounds < rounds:
            began = time.perf_counter()
            count = min(SCRAPES_OF_A_STORE, rounds - progress.rounds)
            asyncio.run(self._scrape_many(progress, count))
            progress.rounds += count
            progress.seconds += time.perf_counter() - began
            tell()

    async def _scrape_many(self, progress: Progress, count: int) -> None:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        store, expected, live = MemoryStore(), Samples(), set[str]()
        loop = self._loop(f"{host}:{port}", store)
        for number in range(count):
            is_good = self._chance.random() < GOOD_RATIO
            self._act = _good if is_good else self._chance.choice(HOSTILE)
            names = {f"x{n}" for n in range(SERIES) if self._chance.random() < 0.7}
            self._body = b"".join(b"%b %d\n" % (name.encode(), number) for name in sorted(names))
            at_ms = START_MS + number * 1000
            await loop.scrape(at_ms)
            now = names if is_good else set()
            row = dict.fromkeys(now, float(number)) | {"up": float(is_good)}
            for name, value in row.items():
                expected.setdefault(name, {})[at_ms] = int(np.float64(value).view(np.uint64))
            for name in live - now:
                expected[name][at_ms] = STALE_BITS
            live = now
        loop.close()
        server.close()
        _judge(progress, store, expected)

    def _loop(self, address: str, store: MemoryStore) -> ScrapeLoop:
        config = ScrapeConfig(
            "hostile", 1000, TIMEOUT_MS, static_targets=[StaticTargets([address], {})]
        )
        [target] = resolve_targets(config)
        metrics = ScrapeMetrics(CollectorRegistry())
        ingester = self._make(target.labels, config, store.target(target.labels), metrics)
        fetcher = Fetcher(target.url, config.timeout_ms, config.body_bytes_max)
        return ScrapeLoop(target, config, fetcher, ingester, SystemClock(), metrics)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                await reader.readuntil(b"\r\n\r\n")
                await self._act(writer, self._body)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the caller left, or all is over
        finally:
            writer.close()


def _judge(progress: Progress, store: MemoryStore, expected: Samples) -> None:
    found = Samples()
    for columns in store.select([], 0, 1 << 60):
        bits = columns.values.view(np.uint64)
        for column, labels in enumerate(columns.series):
            there = np.flatnonzero(~is_absent(columns.values[:, column])).tolist()
            found[labels.name] = {
                int(columns.timestamps[row]): int(bits[row, column]) for row in there
            }
    for name in {name for name in found if name == "up" or name[0] == "x"} | expected.keys():
        ours, theirs = found.get(name, {}), expected.get(name, {})
        progress.samples += len(theirs)
        progress.lost += len(theirs.keys() - ours.keys())
        progress.wrong += sum(theirs.get(at_ms) != bits for at_ms, bits in ours.items())
