"""What every store promises of order: a series grows forwards, and a moment has one value."""

from __future__ import annotations

import pytest
from tests.contract.sample import (
    EVERYTHING,
    HITS,
    MISSES,
    START_MS,
    TARGET,
    UP,
    append,
    read,
    samples,
)

from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.storage import (
    STALE_MARKER,
    DuplicateSampleError,
    OutOfOrderSampleError,
    Store,
)


def test_older_sample_is_refused(store: Store) -> None:
    """A sample older than its series' newest is out of order; nothing of its row is kept."""
    target = store.target(TARGET)
    append(target, 1000, {HITS: 1})

    with pytest.raises(OutOfOrderSampleError) as caught:
        append(target, 500, {UP: 1, HITS: 0})

    assert str(caught.value) == (
        'hits_total{instance="a", job="chat"} has a sample at 2023-11-14T22:13:21.000Z, '
        "which is newer than the one given for 2023-11-14T22:13:20.500Z"
    )
    assert read(store) == {HITS: samples((1000, 1))}


def test_other_value_at_the_same_moment_is_refused(store: Store) -> None:
    """A moment has one value; nothing of the row that brings another is kept."""
    target = store.target(TARGET)
    append(target, 0, {HITS: 1})

    with pytest.raises(DuplicateSampleError) as caught:
        append(target, 0, {UP: 1, HITS: 2})

    assert str(caught.value) == (
        'hits_total{instance="a", job="chat"} already has another value at 2023-11-14T22:13:20.000Z'
    )
    assert read(store) == {HITS: samples((0, 1))}


def test_zero_and_minus_zero_are_different_values(store: Store) -> None:
    """Repetition is judged by bits."""
    target = store.target(TARGET)
    append(target, 0, {HITS: 0.0})

    with pytest.raises(DuplicateSampleError):
        append(target, 0, {HITS: -0.0})


def test_repetition_changes_nothing(store: Store) -> None:
    """A batch that is sent again is stored once, also after newer ones, and whatever its order."""
    target = store.target(TARGET)
    append(target, 0, {UP: 1, HITS: float("nan")})
    append(target, 0, {HITS: float("nan"), UP: 1})
    append(target, 1000, {UP: 1, HITS: 2})

    append(target, 0, {HITS: float("nan"), UP: 1})
    append(target, 1000, {UP: 1})

    assert read(store) == {
        UP: samples((0, 1), (1000, 1)),
        HITS: samples((0, float("nan")), (1000, 2)),
    }


def test_appends_at_one_moment_are_one_row(store: Store) -> None:
    """Columns that come one after the other for the same moment share a row."""
    target = store.target(TARGET)
    append(target, 0, {UP: 1})
    store.commit()

    append(target, 0, {HITS: 5})
    append(target, 0, {MISSES: 6})

    (columns,) = store.select([EVERYTHING], START_MS, START_MS)
    assert columns.values.shape == (1, 3)
    assert read(store) == {UP: samples((0, 1)), HITS: samples((0, 5)), MISSES: samples((0, 6))}


def test_row_of_the_past_is_inserted(store: Store) -> None:
    """A row may lie before the target's newest, if the series that it names have nothing newer."""
    target = store.target(TARGET)
    for second in range(0, 60, 2):
        append(target, second * 1000, {UP: 1})
        store.commit()

    append(target, 5000, {HITS: 5})
    append(target, 6000, {HITS: 6, MISSES: 7})
    store.commit()

    found = read(store)
    assert found[HITS] == samples((5000, 5), (6000, 6))
    assert found[MISSES] == samples((6000, 7))
    assert found[UP] == samples(*((second * 1000, 1) for second in range(0, 60, 2)))


def test_series_of_two_targets_is_one(store: Store) -> None:
    """A series that moved from one target to another appears once, with all its samples."""
    first, second = store.target(TARGET), store.target(Labels({"rule_group": "new"}))
    append(first, 0, {UP: 1, HITS: 1})
    append(first, 1000, {UP: 1, HITS: float(STALE_MARKER)})
    append(second, 1000, {HITS: 2})
    append(second, 2000, {HITS: 3})

    assert read(store) == {
        UP: samples((0, 1), (1000, 1)),
        HITS: samples((0, 1), (1000, 2), (2000, 3)),
    }
    assert store.series([EVERYTHING], START_MS, START_MS + 5000) == [HITS, UP]
    hits = Matcher("__name__", MatchOperator.EQUAL, "hits_total")
    assert read(store, hits, end_ms=500) == {HITS: samples((0, 1))}
    assert read(store, hits, start_ms=1500) == {HITS: samples((2000, 3))}
    assert read(store, hits, start_ms=500, end_ms=900) == {}
