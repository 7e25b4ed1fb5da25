"""What it costs to pass samples on: CPU a sample, and how long the event loop stands still.

In one process: a store on disk with 10,000 series in 10 targets, and a sender; the remote is a
process of its own that reads each request and answers 204. Two phases:

    backlog   rows that lie in the store already, as after an outage: how fast they go
    steady    a row of every target each second, committed and sent within the second

    python -m benchmarks.remote_write [--series 10000] [--backlog 120] [--seconds 15]

Prints JSON. Targets: below 1.5 us of CPU a sample; no stall of the loop above 10 ms. The stall is
what a task sees that wants to run each millisecond; on a busy machine it shows the others, too, so
it is measured without a sender as well.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import uvloop
from prometheus_client import CollectorRegistry

from benchmarks.report import add_out, format_table, write_report
from sakshi.model.clock import SystemClock
from sakshi.model.labels import EMPTY_LABELS, Labels
from sakshi.remote_write import CursorFile, QueueConfig, RemoteWriteConfig, RemoteWriter
from sakshi.storage import SqliteStore, StorageConfig

TARGETS: Final = 10
ANSWER: Final = b"HTTP/1.1 204 No Content\r\n\r\n"
DEADLINE_MS: Final = 500


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read requests and accept them, until the other side has left."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(size)
            writer.write(ANSWER)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def serve(ports: Any) -> None:
    """Be the remote; tell the port."""

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        ports.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(run())


class Service:
    """Targets whose series all have a new value in each row."""

    def __init__(self, store: SqliteStore, series: int) -> None:
        self.store = store
        self.rng = np.random.default_rng(1)
        self.targets = []
        for number in range(TARGETS):
            instance = {"job": "chat", "instance": f"127.0.0.1:{8000 + number}"}
            target = store.target(Labels(instance))
            labels = [
                Labels(
                    {
                        "__name__": f"http_requests_{place % 50}_total",
                        "handler": f"/api/{place}",
                        **instance,
                    }
                )
                for place in range(series // TARGETS)
            ]
            self.targets.append((target, target.columns(labels)))

    def expose(self, at_ms: int) -> None:
        """Append a row to each target, and commit."""
        for target, columns in self.targets:
            target.append(at_ms, columns, self.rng.random(columns.size))
        self.store.commit()


async def watch(stalls: list[float]) -> None:
    """Note how much later than wanted a task runs that wants to run each millisecond."""
    while True:
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        stalls.append((time.perf_counter() - before - 0.001) * 1000)


async def measure(options: argparse.Namespace, port: int, folder: Path) -> dict[str, float]:
    """Return the figures of both phases."""
    clock, registry = SystemClock(), CollectorRegistry()
    store = SqliteStore(folder / "samples", StorageConfig(keeps_late=True))
    service, file = Service(store, options.series), CursorFile(folder / "remote-write.db")
    queue = QueueConfig(deadline_ms=DEADLINE_MS)
    config = RemoteWriteConfig(f"http://127.0.0.1:{port}/", "sink", queue=queue)
    writer = RemoteWriter([config], store, file, list, EMPTY_LABELS, clock, registry, lambda: 0.0)

    def sent() -> float:
        labels = {"remote": "sink"}
        return registry.get_sample_value("sakshi_remote_write_samples_total", labels) or 0.0

    start_ms = clock.now_ms() - options.backlog * 1000
    for row in range(options.backlog):
        service.expose(start_ms + row * 1000)
    total = options.backlog * options.series
    stalls: list[float] = []
    watching = asyncio.create_task(watch(stalls))
    started, cpu = time.perf_counter(), time.process_time()
    sending = asyncio.create_task(writer.run())
    while sent() < total:  # noqa: ASYNC110 - the counter is all that there is to see
        await asyncio.sleep(0.01)
    figures = {
        "backlog_samples_per_s": total / (time.perf_counter() - started),
        "backlog_cpu_us": (time.process_time() - cpu) / total * 1e6,
        "backlog_stall_max_ms": max(stalls),
        "backlog_stall_p99_ms": float(np.percentile(stalls, 99)),
    }
    for name, is_sending in (("steady", True), ("without", False)):
        if not is_sending:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        stalls.clear()
        before = sent()
        cpu = time.process_time()
        committing = 0.0
        for _ in range(options.seconds):
            began = time.thread_time()
            service.expose(clock.now_ms())
            committing += time.thread_time() - began
            await asyncio.sleep(1)
        total = before + options.seconds * options.series
        while is_sending and sent() < total:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
        spent = time.process_time() - cpu - committing
        figures[f"{name}_cpu_us"] = spent / (options.seconds * options.series) * 1e6
        figures[f"{name}_stall_p99_ms"] = float(np.percentile(stalls, 99))
    watching.cancel()
    figures["sending_cpu_us"] = figures["steady_cpu_us"] - figures["without_cpu_us"]
    store.close()
    file.close()
    return {key: round(value, 3) for key, value in figures.items()}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--backlog", type=int, default=120, help="rows of each target")
    parser.add_argument("--seconds", type=int, default=15, help="of the steady phase")
    add_out(parser)
    options = parser.parse_args()
    ports = multiprocessing.get_context("spawn").Queue()
    sink = multiprocessing.get_context("spawn").Process(target=serve, args=(ports,), daemon=True)
    sink.start()
    port = ports.get()
    with tempfile.TemporaryDirectory() as folder:
        figures = uvloop.run(measure(options, port, Path(folder)))
    sink.kill()
    rows = [[key, str(value)] for key, value in figures.items()]
    print(format_table(["what", "value"], rows), file=sys.stderr)
    settings = {"series": options.series, "backlog": options.backlog, "seconds": options.seconds}
    write_report(options.out, "remote_write", settings, figures=figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
