"""Batches that are sent again and again to `/api/v1/write`, in any order, over many connections.

A case is one batch. It is sent one to four times; some of its sends are cut off in the middle of
the body, or before the answer is read, as by a sender that lost its connection. All sends of a
hundred cases are shuffled. Whatever came of it: each sample is stored once, with its bits, also
after a restart. The negative control is a receiver that does not know a repetition.
"""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from torture.progress import Progress
from torture.push import HEADERS, Sample, write_request
from torture.serving import Serving, serving

AT_ONCE: Final = 16
CASES_OF_A_WAVE: Final = 100
CASES_OF_A_PROCESS: Final = 5000  # then it is stopped and started again, on the same data
SENDS_MAX: Final = 4
CUT_RATIO: Final = 0.2  # of the sends that are not a case's last
TARGETS: Final = 50
NAMES: Final = 8
CASE_MS: Final = 20  # between two cases
STEP_MS: Final = 7  # between two samples of a series in a case
PATIENCE_SECONDS: Final = 60.0
CONFIGURATION: Final = """
global: {scrape_interval: 1m}
storage: {tsdb: {out_of_order_time_window: 30m}}
"""

Stored = dict[tuple[str, str], dict[int, float]]
"""Values by metric name and instance, and by time."""


@dataclass(frozen=True)
class Send:
    """One attempt to send a batch.

    Args:
        body: of the batch.
        cut_at: the bytes of the request that are sent before the sender is gone; None: all are, and
            the answer is read.
    """

    body: bytes
    cut_at: int | None


class RepeatTorture:
    """Waves of batches against one process.

    Args:
        folder: is emptied.
        chance: decides about batches and sends.
        control: the known-bad receiver; empty: the real one.
    """

    def __init__(self, folder: Path, chance: random.Random, control: str = "") -> None:
        self._folder = folder.resolve()
        self._chance = chance
        self._control = control
        self._expected: Stored = {}
        self._start_ms = 0
        self._cases = 0

    def run(self, progress: Progress, rounds: int, tell: Callable[[], None]) -> None:
        """Count until so many batches were sent; `tell` is called after each wave."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._start_ms = int(time.time() * 1000) - 900_000
        while progress.rounds < rounds:
            with serving(self._folder, CONFIGURATION, self._control) as server:
                last = min(rounds, progress.rounds + CASES_OF_A_PROCESS)
                while progress.rounds < last:
                    began = time.perf_counter()
                    self._send_wave(progress, server, min(CASES_OF_A_WAVE, last - progress.rounds))
                    progress.seconds += time.perf_counter() - began
                    tell()
                self._judge(progress, server)
                if code := server.stop():
                    progress.find(f"it ended with {code}")
            with serving(self._folder, CONFIGURATION, self._control) as server:
                self._judge(progress, server)

    def _send_wave(self, progress: Progress, server: Serving, cases: int) -> None:
        sends = [send for _ in range(cases) for send in self._case()]
        self._chance.shuffle(sends)
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for problem in threads.map(lambda send: _send(server, send), sends):
                if problem:
                    progress.find(problem)
        progress.rounds += cases
        progress.acknowledged += sum(send.cut_at is None for send in sends)

    def _case(self) -> list[Send]:
        """Return the sends of a new batch; one of them at least is whole."""
        chance, self._cases = self._chance, self._cases + 1
        at_ms = self._start_ms + self._cases * CASE_MS
        instance = f"i{chance.randrange(TARGETS)}"
        series = []
        for number in chance.sample(range(NAMES), chance.randrange(1, NAMES)):
            samples: list[Sample] = [
                (at_ms + STEP_MS * step, chance.choice((0.0, -0.0, 1.5, chance.random())))
                for step in range(chance.randrange(1, 3))
            ]
            self._expected.setdefault((f"n{number}", instance), {}).update(samples)
            series.append(
                ({"__name__": f"n{number}", "job": "push", "instance": instance}, samples)
            )
        body = write_request(series)
        sends = [Send(body, None)]
        for _ in range(chance.randrange(SENDS_MAX)):
            is_cut = chance.random() < CUT_RATIO
            sends.append(Send(body, chance.randrange(len(body) + 1) if is_cut else None))
        return sends

    def _judge(self, progress: Progress, server: Serving) -> None:
        found: Stored = {}
        seconds = (int(time.time() * 1000) - self._start_ms) // 1000 + 60
        for number in range(NAMES):
            query = {"query": f"n{number}[{seconds}s]"}
            answer = server.ask("/api/v1/query", query, PATIENCE_SECONDS, 1 << 28)
            for one in json.loads(answer.body)["data"]["result"]:
                key = (one["metric"]["__name__"], one["metric"]["instance"])
                found[key] = {round(at * 1000): float(value) for at, value in one["values"]}
        for key, samples in self._expected.items():
            ours = found.pop(key, {})
            progress.samples += len(samples)
            progress.lost += len(samples.keys() - ours.keys())
            progress.wrong += sum(str(samples.get(at)) != str(ours[at]) for at in ours)
        progress.wrong += sum(map(len, found.values()))


def _send(server: Serving, send: Send) -> str:
    """Send; return what was wrong with the answer, empty where nothing was."""
    if send.cut_at is None:
        answer = server.post("/api/v1/write", send.body, HEADERS, PATIENCE_SECONDS)
        return "" if answer.status == 204 else f"{answer.status} {answer.body!r}"
    head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    request = f"POST /api/v1/write HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}"
    request += f"Content-Length: {len(send.body)}\r\n\r\n"
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.port)) as peer:
        peer.sendall(request.encode() + send.body[: send.cut_at])
    return ""
