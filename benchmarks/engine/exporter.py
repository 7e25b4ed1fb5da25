"""Synthetic scrape targets shaped like an AI chat service; runs on the standard library alone.

Serves so many series over so many targets, one port each, and a control port. Every scrape of a
target advances it by one tick, so what a store should hold is known exactly: each target exposes
`bench_tick`, and GET /served on the control port lists every tick handed out and when.
GET /fault?slot=3&value=1 sets a gauge of the first target. One JSON line on standard output says
where everything listens. Bodies are rendered before (--prerender), or on demand at about 0.4 ms for
1,000 series.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import accumulate, product
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
ENDPOINTS = (
    "/v1/chat/completions",
    "/v1/chat/stream",
    "/v1/embeddings",
    "/v1/models",
    "/v1/files",
    "/v1/sessions",
    "/v1/feedback",
    "/healthz",
)
HISTOGRAM_SERIES = len(BOUNDS) + 3  # buckets, +Inf, sum, count
FAULT_SLOTS = 32
OWN_SERIES = 1 + FAULT_SLOTS  # bench_tick and bench_fault
HISTOGRAMS_SHARE, PERCENT_SHARE, BYTES_SHARE, ERRORS_SHARE = 0.66, 0.08, 0.06, 0.10
SERIES_MIN = 100  # of a target: fewer would leave some family without series
TRAFFIC = 1.5  # requests a second for each label set of the histogram


class Answer(NamedTuple):
    """What a server answers, and what is to be noted once it is handed over."""

    content_type: bytes
    body: bytes
    done: Callable[[], None] | None = None


class Histograms:
    """One histogram with so many label sets, observed at random, the first label sets most."""

    def __init__(self, count: int, rng: random.Random) -> None:
        self._rng = rng
        weights = [1 / (place + 1) for place in range(count)]  # as words and endpoints are: Zipf
        self._cumulated_weights = list(accumulate(weights))
        self._load = TRAFFIC * count
        self._means = [rng.uniform(-3.5, 0.5) for _ in range(count)]
        self._counts = [[0] * (len(BOUNDS) + 1) for _ in range(count)]
        self._sums = [0.0] * count
        self._rows: list[list[float]] = [[] for _ in range(count)]
        for place, weight in enumerate(weights):  # as if it had served for a while
            for _ in range(200):
                self._observe(place, max(1, int(weight * 50)))
            self._cumulate(place)

    def step(self) -> None:
        """Observe the requests of one second."""
        count = max(0, round(self._rng.gauss(self._load, self._load**0.5)))
        places = self._rng.choices(
            range(len(self._rows)), cum_weights=self._cumulated_weights, k=count
        )
        for place in places:
            self._observe(place)
        for place in set(places):
            self._cumulate(place)

    def values(self) -> list[float]:
        """Return the values in the order of the lines."""
        return [value for row in self._rows for value in row]

    def _observe(self, place: int, times: int = 1) -> None:
        seconds = self._rng.lognormvariate(self._means[place], 0.8)
        self._counts[place][bisect_left(BOUNDS, seconds)] += times
        self._sums[place] += seconds * times

    def _cumulate(self, place: int) -> None:
        buckets = list(accumulate(self._counts[place]))
        self._rows[place] = [*buckets, self._sums[place], buckets[-1]]


class Target:
    """One scrape target: a fixed template, and a state that advances by ticks."""

    def __init__(self, index: int, series: int, seed: int) -> None:
        if series < SERIES_MIN:
            raise ValueError(f"a target needs {SERIES_MIN} series at least, not {series}")
        rng = self._rng = random.Random(f"{seed}/{index}")
        room = series - OWN_SERIES
        self.tick = 0
        self.served: list[tuple[int, float]] = []
        self.faults = [0] * FAULT_SLOTS
        self._rendered: deque[bytes] = deque()
        histograms = max(1, round(room * HISTOGRAMS_SHARE / HISTOGRAM_SERIES))
        self._histograms = Histograms(histograms, rng)
        self._percents = [rng.uniform(5, 95) for _ in range(round(room * PERCENT_SHARE))]
        self._bytes = [
            rng.randrange(1 << 12, 1 << 18) * 4096 for _ in range(round(room * BYTES_SHARE))
        ]
        self._errors = [rng.randrange(0, 5000) for _ in range(round(room * ERRORS_SHARE))]
        changing = histograms * HISTOGRAM_SERIES + len(self._percents + self._bytes + self._errors)
        self._limits = [rng.choice([1, 0, 8, 64, 4096, 128000]) for _ in range(room - changing)]
        self._template = "\n".join(
            [
                *histogram_lines(histograms),
                "# TYPE gpu_utilization_percent gauge",
                *(
                    f'gpu_utilization_percent{{gpu="{i % 8}",worker="w{i // 8}"}} %.1f'
                    for i in range(len(self._percents))
                ),
                "# TYPE worker_resident_memory_bytes gauge",
                *(
                    f'worker_resident_memory_bytes{{worker="w{i}"}} %d'
                    for i in range(len(self._bytes))
                ),
                "# TYPE model_errors_total counter",
                *(
                    f'model_errors_total{{model="m{i % 6}",kind="kind_{i // 6}"}} %d'
                    for i in range(len(self._errors))
                ),
                "# TYPE config_limit gauge",
                *(
                    f'config_limit{{scope="tenant",key="limit_{i}"}} %d'
                    for i in range(len(self._limits))
                ),
                "",
            ]
        )

    def prerender(self, ticks: int) -> None:
        """Render the bodies of the next ticks now."""
        self._rendered.extend(self._render() for _ in range(ticks))

    def answer(self, _path: str) -> Answer:
        """Return the body of the next tick: this is a scrape."""
        body = self._rendered.popleft() if self._rendered else self._render()
        self.tick = tick = self.tick + 1
        faults = "".join(
            f'bench_fault{{slot="{slot}"}} {value}\n' for slot, value in enumerate(self.faults)
        )
        own = f"# TYPE bench_tick counter\nbench_tick {tick}\n# TYPE bench_fault gauge\n{faults}"
        return Answer(
            b"text/plain; version=0.0.4; charset=utf-8",
            body + own.encode(),
            lambda: self.served.append((tick, time.time())),
        )

    def _render(self) -> bytes:
        self._step()
        values = (
            *self._histograms.values(),
            *self._percents,
            *self._bytes,
            *self._errors,
            *self._limits,
        )
        return (self._template % values).encode()

    def _step(self) -> None:
        rng = self._rng
        self._histograms.step()
        self._percents = [
            min(100.0, max(0.0, value + rng.uniform(-3, 3))) for value in self._percents
        ]
        for place in rng.sample(range(len(self._bytes)), len(self._bytes) // 3):
            self._bytes[place] = max(4096, self._bytes[place] + rng.randrange(-64, 66) * 4096)
        for place in rng.sample(range(len(self._errors)), max(1, len(self._errors) // 40)):
            self._errors[place] += 1


def histogram_lines(count: int) -> list[str]:
    """Return the template of the histogram's lines, for so many label sets."""
    name = "http_request_duration_seconds"
    lines = [f"# HELP {name} Time to answer a request.", f"# TYPE {name} histogram"]
    endpoints = [*ENDPOINTS, *(f"/v1/tools/tool_{place:02d}" for place in range(count))]
    label_sets = product(endpoints, ("POST", "GET"), ("200", "429", "500"))
    for _, (endpoint, method, status) in zip(range(count), label_sets, strict=False):
        labels = f'endpoint="{endpoint}",method="{method}",status="{status}"'
        lines += [f'{name}_bucket{{{labels},le="{bound}"}} %s' for bound in (*BOUNDS, "+Inf")]
        lines += [f"{name}_sum{{{labels}}} %s", f"{name}_count{{{labels}}} %s"]
    return lines


class Control:
    """Answers on the control port."""

    def __init__(self, targets: list[Target]) -> None:
        self._targets = targets

    def answer(self, path: str) -> Answer:
        """Return what was served, what tick each target is at, or when a fault was set."""
        url = urlsplit(path)
        data: object
        if url.path == "/served":
            data = [target.served for target in self._targets]
        elif url.path == "/fault":
            query = parse_qs(url.query)
            self._targets[0].faults[int(query["slot"][0])] = int(query["value"][0])
            data = {"at": time.time()}
        else:
            data = {"ticks": [target.tick for target in self._targets]}
        return Answer(b"application/json", json.dumps(data).encode())


class Http(asyncio.Protocol):
    """Just enough of HTTP/1.1 with keep-alive for a scraper."""

    def __init__(self, answer: Callable[[str], Answer]) -> None:
        self._answer = answer
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        assert self._transport is not None
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
            answer = self._answer(head.split(b" ", 2)[1].decode())
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
                % (answer.content_type, len(answer.body))
                + answer.body
            )
            if answer.done is not None:
                answer.done()


async def serve(targets: list[Target]) -> None:
    """Say where everything listens, and answer until cancelled."""
    loop, ports = asyncio.get_running_loop(), []
    answerers: list[Control | Target] = [Control(targets), *targets]
    for answerer in answerers:
        server = await loop.create_server(partial(Http, answerer.answer), "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
    print(json.dumps({"control": ports[0], "targets": ports[1:]}), flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Build the targets and serve them until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=10_000, help="of all targets together")
    parser.add_argument("--targets", type=int, default=10)
    parser.add_argument("--prerender", type=int, default=0, help="bodies of each target")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    each = options.series // options.targets
    targets = [Target(index, each, options.seed) for index in range(options.targets)]
    for target in targets:
        target.prerender(options.prerender)
    try:
        asyncio.run(serve(targets))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
