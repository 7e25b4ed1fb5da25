"""What one remote gets, and when: everything that is durable, in order, whatever happens."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import FakeClock
from tests.remote_write.remote import (
    START_MS,
    TARGET,
    URL,
    Remote,
    Station,
    send_all,
    series,
    times,
)

from sakshi.model.labels import Labels
from sakshi.remote_write import CursorError, CursorFile, QueueConfig, RemoteWriteConfig
from sakshi.remote_write.client import Answer
from sakshi.scrape import RelabelAction, RelabelRule, ScrapeError
from sakshi.storage import (
    STALE_MARKER,
    DuplicateSampleError,
    OutOfOrderSampleError,
)

OTHER = Labels({"job": "worker", "instance": "b"})


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    made = Station(tmp_path)
    yield made
    made.close()


class BrokenFile(CursorFile):
    """Cursors that the disk takes no more: what is known is what was known at the start."""

    is_broken = False

    def save(self, *args: object, **kwargs: object) -> None:
        if self.is_broken:
            raise CursorError("disk full")
        super().save(*args, **kwargs)  # type: ignore[arg-type]


# In the ordinary way


async def test_everything_is_sent_bit_by_bit(station: Station) -> None:
    """Every sample that became durable, once; a stale marker as what it is."""
    remote = Remote()
    sender = station.start(remote)
    for at_ms in range(0, 20_000, 1000):
        station.append(at_ms, {"up": 1.0, "minus": -0.0, "not": float("nan")})
        station.append(at_ms + 1, {"up": 0.5}, OTHER)
        await sender.run_round()
    station.append(20_000, {"up": STALE_MARKER, "minus": STALE_MARKER})

    await send_all(sender)

    assert remote.samples == station.stored()
    assert remote.refused == 0
    assert sum(map(len, remote.requests)) == 82 == station.value("samples_total")


async def test_what_is_not_durable_is_not_sent(station: Station) -> None:
    """The other side never has what a crash here takes back."""
    remote = Remote()
    sender = station.start(remote)
    station.append(0, {"up": 1.0}, commit=False)

    await send_all(sender)
    assert remote.requests == []

    station.store.commit()
    await send_all(sender)
    assert times(remote.requests) == [[0]]


async def test_a_new_remote_begins_now(station: Station) -> None:
    """What became durable before is not sent, nor is what comes late behind it."""
    station.append(0, {"up": 1.0})
    remote = Remote()

    sender = station.start(remote)
    station.append(1000, {"up": 1.0})
    station.append(0, {"first": 1.0}, OTHER)  # of a target that came later: everything
    await send_all(sender)

    assert remote.samples == {
        series("up"): {START_MS + 1000: 0x3FF0_0000_0000_0000},
        series("first", OTHER): {START_MS: 0x3FF0_0000_0000_0000},
    }


async def test_requests_are_full_and_no_fuller(tmp_path: Path) -> None:
    """Rows of several targets go together, up to so many samples; a larger row is parted."""
    queue = QueueConfig(samples_max=4)
    station = Station(tmp_path, RemoteWriteConfig(URL, queue=queue))
    remote = Remote()
    sender = station.start(remote)
    station.append(0, dict.fromkeys("abc", 1.0))
    station.append(0, {"d": 1.0}, OTHER)
    station.append(1000, dict.fromkeys("abcdefghi", 1.0))

    await send_all(sender)

    assert sorted(map(len, remote.requests)) == [1, 4, 4, 4]
    assert remote.samples == station.stored()
    station.close()


async def test_external_labels_and_rules_are_applied(tmp_path: Path) -> None:
    """External labels where a series has none of that name; then the rules, which may drop it."""
    rules = (
        RelabelRule(RelabelAction.DROP, ["__name__"], regex="secret"),
        RelabelRule(source_labels=["zone", "job"], target_label="place", regex="(.*);(.*)"),
        RelabelRule(RelabelAction.LABEL_DROP, regex="instance"),
    )
    external = Labels({"zone": "x", "job": "not this"})
    station = Station(tmp_path, RemoteWriteConfig(URL, relabel_rules=rules), external)
    remote = Remote()
    sender = station.start(remote)
    station.append(0, {"up": 1.0, "secret": 2.0})

    await send_all(sender)

    assert list(map(str, remote.samples)) == ['up{job="chat", place="x", zone="x"}']
    assert station.value("samples_dropped_total", reason="relabelled") == 1
    station.close()


async def test_old_samples_are_dropped(tmp_path: Path) -> None:
    """Older than the limit, they are counted and not sent."""
    config = RemoteWriteConfig(URL, queue=QueueConfig(sample_age_ms=5000))
    station = Station(tmp_path, config, clock=FakeClock(START_MS + 10_000))
    remote = Remote()
    sender = station.start(remote)
    for at_ms in (4999, 5000, 5001):
        station.append(at_ms, {"up": 1.0, "down": 0.0})

    await send_all(sender)

    assert times(remote.requests) == [[5000, 5001]]
    assert station.value("samples_dropped_total", reason="too_old") == 2
    station.close()


async def test_targets_that_are_gone_are_forgotten(station: Station) -> None:
    """Cursors are kept for what the store knows."""
    sender = station.start(Remote())
    station.append(0, {"up": 1.0})
    station.append(500_000, {"up": 1.0}, OTHER)
    await send_all(sender)

    station.store.expire(START_MS + 100_000)
    for _ in range(2):  # columns are kept for a while
        station.store.expire(START_MS + 4_000_000)
    station.append(5_000_000, {"up": 1.0}, OTHER)
    await send_all(sender)

    cursors = station.file.load(URL)
    assert cursors is not None
    assert cursors.acknowledged == station.store.progress().committed


# When the other side fails


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(Answer(500), id="500"),
        pytest.param(Answer(503, "", 0.01), id="503"),
        pytest.param(Answer(302), id="a redirect"),
        pytest.param(Answer(429, "", 0.01), id="429 that says when"),
        pytest.param(ScrapeError("timed out after 30 s"), id="no answer"),
    ],
)
async def test_what_may_pass_is_repeated(station: Station, failure: Answer | ScrapeError) -> None:
    """The same request again and again, with pauses that double up to the maximum."""
    remote = Remote()
    remote.script = [failure] * 12
    sender = station.start(remote)
    station.append(0, {"up": 1.0})

    round_ = asyncio.create_task(sender.run_round())
    counts = []
    for seconds in (0.0, 0.03, 0.06, 0.12, 0.24, 0.48, 0.96, 1.92, 3.84, 4.99, 0.01, 5.0):
        await station.clock.advance(seconds)
        counts.append(len(remote.requests))
    await station.clock.advance(5.0)

    assert counts == [1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10, 11]
    assert not round_.done()
    await station.clock.advance(5.0)
    assert await round_ is False
    assert remote.samples == station.stored()
    assert station.value("samples_retried_total") == 12
    assert station.value("samples_failed_total") == 0


async def test_a_remote_that_says_when_is_not_asked_before(station: Station) -> None:
    """Retry-After counts where it is longer than the pause."""
    remote = Remote()
    remote.script = [Answer(429, "slow down", 30.0)]
    sender = station.start(remote)
    station.append(0, {"up": 1.0})

    round_ = asyncio.create_task(sender.run_round())
    await station.clock.advance(29.9)
    assert len(remote.requests) == 1
    await station.clock.advance(0.2)
    assert len(remote.requests) == 2
    await round_


@pytest.mark.parametrize("retries", [True, False])
async def test_a_429_is_repeated_where_the_file_says_so(tmp_path: Path, retries: bool) -> None:
    """Without a Retry-After it is a refusal, as Prometheus has it by default."""
    config = RemoteWriteConfig(URL, queue=QueueConfig(retries_429=retries))
    station = Station(tmp_path, config)
    remote = Remote()
    remote.script = [Answer(429)]
    sender = station.start(remote)
    station.append(0, {"up": 1.0})

    round_ = asyncio.create_task(sender.run_round())
    await station.clock.advance(1.0)
    await round_

    assert len(remote.requests) == (2 if retries else 1)
    assert station.value("samples_failed_total") == (0 if retries else 1)
    station.close()


async def test_what_is_refused_is_given_up(
    station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    """Counted, logged once a minute in the remote's words; what comes next is sent."""
    remote = Remote()
    remote.script = [Answer(400, "no such tenant"), Answer(404, "still not")]
    sender = station.start(remote)
    for at_ms in (0, 1000, 2000):
        station.append(at_ms, {"up": 1.0})
        await send_all(sender)

    assert remote.samples == {series("up"): {START_MS + 2000: 0x3FF0_0000_0000_0000}}
    assert station.value("samples_failed_total") == 2
    warnings = [entry.message for entry in caplog.records if entry.levelno == logging.WARNING]
    assert warnings == [
        f"remote write: samples given up remote={URL} reason='status 400: no such tenant'"
    ]


async def test_a_remote_that_is_behind_is_warned_of(
    station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    """After more than a minute, once a minute."""
    remote = Remote()
    remote.script = [ScrapeError("connection refused")] * 1000
    sender = station.start(remote)
    station.append(0, {"up": 1.0, "down": 0.0})

    run = asyncio.create_task(sender.run())
    await station.clock.advance(64.0)
    assert "behind" not in caplog.text
    await station.clock.advance(10.0)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)

    behind = [entry.message for entry in caplog.records if "behind" in entry.message]
    assert behind == [f"remote write: behind remote={URL} reason='70 s, about 2 samples'"]
    assert station.value("samples_pending") == 2


# Rhythm


async def test_samples_wait_for_others_until_the_deadline(station: Station) -> None:
    """A request that is not full goes when its time has come."""
    remote = Remote()
    sender = station.start(remote)
    run = asyncio.create_task(sender.run())
    await station.clock.advance(0.1)
    station.append(0, {"up": 1.0})
    await station.clock.advance(4.8)
    assert remote.requests == []
    await station.clock.advance(0.2)
    assert times(remote.requests) == [[0]]
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


async def test_a_full_request_does_not_wait(tmp_path: Path) -> None:
    """Enough samples go at the next look."""
    config = RemoteWriteConfig(URL, queue=QueueConfig(samples_max=2))
    station = Station(tmp_path, config)
    remote = Remote()
    run = asyncio.create_task(station.start(remote).run())
    await station.clock.advance(0.1)
    station.append(0, {"up": 1.0, "down": 0.0})
    await station.clock.advance(0.6)
    assert times(remote.requests) == [[0]]
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    station.close()


async def test_shards_double_while_all_goes_well(tmp_path: Path) -> None:
    """Few requests to begin with, and after a failure; never more than the maximum."""
    queue = QueueConfig(min_shards=2, max_shards=5, samples_max=1)
    station = Station(tmp_path, RemoteWriteConfig(URL, queue=queue))
    remote = Remote()
    sender = station.start(remote)
    for number in range(20):
        station.append(0, {"up": 1.0}, Labels({"job": str(number)}))

    sizes = []
    for _ in range(3):
        await sender.run_round()
        sizes.append(len(remote.requests))
    remote.script = [Answer(500)]
    round_ = asyncio.create_task(sender.run_round())
    await station.clock.advance(1.0)
    await round_

    assert sizes == [2, 6, 11]
    assert station.value("shards") == 2
    station.close()


# Late samples


async def test_late_samples_are_sent_in_requests_of_their_own(tmp_path: Path) -> None:
    """They come before what is newer; a remote that takes none refuses nothing else."""
    station = Station(tmp_path, out_of_order_ms=60_000)
    remote = Remote()
    sender = station.start(remote)
    station.append(10_000, {"up": 1.0})
    await send_all(sender)
    station.append(5000, {"up": 0.0, "sparse": 5.0})
    station.append(10_000, {"fills": 2.0})
    station.append(11_000, {"up": 1.0, "sparse": 6.0})

    await send_all(sender)

    assert remote.samples[series("sparse")].keys() == {START_MS + 5000, START_MS + 11_000}
    assert remote.samples[series("fills")].keys() == {START_MS + 10_000}
    assert remote.samples[series("up")].keys() == {START_MS + 10_000, START_MS + 11_000}
    assert station.value("samples_failed_total") == 1
    assert station.forgotten == [(URL, station.store.progress().late_id)]
    station.close()


async def test_late_samples_reach_a_remote_that_takes_them(tmp_path: Path) -> None:
    """Whatever the store took is there."""
    station = Station(tmp_path, out_of_order_ms=60_000)
    remote = Remote(takes_older=True)
    sender = station.start(remote)
    for at_ms in (30_000, 10_000, 20_000, 31_000, 5000):
        station.append(at_ms, {"up": float(at_ms)})
        await send_all(sender)

    assert remote.samples == station.stored()
    assert remote.refused == 0
    station.close()


# Starts, stops, crashes


async def test_a_restart_goes_on_where_it_was(station: Station) -> None:
    """Nothing is sent twice after an orderly end, nothing is missing."""
    remote = Remote()
    for start in range(0, 30_000, 10_000):
        sender = station.start(remote)
        for at_ms in range(start, start + 10_000, 1000):
            station.append(at_ms, {"up": 1.0})
            await sender.run_round()
        station.append(start + 9500, {"up": 2.0})  # nobody was there to send it

    await send_all(station.start(remote))

    assert remote.samples == station.stored()
    assert sum(map(len, remote.requests)) == 33


@pytest.mark.parametrize("takes_older", [True, False])
async def test_a_crash_costs_nothing(tmp_path: Path, takes_older: bool) -> None:
    """Requests that arrived, but whose cursors were lost, take nothing else with them."""
    config = RemoteWriteConfig(URL, queue=QueueConfig(samples_max=50))
    station = Station(tmp_path, config)
    remote = Remote(takes_older)
    await send_all(station.start(remote))
    file = BrokenFile(tmp_path / "remote-write.db")
    sender = station.start(remote, file)
    for at_ms in range(0, 20_000, 1000):
        station.append(at_ms, {"up": float(at_ms), "down": 1.0})
        station.append(at_ms, {"up": float(at_ms)}, OTHER)
    file.is_broken = True
    await send_all(sender)
    file.close()
    for at_ms in range(20_000, 40_000, 1000):
        station.append(at_ms, {"up": float(at_ms), "down": 1.0})
        station.append(at_ms, {"up": float(at_ms)}, OTHER)

    await send_all(station.start(remote))

    assert remote.samples == station.stored()
    station.close()


async def test_an_answer_that_is_lost_costs_nothing(station: Station) -> None:
    """The same request again: what is there is there."""
    remote = Remote()
    sender = station.start(remote)
    station.append(0, {"up": 1.0})
    remote.is_deaf = True
    round_ = asyncio.create_task(sender.run_round())
    await station.clock.advance(0.01)
    remote.is_deaf = False
    await station.clock.advance(1.0)
    await round_
    station.append(1000, {"up": 1.0})
    await send_all(sender)

    assert remote.samples == station.stored()
    assert station.value("samples_failed_total") == 0


async def test_cursors_that_cannot_be_saved_stop_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Samples are sent, once; only after a crash they would be sent again."""
    station = Station(tmp_path)
    remote = Remote()
    file = BrokenFile(tmp_path / "remote-write.db")
    sender = station.start(remote, file)
    file.is_broken = True
    for at_ms in (0, 1000):
        station.append(at_ms, {"up": 1.0})
        await send_all(sender)

    assert times(remote.requests) == [[0], [1000]]
    assert [entry.message for entry in caplog.records if entry.levelno == logging.WARNING] == [
        f"remote write: cursors cannot be saved remote={URL} reason='disk full'"
    ]
    file.close()
    station.close()


async def test_a_store_that_began_anew_is_sent_from_its_beginning(station: Station) -> None:
    """Late samples have small ids again; they are not taken for sent."""
    station.file.save(URL, {TARGET: START_MS + 10_000}, 1000)
    remote = Remote()
    sender = station.start(remote)
    station.append(10_000, {"up": 1.0})
    station.append(9000, {"late": 1.0})

    await send_all(sender)

    assert remote.samples == {series("late"): {START_MS + 9000: 0x3FF0_0000_0000_0000}}


@pytest.mark.parametrize("seed", range(3))
async def test_random_days_are_sent_whole(tmp_path: Path, seed: int) -> None:
    """Appends in any order, failures, crashes: a remote that takes older samples has all."""
    rng = random.Random(seed)
    queue = QueueConfig(samples_max=rng.choice([2, 7, 2000]), max_shards=rng.choice([1, 4]))
    station = Station(tmp_path, RemoteWriteConfig(URL, queue=queue), out_of_order_ms=20_000)
    remote = Remote(takes_older=True)
    file = BrokenFile(tmp_path / "remote-write.db")
    sender = station.start(remote, file)
    now_ms = 0
    for _ in range(150):
        now_ms += rng.choice([0, 1000])
        target = rng.choice([TARGET, OTHER])
        names = rng.sample("abcd", rng.randint(1, 4))
        try:
            station.append(
                now_ms - rng.choice([0, 0, 0, 3000, 15_000]),
                {name: float(rng.randint(0, 9)) for name in names},
                target,
                commit=rng.random() < 0.5,
            )
        except (DuplicateSampleError, OutOfOrderSampleError):
            continue
        if rng.random() < 0.3:
            remote.script = [Answer(500)] * rng.choice([0, 0, 1, 3])
            round_ = asyncio.create_task(sender.run_round())
            await station.clock.advance(60.0)
            await round_
        if rng.random() < 0.05:
            file.is_broken = not file.is_broken
        if rng.random() < 0.05:
            file.is_broken = False
            sender = station.start(remote, file)
    station.store.commit()
    await send_all(sender)

    assert remote.samples == station.stored()
    assert station.value("samples_failed_total") == 0
    file.close()
    station.close()


@pytest.mark.parametrize("seed", [1, 3, 5])
async def test_random_crashes_cost_a_strict_remote_nothing(tmp_path: Path, seed: int) -> None:
    """A Prometheus without a window has every row, though cursors and answers get lost."""
    rng = random.Random(seed)
    queue = QueueConfig(samples_max=rng.choice([3, 10, 2000]), max_shards=rng.choice([1, 4]))
    station = Station(tmp_path, RemoteWriteConfig(URL, queue=queue))
    remote = Remote()
    file = BrokenFile(tmp_path / "remote-write.db")
    sender = station.start(remote, file)
    for at_ms in range(0, 150_000, 1000):
        for target in rng.sample([TARGET, OTHER], rng.randint(1, 2)):
            names = rng.sample("abcd", rng.randint(1, 4))
            station.append(at_ms, {name: rng.random() for name in names}, target)
        if rng.random() < 0.4:
            file.is_broken = rng.random() < 0.3
            remote.is_deaf = rng.random() < 0.3
            round_ = asyncio.create_task(sender.run_round())
            await station.clock.advance(rng.choice([0.0, 0.02]))
            if file.is_broken or remote.is_deaf:  # killed, before or after its answers
                round_.cancel()
                await asyncio.gather(round_, return_exceptions=True)
                file.is_broken = remote.is_deaf = False
                sender = station.start(remote, file)
            await station.clock.advance(60.0)
            await asyncio.gather(round_, return_exceptions=True)
    await send_all(sender)

    assert remote.samples == station.stored()
    file.close()
    station.close()
