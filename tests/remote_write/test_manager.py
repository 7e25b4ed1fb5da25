"""Several remotes beside each other, and what is said of metric families."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from prometheus_client import CollectorRegistry
from tests.conftest import FakeClock
from tests.remote_write.remote import START_MS, TARGET, URL, Remote, series
from tests.web.pushing import message, varint

from sakshi.exposition import MetricFamily, MetricType
from sakshi.exposition.remote_write import decompress
from sakshi.model.clock import SystemClock
from sakshi.model.labels import EMPTY_LABELS
from sakshi.remote_write import (
    CursorFile,
    MetadataConfig,
    QueueConfig,
    RemoteWriteConfig,
    RemoteWriter,
)
from sakshi.remote_write.client import Answer, Poster
from sakshi.remote_write.delivery import Delivery
from sakshi.remote_write.metadata import MetadataSender
from sakshi.remote_write.metrics import RemoteWriteMetrics
from sakshi.scrape import ScrapeError
from sakshi.storage import MemoryStore, StorageConfig


class Dead:
    """A remote that never answers."""

    async def post(self, body: bytes) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError("nothing comes")

    def close(self) -> None:
        """Nothing is open."""


def has_sample(remote: Remote, timestamp_ms: int) -> bool:
    return timestamp_ms in remote.samples.get(series("up"), {})


async def until(condition: Callable[[], object]) -> None:
    """Return once a condition holds; threads have a part in it."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - a thread changes it
            await asyncio.sleep(0.005)


async def test_a_dead_remote_slows_no_other(tmp_path: Path) -> None:
    """The living one has everything; late samples wait in the store for the dead one."""
    store = MemoryStore(StorageConfig(keeps_late=True))
    remotes: dict[str, Poster] = {"dead": Dead(), "living": (living := Remote())}
    file = CursorFile(tmp_path / "remote-write.db")
    queue = QueueConfig(deadline_ms=1)

    def make() -> RemoteWriter:
        return RemoteWriter(
            [RemoteWriteConfig(URL, name, queue=queue) for name in remotes],
            store,
            file,
            list,
            EMPTY_LABELS,
            SystemClock(),
            CollectorRegistry(),
            lambda: 0.0,
            lambda config: remotes[config.name],
        )

    def append(name: str, at_ms: int) -> None:
        target = store.target(TARGET)
        target.append(START_MS + at_ms, target.columns([series(name)]), np.array([1.0]))
        store.commit()

    run = asyncio.create_task(make().run())
    for at_ms in range(0, 10_000, 1000):
        append("up", at_ms)
        await until(partial(has_sample, living, START_MS + at_ms))
    append("late", 500)
    await until(lambda: series("late") in living.samples)
    assert len(store.late_samples(0, 10)) == 1
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)

    remotes["dead"] = revived = Remote()
    run = asyncio.create_task(make().run())
    await until(lambda: revived.samples == living.samples and not store.late_samples(0, 10))
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    file.close()
    assert [
        name for thread in threading.enumerate() if "remote-write" in (name := thread.name)
    ] == []


class Listener:
    """A remote that keeps what it is told."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.is_away = False

    async def post(self, body: bytes) -> Answer:
        if self.is_away:
            raise ScrapeError("connection refused")
        self.bodies.append(decompress(body))
        return Answer(200)

    def close(self) -> None:
        """Nothing is open."""


def family_message(type: int, name: str, help: str) -> bytes:
    texts = message(2, name.encode()) + message(4, help.encode()) + message(5, b"")
    return message(3, b"\x08" + varint(type) + texts)


async def test_metadata_is_sent_again_and_again(clock: FakeClock) -> None:
    """Each family once, the first that has its name; what failed is sent with the next round."""
    families = [
        MetricFamily("hits", MetricType.COUNTER, "How many."),
        MetricFamily("hits", MetricType.GAUGE, "Something else."),
        MetricFamily("size", MetricType.GAUGE, ""),
    ]
    config = RemoteWriteConfig(URL, metadata=MetadataConfig(interval_ms=60_000, families_max=1))
    registry, listener = CollectorRegistry(), Listener()
    metrics = RemoteWriteMetrics(registry)
    delivery = Delivery(URL, listener, config.queue, clock, lambda: 0.0, metrics)
    sender = MetadataSender(config, lambda: families, delivery, clock, metrics)

    await sender.send()
    listener.is_away = True
    await sender.send()
    listener.is_away = False
    await sender.send()

    told = [family_message(1, "hits", "How many."), family_message(2, "size", "")]
    assert listener.bodies == told * 2
    labels = {"remote": URL}
    assert registry.get_sample_value("sakshi_remote_write_metadata_total", labels) == 4
    assert registry.get_sample_value("sakshi_remote_write_metadata_failed_total", labels) == 2


async def test_metadata_is_not_sent_where_it_is_not_wanted(clock: FakeClock) -> None:
    """Then its sender is done at once."""
    config = RemoteWriteConfig(URL, metadata=MetadataConfig(is_sent=False))
    metrics, listener = RemoteWriteMetrics(CollectorRegistry()), Listener()
    delivery = Delivery(URL, listener, config.queue, clock, lambda: 0.0, metrics)

    await MetadataSender(config, list, delivery, clock, metrics).run()

    assert listener.bodies == []
