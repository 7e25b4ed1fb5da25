from __future__ import annotations

import pytest

from sakshi.rules.schedule import BurstSource, GroupSchedule


def run(schedule: GroupSchedule, bursts: list[float], end: float) -> list[float]:
    """Return when the group is evaluated, with bursts at these moments and an exact clock."""
    evaluated = []
    for burst in [*bursts, end]:
        while schedule.due_at() < burst:
            moment = schedule.due_at()
            assert schedule.take_time(moment)
            evaluated.append(moment)
        if burst < end and schedule.take_burst(burst):
            evaluated.append(burst)
    return evaluated


@pytest.mark.parametrize(
    ("bursts", "expected"),
    [
        pytest.param([], [15, 30, 45], id="without bursts: every interval, by the clock"),
        pytest.param([2, 17, 32, 47], [2, 17, 32, 47], id="bursts of the same interval: with each"),
        pytest.param([2, 16.8, 32.1, 46.9], [2, 16.8, 32.1, 46.9], id="jitter is forgiven"),
        pytest.param(
            [float(t) for t in range(1, 60)], [1, 16, 31, 46], id="faster bursts: every 15th"
        ),
        pytest.param([1, 6, 11, 16, 21, 26, 31, 36, 41, 46, 51], [1, 16, 31, 46], id="every third"),
        pytest.param([2], [2, 19, 34, 49], id="bursts cease: after a moment's grace, the clock"),
        pytest.param([2, 32], [2, 19, 32, 49], id="a burst half an interval after is due"),
        pytest.param([2, 17, 35, 50], [2, 17, 34, 50], id="a late burst is not worth a second one"),
        pytest.param([0, 60], [0, 17, 32, 47], id="slow bursts: the clock in between"),
    ],
)
def test_group_is_evaluated(bursts: list[float], expected: list[float]) -> None:
    """Every 15 s, right behind the bursts where there are some."""
    schedule = GroupSchedule(15.0, start=0.0)

    assert run(schedule, bursts, 60) == expected
    assert schedule.missed == 0


def test_first_evaluation_waits_for_data() -> None:
    """The first burst is due however early; without one, an interval passes."""
    assert GroupSchedule(15.0, start=0.0).take_burst(0.1)
    assert not GroupSchedule(15.0, start=0.0).take_time(14.9)


def test_missed_evaluations_are_counted_and_not_made_up() -> None:
    """After a pause of three intervals and a half there is one evaluation, and two were missed."""
    schedule = GroupSchedule(10.0, start=0.0)
    assert schedule.take_time(10.0)

    assert schedule.take_time(45.0)

    assert schedule.missed == 2
    assert not schedule.take_time(54.9)
    assert schedule.take_time(55.0)


def test_frequent_bursts_make_no_group_faster_than_its_interval() -> None:
    """Each evaluation may come a little early, but none earns the next one anything."""
    schedule = GroupSchedule(15.0, start=0.0)
    pushes = [index / 10 for index in range(35_900)]

    evaluated = [now for now in pushes if schedule.take_burst(now, BurstSource.PUSH)]

    assert len(evaluated) == 240
    assert evaluated[:3] == [0, 14.5, 29.5]


def test_a_group_follows_one_kind_of_burst_until_it_ceases() -> None:
    """Whoever came last is followed; by the clock, nobody is."""
    schedule = GroupSchedule(15.0, start=0.0)
    assert not any(map(schedule.follows, BurstSource))

    assert schedule.take_burst(1.0, BurstSource.SCRAPES)
    assert not schedule.take_burst(2.0, BurstSource.PUSH)
    assert [source for source in BurstSource if schedule.follows(source)] == [BurstSource.PUSH]
    assert not schedule.take_burst(16.0, BurstSource.PUSH), "counted from the first push"
    assert schedule.take_burst(17.0, BurstSource.PUSH)

    assert schedule.take_time(schedule.due_at())
    assert not any(map(schedule.follows, BurstSource))
