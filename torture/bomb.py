"""Bodies that are small until they are decoded, at the three doors by which bodies come in.

    a target's answer      -> the scrape fails
    /api/v1/write          -> 413 (400 where what is claimed cannot be, 415 for another encoding)
    /api/v1/otlp/v1/metrics -> the same

Compressed zeros, lengths that are claimed and lengths that are not, gzip in gzip, members without
end, messages of nothing but empty fields, lists of empty lists. After each, the most memory that
the process ever had is compared with what it had before. The negative control has no bound on a
scrape's body: its configuration allows a gigabyte.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import random
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cramjam

from torture.progress import Progress
from torture.push import HEADERS, message, varint
from torture.serving import Serving, serving

MEMORY_BYTES_MAX: Final = 64 << 20  # for one bomb, whatever it wants
REFUSALS: Final = frozenset({400, 413, 415})
BODY_BYTES: Final = 4 << 20  # of a scrape, as configured
SAMPLES: Final = 10_000
SIZES: Final = range(80, 200)  # of what is decoded, in MiB
PATIENCE_SECONDS: Final = 60.0
OTLP: Final = "/api/v1/otlp/v1/metrics"
CONFIGURATION: Final = """
global:
  scrape_interval: 1s
  body_size_limit: {body_bytes}B
  sample_limit: {samples}
scrape_configs: [{{job_name: bomb, static_configs: [{{targets: ["{address}"]}}]}}]
"""


@dataclass(frozen=True)
class Bomb:
    """What is sent.

    Args:
        name: of its kind.
        path: where; empty: a target answers so.
        body: as it goes over the wire; of a target, with the head of the answer.
        headers: of the request.
        is_endless: whether a target repeats the last part of the body for ever.
    """

    name: str
    path: str
    body: bytes
    headers: dict[str, str]
    is_endless: bool = False


def bombs(chance: random.Random, sizes: range) -> Iterator[Bomb]:
    """Yield bombs of all kinds in turn, for ever."""
    while True:
        size = chance.choice(sizes) << 20
        yield from _write_bombs(chance, size)
        yield from _otlp_bombs(chance, size)
        yield from _scrape_bombs(chance, size)


def _write_bombs(chance: random.Random, size: int) -> Iterator[Bomb]:
    zeros = bytes(cramjam.snappy.compress_raw(bytes(size)))
    empty = (b"\x0a\x00", b"\x1a\x00", message(1, message(1, b"") * 4), message(1, b"\x12\x00"))
    bodies = {
        "zeros": zeros[: 12 << 20],
        "claimed": varint(chance.randrange(1 << 26, 1 << 34)) + zeros[4:4096],
        "claimed less": varint((32 << 20) - chance.randrange(1000)) + b"\x00a",
        "empty series": _snappy(chance.choice(empty) * ((31 << 20) // 16)),
        "empty samples": _snappy(message(1, b"\x12\x00" * ((30 << 20) // 2))),
        "long": bytes((16 << 20) + 1),
    }
    for name, body in bodies.items():
        yield Bomb(f"write: {name}", "/api/v1/write", body, HEADERS)
    zstd = HEADERS | {"Content-Encoding": "zstd"}
    body = bytes(cramjam.zstd.compress(bytes(size)))
    yield Bomb("write: zstd", "/api/v1/write", body, zstd)


def _otlp_bombs(chance: random.Random, size: int) -> Iterator[Bomb]:
    packed = {"Content-Encoding": "gzip", "Content-Type": "application/x-protobuf"}
    as_json = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    lists = b'{"resourceMetrics":[' + b"{}," * ((31 << 20) // 3) + b"{}]}"
    yield Bomb("otlp: zeros", OTLP, _gzip(bytes(size)), packed)
    yield Bomb("otlp: gzip in gzip", OTLP, _gzip(_gzip(bytes(size))), packed)
    yield Bomb("otlp: JSON", OTLP, _gzip(b" " * size), as_json)
    yield Bomb("otlp: empty resources", OTLP, _gzip(b"\x0a\x00" * (15 << 20)), packed)
    yield Bomb("otlp: empty objects", OTLP, _gzip(lists), as_json)
    yield Bomb("otlp: deep", OTLP, _gzip(b"[" * chance.randrange(10_000, 900_000)), as_json)
    yield Bomb("otlp: long", OTLP, bytes((16 << 20) + 1), packed)
    yield Bomb("otlp: zstd", OTLP, bytes(64), packed | {"Content-Encoding": "zstd"})


def _scrape_bombs(chance: random.Random, size: int) -> Iterator[Bomb]:
    packed = b"Content-Encoding: gzip\r\n"
    lines = b"".join(b"m%d 1\n" % number for number in range(BODY_BYTES // 9))[:BODY_BYTES]
    line = b"# " + b"x" * 65_534
    member = _gzip(b"# comment\n" * chance.randrange(1000, 100_000))
    bodies = {
        "zeros": _answer(_gzip(bytes(size)), packed),
        "gzip in gzip": _answer(_gzip(_gzip(bytes(size))), packed),
        "members": _answer(member * 200, packed),
        "cut": _answer(_gzip(bytes(size))[:-9], packed),
        "lines": _answer(_gzip(lines), packed),
        "claimed": _head(chance.randrange(BODY_BYTES + 1, 1 << 40)) + b"m 1\n",
        "one line": _answer(b"m" * (BODY_BYTES + 1)),
        "labels": _answer(b"m{" + b'a="b",' * 600_000 + b"} 1\n"),
    }
    for name, body in bodies.items():
        yield Bomb(f"scrape: {name}", "", body, {})
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    yield Bomb("scrape: endless", "", head + line, {}, is_endless=True)
    head = b"HTTP/1.1 200 OK\r\n"
    yield Bomb("scrape: header", "", head + b"X: " + b"y" * 65_000 + b"\r\n", {}, is_endless=True)


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, 1, mtime=0)


def _snappy(content: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(content))


def _head(size: int, headers: bytes = b"") -> bytes:
    kind = b"Content-Type: text/plain; version=0.0.4\r\n"
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%b%b\r\n" % (size, kind, headers)


def _answer(body: bytes, headers: bytes = b"") -> bytes:
    return _head(len(body), headers) + body


class BombTarget:
    """A target that answers with whatever `bomb` is, as long as its caller stays."""

    def __init__(self) -> None:
        self.bomb: Bomb | None = None
        self.answered = threading.Semaphore(0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(peer,), daemon=True).start()

    def _answer(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError), peer:
            peer.settimeout(5)
            peer.recv(65_536)
            bomb = self.bomb
            if bomb is None:
                peer.sendall(_answer(b"m 1\n", b"Connection: close\r\n"))
                return
            peer.sendall(bomb.body)
            while bomb.is_endless:
                peer.sendall(bomb.body[bomb.body.index(b"\r\n") + 2 :])
            peer.recv(1)
        self.answered.release()


class BombTorture:
    """Bomb after bomb against one process.

    Args:
        folder: is emptied.
        chance: decides about sizes.
        is_open: run the negative control.
        sizes: of what is decoded, in MiB.
    """

    def __init__(
        self,
        folder: Path,
        chance: random.Random,
        *,
        is_open: bool = False,
        sizes: range = SIZES,
    ) -> None:
        self._folder = folder.resolve()
        self._chance = chance
        self._sizes = sizes
        self._body_bytes = 1 << 30 if is_open else BODY_BYTES

    def run(self, progress: Progress, rounds: int, tell: Callable[[], None]) -> None:
        """Count until so many bombs were sent; `tell` is called after each."""
        shutil.rmtree(self._folder, ignore_errors=True)
        target = BombTarget()
        configuration = CONFIGURATION.format(
            body_bytes=self._body_bytes, samples=SAMPLES, address=target.address
        )
        with contextlib.closing(target), serving(self._folder, configuration) as server:
            _await_up(server, 1.0)
            for bomb in bombs(self._chance, self._sizes):
                if progress.rounds >= rounds:
                    break
                began = time.perf_counter()
                before_bytes = server.memory_bytes()
                server.forget_peak()
                self._send(progress, server, target, bomb)
                more = server.peak_bytes() - before_bytes
                if more > MEMORY_BYTES_MAX:
                    progress.find(f"{more >> 20} MiB more for {bomb.name}")
                progress.rounds += 1
                progress.seconds += time.perf_counter() - began
                tell()
            if not _await_up(server, 1.0):
                progress.find("after all, a scrape that should succeed does not")

    def _send(self, progress: Progress, server: Serving, target: BombTarget, bomb: Bomb) -> None:
        if bomb.path:
            answer = server.post(bomb.path, bomb.body, bomb.headers, PATIENCE_SECONDS)
            progress.acknowledged += answer.status in REFUSALS
            # A body that is refused by its length alone may be cut off while it is being sent.
            if answer.status not in REFUSALS and not (answer.status == 0 and "long" in bomb.name):
                progress.find(f"{answer.status} {answer.body[:100]!r} for {bomb.name}")
            return
        target.bomb = bomb
        if _await_up(server, 0.0):
            progress.acknowledged += 1
        else:
            progress.find(f"a scrape succeeds: {bomb.name}")
        target.bomb = None


def _await_up(server: Serving, value: float, seconds: float = 10.0) -> bool:
    """Wait until a scrape that begins from now on has this result; False where none has."""
    began, deadline = time.time(), time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = server.ask("/api/v1/query", {"query": 'up{job="bomb"}[10s]'}, 30)
        for one in json.loads(answer.body)["data"]["result"]:
            if any(at > began and float(up) == value for at, up in one["values"]):
                return True
        time.sleep(0.05)
    return False
