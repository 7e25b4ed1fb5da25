"""Queries that want to take the server down, many at once, while it scrapes each second.

The promises: every query is answered or stopped within a second of its timeout; scrapes go on, and
begin when they should; when all is over, the memory is given back. The negative controls: an engine
that does not hear how much time a query has, and one that keeps its answers.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np

from sakshi.storage import SqliteStore
from torture.killer import Killer, history, killers
from torture.progress import Progress
from torture.serving import Answer, Serving, serving
from torture.target import exposing

AT_ONCE: Final = 20
TIMEOUT_SECONDS: Final = 2.0
GRACE_SECONDS: Final = 1.0  # after its timeout, a query is gone
HANGING_SECONDS: Final = 3.0  # nobody waits longer, after that, for one that is not
ALLOWED: Final = frozenset({200, 400, 413, 422, 503})
"""What a server answers that goes on: a result, a refusal, a query that was stopped."""

TARGET_SERIES: Final = 1000
JITTER_PART_MAX: Final = 0.1  # of the interval, for 99 of 100 scrapes
SERVED_FIRST: Final = 25  # queries before the memory is weighed: caches fill, arenas grow
MEMORY_BYTES_MAX: Final = 256 << 20  # more than before, when all is over
SETTLING_SECONDS: Final = 10.0  # until then

CONFIGURATION: Final = """
global: {{scrape_interval: 1s, evaluation_interval: 15s}}
scrape_configs: [{{job_name: page, static_configs: [{{targets: ["{address}"]}}]}}]
"""


class QueryTorture:
    """Waves of queries against one process.

    Args:
        folder: is emptied.
        chance: decides about the queries.
        control: the known-bad engine; empty: the real one.
        timeout_seconds: of each query.
        grace_seconds: how long after its timeout a query may be answered.
        jitter_part_max: how late, in parts of the interval, 99 of 100 scrapes may begin.
        warm: how many are asked before the memory is weighed.
    """

    def __init__(
        self,
        folder: Path,
        chance: random.Random,
        control: str = "",
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        grace_seconds: float = GRACE_SECONDS,
        jitter_part_max: float = JITTER_PART_MAX,
        warm: int = SERVED_FIRST,
    ) -> None:
        self._folder = folder.resolve()
        self._chance = chance
        self._control = control
        self._timeout_seconds = timeout_seconds
        self._grace_seconds = grace_seconds
        self._jitter_part_max = jitter_part_max
        self._warm = warm

    def run(self, progress: Progress, rounds: int, tell: Callable[[], None]) -> None:
        """Count until so many queries were asked; `tell` is called after each wave."""
        if progress.rounds >= rounds:
            return
        shutil.rmtree(self._folder, ignore_errors=True)
        end_ms = int(time.time() * 1000)
        (self._folder / "data").mkdir(parents=True)
        with closing(SqliteStore(self._folder / "data" / "samples")) as store:
            history(store, end_ms)
        body = b"".join(b'page{n="%d"} %d\n' % (n, n) for n in range(TARGET_SERIES))
        with contextlib.ExitStack() as stack:
            address = stack.enter_context(exposing(lambda: body))
            configuration = CONFIGURATION.format(address=address)
            server = stack.enter_context(serving(self._folder, configuration, self._control))
            threads = stack.enter_context(ThreadPoolExecutor(AT_ONCE))
            self._ask_all(progress, rounds, tell, server, threads, end_ms / 1000)

    def _ask_all(
        self,
        progress: Progress,
        rounds: int,
        tell: Callable[[], None],
        server: Serving,
        threads: ThreadPoolExecutor,
        end_seconds: float,
    ) -> None:
        began = time.monotonic()
        wanted = killers(self._warm + rounds - progress.rounds, self._chance)

        def ask(killer: Killer) -> Answer:
            path, parameters = killer.request(end_seconds)
            parameters["timeout"] = f"{self._timeout_seconds}"
            patience = self._timeout_seconds + self._grace_seconds + HANGING_SECONDS
            return server.ask(path, parameters, patience)

        list(threads.map(ask, wanted[: self._warm]))
        memory_bytes = server.memory_bytes()
        peak = memory_bytes
        for wave in _waves(wanted[self._warm :]):
            for killer, answer in zip(wave, threads.map(ask, wave), strict=True):
                self._judge(progress, killer, answer)
            peak = max(peak, server.memory_bytes())
            progress.rounds += len(wave)
            progress.seconds += time.monotonic() - began - progress.seconds
            tell()
        print(f"load average={os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        self._judge_scrapes(progress, server, int(time.monotonic() - began))
        _judge_memory(progress, server, memory_bytes)
        print(f"memory before={memory_bytes >> 20} MiB, seen={peak >> 20} MiB, "
              f"after={server.memory_bytes() >> 20} MiB")  # fmt: skip
        if code := server.stop():
            progress.find(f"it ended with {code}")

    def _judge(self, progress: Progress, killer: Killer, answer: Answer) -> None:
        query = killer.query[:100]
        if answer.status not in ALLOWED:
            progress.find(f"{answer.status} {answer.body[:200]!r} for {query}")
        elif answer.seconds > self._timeout_seconds + self._grace_seconds:
            progress.find(
                f"{answer.seconds:.1f} s, {answer.status}, {answer.size} bytes for {query}"
            )
        progress.acknowledged += answer.status == 200

    def _judge_scrapes(self, progress: Progress, server: Serving, seconds: int) -> None:
        samples = server.samples('up{job="page"}', seconds + 1)
        progress.samples += len(samples)
        if len(samples) < seconds - 2:
            progress.find(f"{len(samples)} scrapes in {seconds} s")
        failed = sum(value != 1 for _, value in samples)
        if failed:
            progress.find(f"{failed} scrapes failed")
        late = np.abs(np.diff([at for at, _ in samples]) - 1.0)
        jitter = float(np.quantile(late, 0.99)) if late.size else 0.0
        print(f"scrapes={len(samples)} jitter p99={jitter:.3f} s, most={late.max(initial=0):.3f} s")
        if jitter > self._jitter_part_max:
            progress.find(f"99 of 100 scrapes begin within {jitter:.3f} s")


def _waves(wanted: Sequence[Killer]) -> list[Sequence[Killer]]:
    size = 5 * AT_ONCE  # the next is asked as soon as one is answered
    return [wanted[first : first + size] for first in range(0, len(wanted), size)]


def _judge_memory(progress: Progress, server: Serving, before_bytes: int) -> None:
    deadline = time.monotonic() + SETTLING_SECONDS
    while server.memory_bytes() > before_bytes + MEMORY_BYTES_MAX:
        if time.monotonic() > deadline:
            progress.find(
                f"{server.memory_bytes() >> 20} MiB when all is over, {before_bytes >> 20} before"
            )
            return
        time.sleep(0.1)
