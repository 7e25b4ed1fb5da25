from __future__ import annotations

import asyncio
import struct
import threading
from collections.abc import Set

import httpx2
import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from tests.conftest import FakeClock
from tests.web.conftest import NOW_MS, World
from tests.web.pushing import compress, message, time_series, write_request

from sakshi.model.labels import METRIC_NAME, Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.storage import STALE_MARKER, MemoryStore, StorageFullError
from sakshi.web import Receiver
from sakshi.web.errors import ApiError
from sakshi.web.receipt import Receipt
from sakshi.web.receiver import PUSHES_MAX
from sakshi.web.remote_write import read_written

HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
UP = {METRIC_NAME: "up", "job": "chat", "instance": "a:1"}
DOWN = {METRIC_NAME: "down", "job": "chat", "instance": "a:1"}


async def push(client: httpx2.AsyncClient, body: bytes, **headers: str) -> httpx2.Response:
    return await client.post("/api/v1/write", content=body, headers={**HEADERS, **headers})


def stored(store: MemoryStore, name: str) -> dict[Labels, list[tuple[int, bytes]]]:
    """Return times and value bits of the series of a name."""
    matcher = Matcher(METRIC_NAME, MatchOperator.EQUAL, name)
    return {
        labels: [
            (time, struct.pack("<d", value))
            for time, value in zip(
                columns.timestamps.tolist(), columns.values[:, index].tolist(), strict=True
            )
        ]
        for columns in store.select([matcher], -(1 << 60), 1 << 60)
        for index, labels in enumerate(columns.series)
    }


async def test_samples_are_stored_bit_by_bit(client: httpx2.AsyncClient, world: World) -> None:
    """204; NaN payloads, infinities, -0.0 and the stale marker come back as they were sent."""
    values = [1.5, 0.0, -0.0, float("inf"), struct.unpack("<d", b"\1\2\3\4\5\6\xf8\x7f")[0]]
    samples = [
        (NOW_MS + index, value) for index, value in enumerate([*values, float(STALE_MARKER)])
    ]

    answer = await push(client, write_request((UP, samples)))

    assert (answer.status_code, answer.text) == (204, "")
    assert stored(world.store, "up") == {
        Labels(UP): [(time, struct.pack("<d", value)) for time, value in samples]
    }


async def test_empty_store_takes_any_past(client: httpx2.AsyncClient, world: World) -> None:
    """Times around 1970 and before it are times."""
    answer = await push(client, write_request((UP, [(-1000, 1.0), (0, 2.0), (5, 3.0)])))

    assert answer.status_code == 204
    assert [time for time, _ in stored(world.store, "up")[Labels(UP)]] == [-1000, 0, 5]


async def test_repetition_is_accepted(client: httpx2.AsyncClient, world: World) -> None:
    """A sender that never saw the answer sends again; nothing changes."""
    body = write_request((UP, [(NOW_MS, 1.0)]), (DOWN, [(NOW_MS, 0.0)]))

    answers = [await push(client, body) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [204, 204, 204]
    assert len(stored(world.store, "up")[Labels(UP)]) == 1


async def test_bad_series_leaves_the_others(client: httpx2.AsyncClient, world: World) -> None:
    """400 says which was bad; what came with it is stored."""
    answer = await push(
        client,
        write_request(
            (UP, [(NOW_MS, 1.0)]),
            ([("job", "chat")], [(NOW_MS, 1.0), (NOW_MS + 1, 1.0)]),
            (DOWN, [(NOW_MS, 0.0)]),
        ),
    )

    assert answer.status_code == 400
    assert answer.text == (
        "2 of 4 samples were not taken: invalid series (2): "
        "expected a metric name, found none: {job='chat'}\n"
    )
    assert len(stored(world.store, "up")) == len(stored(world.store, "down")) == 1


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        pytest.param([], "expected a metric name, found none: {}", id="no labels"),
        pytest.param(
            [(METRIC_NAME, "x"), ("a", "1"), ("a", "2")],
            "expected each label once, found \"a\" twice: {__name__='x', a='1', a='2'}",
            id="twice",
        ),
        pytest.param(
            [(METRIC_NAME, "x"), ("", "1")],
            'expected a label name, found none for the value "1"',
            id="no name",
        ),
        pytest.param(
            [(METRIC_NAME, "x"), *((f"l{n:03}", "1") for n in range(128))],
            "expected at most 128 labels, found 129: {__name__='x', l000='1', l001='1', l002='1', "
            "l003='1', l004='1', l005='1', l006='1', ...}",
            id="too many",
        ),
        pytest.param(
            [(METRIC_NAME, "x" * 1025)],
            f'expected a value of at most 1024 bytes for "__name__", found 1025: "{"x" * 64}..."',
            id="long name",
        ),
        pytest.param(
            [(METRIC_NAME, "x"), ("l" * 1025, "1")],
            f'expected a label name of at most 1024 bytes, found 1025: "{"l" * 64}..."',
            id="long label",
        ),
        pytest.param(
            [(METRIC_NAME, "x"), ("l", "v" * 65537)],
            f'expected a value of at most 65536 bytes for "l", found 65537: "{"v" * 64}..."',
            id="long value",
        ),
    ],
)
async def test_label_sets_have_bounds(client: httpx2.AsyncClient, pairs, reason: str) -> None:
    """What no series may have is named."""
    answer = await push(client, write_request((pairs, [(NOW_MS, 1.0)])))

    assert answer.status_code == 400
    assert answer.text == f"1 of 1 samples were not taken: invalid series (1): {reason}\n"


async def test_largest_label_set_is_taken(client: httpx2.AsyncClient) -> None:
    """The bounds are inclusive; the order of labels is free, and empty ones are none."""
    pairs = [("l" * 1024, "v" * 65536), (METRIC_NAME, "x" * 1024), ("empty", "")]
    pairs += [(f"l{n:03}", "1") for n in range(125)]

    assert (await push(client, write_request((pairs, [(NOW_MS, 1.0)])))).status_code == 204


async def test_late_and_contradicting_samples_are_counted(
    client: httpx2.AsyncClient, world: World
) -> None:
    """400, so that the sender does not repeat; the rest of their rows is stored."""
    await push(client, write_request((UP, [(NOW_MS, 1.0)])))

    answer = await push(
        client,
        write_request(
            (UP, [(NOW_MS - 1, 1.0), (NOW_MS, 2.0)]), (DOWN, [(NOW_MS - 1, 5.0), (NOW_MS, 6.0)])
        ),
    )

    assert answer.status_code == 400
    assert answer.text == (
        "2 of 4 samples were not taken: "
        'out of order sample (1): up{instance="a:1", job="chat"} has a sample at '
        "2023-11-14T22:13:20.000Z, which is newer than the one given for 2023-11-14T22:13:19.999Z; "
        'duplicate sample for timestamp (1): up{instance="a:1", job="chat"} already has another '
        "value at 2023-11-14T22:13:20.000Z\n"
    )
    assert [time for time, _ in stored(world.store, "down")[Labels(DOWN)]] == [NOW_MS - 1, NOW_MS]
    metrics = (await client.get("/metrics")).text
    assert "sakshi_received_samples_total 3.0" in metrics
    assert 'sakshi_received_samples_refused_total{reason="out of order sample"} 1.0' in metrics


async def test_sample_of_the_future_is_refused(client: httpx2.AsyncClient, world: World) -> None:
    """Ten minutes ahead is the clock of somebody else; beyond is a mistake."""
    body = write_request((UP, [(NOW_MS + 600_000, 1.0), (NOW_MS + 600_001, 1.0)]))

    answer = await push(client, body)

    assert answer.status_code == 400
    assert answer.text == (
        "1 of 2 samples were not taken: out of bounds (1): "
        "2023-11-14T22:23:20.001Z is more than 10 minutes ahead of sakshi's clock\n"
    )
    assert len(stored(world.store, "up")[Labels(UP)]) == 1


async def test_native_histogram_is_refused_by_name(
    client: httpx2.AsyncClient, world: World
) -> None:
    """It is no sample of ours; samples beside it are stored."""
    body = compress(
        time_series({METRIC_NAME: "h"}, [], message(4, b"")) + time_series(UP, [(NOW_MS, 1.0)])
    )

    answer = await push(client, body)

    assert answer.status_code == 400
    assert answer.text == (
        "1 of 2 samples were not taken: unsupported (1): "
        "native histograms are not stored, only classic ones: h\n"
    )
    assert len(stored(world.store, "up")) == 1


@pytest.mark.parametrize(
    ("body", "headers", "status", "text"),
    [
        pytest.param(
            b"",
            {"Content-Encoding": "gzip"},
            415,
            "gzip encoding (compression) is not accepted by this server; only snappy is\n",
            id="gzip",
        ),
        pytest.param(
            b"",
            {"Content-Type": "application/json"},
            415,
            "expected application/x-protobuf as Content-Type, found application/json\n",
            id="json",
        ),
        pytest.param(
            b"",
            {"Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request"},
            415,
            "io.prometheus.write.v2.Request protobuf message is not accepted by this server; "
            "only prometheus.WriteRequest is\n",
            id="version 2",
        ),
        pytest.param(
            b"hello",
            {},
            400,
            "byte 0: expected snappy's block format, found something else\n",
            id="not snappy",
        ),
        pytest.param(
            compress(b"\x0a\x05ab"),
            {},
            400,
            "byte 2: expected 5 bytes, found 2\n",
            id="cut",
        ),
        pytest.param(
            b"x" * ((16 << 20) + 1),
            {},
            413,
            "a body of more than 16777216 bytes\n",
            id="large",
        ),
    ],
)
async def test_what_is_no_push_is_refused(
    client: httpx2.AsyncClient, body: bytes, headers: dict[str, str], status: int, text: str
) -> None:
    """4xx with a text: the sender must not repeat it."""
    answer = await push(client, body, **headers)

    assert (answer.status_code, answer.text) == (status, text)


async def test_page_of_another_site_cannot_push(client: httpx2.AsyncClient) -> None:
    """Its Origin gives it away; programs send none."""
    answer = await push(client, write_request(), Origin="http://evil.example")

    assert answer.status_code == 403


class BlockedStore(MemoryStore):
    """Counts commits; each waits for `go`, and fails while `is_full`."""

    def __init__(self) -> None:
        super().__init__()
        self.commits = 0
        self.is_full = False
        self.begun, self.go = threading.Semaphore(0), threading.Semaphore(0)

    def commit(self) -> None:
        self.commits += 1
        self.begun.release()
        self.go.acquire()
        if self.is_full:
            raise StorageFullError("no space left on device")


async def test_pushes_share_commits_and_rows(clock) -> None:
    """What comes during a commit is appended together, as one row, and answered after the next."""
    store = BlockedStore()
    receiver = Receiver(store, clock, CollectorRegistry())

    def receive(index: int):
        body = write_request(({**UP, "n": str(index)}, [(NOW_MS, float(index))]))
        return asyncio.ensure_future(
            receiver.receive(lambda series, receipt: read_written(body, series, receipt))
        )

    first = receive(0)
    await asyncio.to_thread(store.begun.acquire)
    others = [receive(index) for index in range(1, 10)]
    await asyncio.sleep(0)
    assert not first.done()
    store.go.release()
    assert (await first).refused_count == 0
    await asyncio.to_thread(store.begun.acquire)
    assert not any(other.done() for other in others)
    store.go.release()
    receipts = await asyncio.gather(*others)

    assert store.commits == 2
    assert [receipt.samples for receipt in receipts] == [1] * 9
    assert len(stored(store, "up")) == 10


async def test_full_disk_asks_to_come_again(services, world: World, clock) -> None:
    """503 with Retry-After; the same push is taken once there is room."""
    from dataclasses import replace

    from tests.web.conftest import make_client

    store = BlockedStore()
    store.is_full = True
    receiver = Receiver(store, clock, CollectorRegistry())
    body = write_request((UP, [(NOW_MS, 1.0)]))
    for _ in range(2):
        store.go.release()
    async with make_client(replace(services, receiver=receiver)) as client:
        full = await push(client, body)
        store.is_full = False
        again = await push(client, body)

    assert (full.status_code, full.headers["retry-after"]) == (503, "5")
    assert full.text == "samples cannot be stored: no space left on device\n"
    assert again.status_code == 204


async def test_pushes_at_once_are_bounded(client: httpx2.AsyncClient, services) -> None:
    """One more than there may be is asked to come again."""
    import contextlib

    with contextlib.ExitStack() as stack:
        for _ in range(PUSHES_MAX):
            stack.enter_context(services.receiver.admitted())
        refused = await push(client, write_request((UP, [(NOW_MS, 1.0)])))
    taken = await push(client, write_request((UP, [(NOW_MS, 1.0)])))

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.text == "64 pushes are being taken in; try again\n"
    assert taken.status_code == 204


async def test_target_is_job_and_instance(client: httpx2.AsyncClient, world: World) -> None:
    """Series of one job and instance are one target, however they are pushed."""
    await push(client, write_request((UP, [(NOW_MS, 1.0)])))
    await push(client, write_request((DOWN, [(NOW_MS, 1.0)])))
    await push(client, write_request(({**UP, "instance": "b:1"}, [(NOW_MS, 1.0)])))

    assert world.store.statistics().targets == 2
    assert np.isfinite(world.store.statistics().samples)


def told_by(store: MemoryStore) -> tuple[Receiver, list[Set[str]]]:
    """Return a receiver, and what it tells after each commit."""
    told: list[Set[str]] = []
    return Receiver(store, FakeClock(NOW_MS), CollectorRegistry(), told.append), told


async def receive(receiver: Receiver, body: bytes) -> Receipt:
    return await receiver.receive(lambda series, receipt: read_written(body, series, receipt))


async def test_a_push_is_announced_with_the_names_that_are_known() -> None:
    """Whoever listens hears of every commit; the names are the same object while none is new."""
    receiver, told = told_by(MemoryStore())

    await receive(receiver, write_request((UP, [(NOW_MS, 1.0)])))
    await receive(receiver, write_request((UP, [(NOW_MS + 1, 1.0)])))
    await receive(receiver, write_request((DOWN, [(NOW_MS, 1.0)])))

    assert told == [{"up"}, {"up"}, {"up", "down"}]
    assert told[0] is told[1]


async def test_nothing_taken_is_nothing_to_tell() -> None:
    """A push that was refused whole wakes nobody."""
    receiver, told = told_by(MemoryStore())

    receipt = await receive(receiver, write_request((UP, [(NOW_MS + 3_600_000, 1.0)])))

    assert receipt.refused_count == 1
    assert told == []


async def test_what_the_disk_refused_is_announced() -> None:
    """It is readable, so rules may judge it."""

    class FullStore(MemoryStore):
        def commit(self) -> None:
            raise StorageFullError("no space")

    receiver, told = told_by(FullStore())

    with pytest.raises(ApiError, match="samples cannot be stored: no space"):
        await receive(receiver, write_request((UP, [(NOW_MS, 1.0)])))

    assert told == [{"up"}]
