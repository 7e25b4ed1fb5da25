"""A remote that takes samples as Prometheus does, and a sakshi's end before it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from prometheus_client import CollectorRegistry
from tests.conftest import FakeClock

from sakshi.exposition.remote_write import decompress, read_label_pairs, read_write_request
from sakshi.model.labels import EMPTY_LABELS, Labels
from sakshi.remote_write import CursorFile, RemoteWriteConfig
from sakshi.remote_write.client import Answer
from sakshi.remote_write.delivery import Delivery
from sakshi.remote_write.metrics import RemoteWriteMetrics
from sakshi.remote_write.packer import Packer
from sakshi.remote_write.sender import RemoteSender
from sakshi.remote_write.series import SeriesEncoder
from sakshi.scrape import ScrapeError
from sakshi.storage import MemoryStore, StorageConfig, is_absent

START_MS = 1_700_000_000_000
TARGET = Labels({"job": "chat", "instance": "a"})
URL = "http://a.org/api/v1/write"

Samples = dict[Labels, dict[int, int]]
"""Value bits by series and time."""
T = TypeVar("T")


class Inline(Executor):
    """Runs everything at once, on the caller's thread."""

    def submit(self, work: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(work(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Remote:
    """A `Poster` with a Prometheus behind it: a request is taken as a whole, or not at all.

    Args:
        takes_older: whether its out-of-order window is open.
    """

    def __init__(self, takes_older: bool = False) -> None:
        self.samples: Samples = {}
        self.requests: list[list[tuple[str, int, float]]] = []
        self.script: list[Answer | ScrapeError] = []
        """What is answered next, in place of taking anything."""
        self.is_deaf = False
        """Whether answers get lost on the way back."""
        self.refused = 0
        self._takes_older = takes_older

    async def post(self, body: bytes) -> Answer:
        await asyncio.sleep(0)
        written = read_write_request(decompress(body))
        names = [Labels(read_label_pairs(key)) for key in written.keys]
        moments = written.timestamps.tolist()
        bits = written.values.view(np.uint64).tolist()
        shown = zip(map(str, names), moments, written.values.tolist(), strict=True)
        self.requests.append([(name, at_ms - START_MS, value) for name, at_ms, value in shown])
        if self.script:
            answer = self.script.pop(0)
            if isinstance(answer, ScrapeError):
                raise answer
            return answer
        draft = {labels: dict(known) for labels, known in self.samples.items()}
        for labels, at_ms, value in zip(names, moments, bits, strict=True):
            known = draft.setdefault(labels, {})
            newest = max(known, default=at_ms)
            if known.get(at_ms, value) != value or (at_ms < newest and not self._takes_older):
                self.refused += 1
                return Answer(400, "out of order sample")
            known[at_ms] = value
        self.samples = draft
        if self.is_deaf:
            raise ScrapeError("connection closed before a response")
        return Answer(204)

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Station:
    """A store and what sends from it, as often started anew as a test wants.

    Args:
        folder: of the cursors.
    """

    folder: Path
    config: RemoteWriteConfig = field(default_factory=lambda: RemoteWriteConfig(URL))
    external_labels: Labels = EMPTY_LABELS
    clock: FakeClock = field(default_factory=FakeClock)
    out_of_order_ms: int = 0

    def __post_init__(self) -> None:
        config = StorageConfig(out_of_order_ms=self.out_of_order_ms, keeps_late=True)
        self.store = MemoryStore(config, self.clock)
        self.registry = CollectorRegistry()
        self.metrics = RemoteWriteMetrics(self.registry)
        self.file = CursorFile(self.folder / "remote-write.db")
        self.forgotten: list[tuple[str, int]] = []

    def start(self, remote: Remote, file: CursorFile | None = None) -> RemoteSender:
        """Return a sender as it is after a start."""
        name, queue = self.config.identity, self.config.queue
        delivery = Delivery(name, remote, queue, self.clock, lambda: 0.0, self.metrics)
        encoder = SeriesEncoder(name, self.external_labels, self.config.relabel_rules)
        return RemoteSender(
            self.config,
            self.store,
            file or self.file,
            Packer(self.store, encoder, queue, self.clock),
            delivery,
            self.clock,
            self.metrics,
            Inline(),
            lambda name, id: self.forgotten.append((name, id)),
        )

    def append(
        self, at_ms: int, samples: Mapping[str, float], target: Labels = TARGET, commit: bool = True
    ) -> None:
        """Append samples of a target, by metric name."""
        appender = self.store.target(target)
        columns = appender.columns([series(name, target) for name in samples])
        appender.append(START_MS + at_ms, columns, np.array(list(samples.values())))
        if commit:
            self.store.commit()

    def stored(self) -> Samples:
        """Return everything that the store has."""
        found: Samples = {}
        for columns in self.store.select([], 0, 2**60):
            for index, labels in enumerate(columns.series):
                column = columns.values[:, index]
                there = ~is_absent(column)
                moments = columns.timestamps[there].tolist()
                found[labels] = dict(
                    zip(moments, column[there].view(np.uint64).tolist(), strict=True)
                )
        return {labels: pairs for labels, pairs in found.items() if pairs}

    def value(self, name: str, **labels: str) -> float | None:
        """Return the value of one of our own metrics."""
        labels = {"remote": self.config.identity, **labels}
        return self.registry.get_sample_value(f"sakshi_remote_write_{name}", labels)

    def close(self) -> None:
        self.file.close()


def series(name: str, target: Labels = TARGET) -> Labels:
    return Labels({"__name__": name, **target})


async def send_all(sender: RemoteSender) -> None:
    """Run rounds until there is nothing more."""
    while await sender.run_round():
        pass


def times(requests: Sequence[Sequence[tuple[str, int, float]]]) -> list[list[int]]:
    """Return the moments in each request."""
    return [sorted({at_ms for _, at_ms, _ in request}) for request in requests]
