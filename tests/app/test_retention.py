from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import FakeClock

from sakshi.app.retention import DOUBT_SECONDS, JUMP_MS, Retention, expire_forever
from sakshi.model.labels import Labels
from sakshi.storage import ImportBatch, SqliteStore

DAY_MS = 86_400_000
MINUTE_MS = 60_000


def test_what_is_older_than_the_retention_may_go(clock: FakeClock) -> None:
    """Counted from now."""
    retention = Retention(DAY_MS, clock, clock.now_ms)
    clock.move(MINUTE_MS)

    assert retention.before_ms() == clock.now_ms() - DAY_MS


@pytest.mark.parametrize(
    ("newest_ms", "expected_ms"),
    [
        pytest.param(86_400_000, 0, id="what nothing follows stays: 1970"),
        pytest.param(1_700_000_000_000 + DAY_MS, 1_700_000_000_000 - DAY_MS, id="not from ahead"),
        pytest.param(None, None, id="nothing is there"),
    ],
)
def test_age_is_counted_from_the_newest_sample(
    clock: FakeClock, newest_ms: int | None, expected_ms: int | None
) -> None:
    """Or from now, whichever is earlier."""
    assert Retention(DAY_MS, clock, lambda: newest_ms).before_ms() == expected_ms


async def test_what_was_imported_stays_until_something_follows(
    clock: FakeClock, tmp_path: Path
) -> None:
    """A store with samples of 1970 alone keeps those of the last day of them, for ever."""
    store = SqliteStore(tmp_path, clock=clock)
    up = Labels({"__name__": "up"})
    moments = np.array([0, DAY_MS, 2 * DAY_MS])
    store.import_samples(ImportBatch([up], np.zeros(3, np.intp), moments, np.ones(3)))
    task = asyncio.create_task(expire_forever(store, DAY_MS, clock))

    def oldest_ms() -> int | None:
        return store.statistics().oldest_ms

    try:
        await clock.advance(30 * 86_400)
        assert oldest_ms() == 0  # one span: it goes once all of it is older
        target = store.target(Labels({"job": "now"}))
        target.append(clock.now_ms(), target.columns([up.updated({"job": "now"})]), np.ones(1))
        await expired(clock, lambda: oldest_ms() != 0)
    finally:
        task.cancel()
        store.close()


async def expired(clock: FakeClock, condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        await clock.advance(60)
        if condition():
            return
        await asyncio.sleep(0.001)  # it expires on a thread
    pytest.fail("nothing was forgotten")


@pytest.mark.parametrize("jump_ms", [30 * DAY_MS, -30 * DAY_MS, JUMP_MS + 1])
def test_nothing_goes_while_the_clock_is_in_doubt(
    clock: FakeClock, jump_ms: int, caplog: pytest.LogCaptureFixture
) -> None:
    """For an hour after a jump in either direction; said once."""
    retention = Retention(DAY_MS, clock, clock.now_ms)
    clock.start_ms += jump_ms  # the hour jumps, the seconds do not

    with caplog.at_level(logging.WARNING):
        found = []
        for _ in range(61):
            found.append(retention.before_ms())
            clock.move(MINUTE_MS)

    assert found[:60] == [None] * 60
    assert found[60] == clock.now_ms() - MINUTE_MS - DAY_MS
    assert len(caplog.records) == 1
    assert DOUBT_SECONDS == 3600.0


def test_a_clock_that_is_set_right_again_is_in_doubt_anew(clock: FakeClock) -> None:
    """There and back within the hour: the second jump begins a new hour."""
    retention = Retention(DAY_MS, clock, clock.now_ms)
    clock.start_ms += 30 * DAY_MS
    assert retention.before_ms() is None
    clock.move(50 * MINUTE_MS)
    clock.start_ms -= 30 * DAY_MS
    assert retention.before_ms() is None

    clock.move(59 * MINUTE_MS)
    assert retention.before_ms() is None
    clock.move(MINUTE_MS)
    assert retention.before_ms() == clock.now_ms() - DAY_MS


def test_small_corrections_are_none_of_its_business(clock: FakeClock) -> None:
    """NTP sets a clock by seconds."""
    retention = Retention(DAY_MS, clock, clock.now_ms)
    clock.start_ms += JUMP_MS

    assert retention.before_ms() == clock.now_ms() - DAY_MS
