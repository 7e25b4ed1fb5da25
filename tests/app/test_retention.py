from __future__ import annotations

import logging

import pytest
from tests.conftest import FakeClock

from sakshi.app.retention import DOUBT_SECONDS, JUMP_MS, Retention

DAY_MS = 86_400_000
MINUTE_MS = 60_000


def test_what_is_older_than_the_retention_may_go(clock: FakeClock) -> None:
    """Counted from now."""
    retention = Retention(DAY_MS, clock)
    clock.move(MINUTE_MS)

    assert retention.before_ms() == clock.now_ms() - DAY_MS


@pytest.mark.parametrize("jump_ms", [30 * DAY_MS, -30 * DAY_MS, JUMP_MS + 1])
def test_nothing_goes_while_the_clock_is_in_doubt(
    clock: FakeClock, jump_ms: int, caplog: pytest.LogCaptureFixture
) -> None:
    """For an hour after a jump in either direction; said once."""
    retention = Retention(DAY_MS, clock)
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
    retention = Retention(DAY_MS, clock)
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
    retention = Retention(DAY_MS, clock)
    clock.start_ms += JUMP_MS

    assert retention.before_ms() == clock.now_ms() - DAY_MS
