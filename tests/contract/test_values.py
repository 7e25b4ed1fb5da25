"""What every store promises of samples: they come back bit by bit, holes and ends included."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from tests.contract.sample import (
    EVERYTHING,
    HITS,
    MISSES,
    START_MS,
    TARGET,
    UP,
    append,
    bits,
    read,
    samples,
    series,
)

from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.storage import (
    ABSENT,
    STALE_MARKER,
    Store,
)

# Values and their times


def test_samples_come_back(store: Store) -> None:
    """What was appended is selected, series by series."""
    target = store.target(TARGET)

    append(target, 0, {UP: 1.0, HITS: 10.0})
    append(target, 1000, {UP: 1.0, HITS: 12.0})

    assert read(store) == {UP: samples((0, 1), (1000, 1)), HITS: samples((0, 10), (1000, 12))}


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(0x8000_0000_0000_0000, id="minus zero"),
        pytest.param(0x7FF0_0000_0000_0000, id="infinity"),
        pytest.param(0xFFF0_0000_0000_0000, id="minus infinity"),
        pytest.param(0x7FF8_0000_0000_0001, id="the usual NaN"),
        pytest.param(0xFFF8_DEAD_BEEF_0001, id="a NaN with a payload"),
        pytest.param(0x7FF0_0000_0000_0001, id="a signalling NaN"),
        pytest.param(0x7FF0_0000_0000_0002, id="the stale marker"),
        pytest.param(0x0000_0000_0000_0001, id="the smallest number"),
        pytest.param(0x7FEF_FFFF_FFFF_FFFF, id="the largest number"),
    ],
)
def test_values_keep_their_bits(store: Store, pattern: int) -> None:
    """No value passes through arithmetic on its way."""
    target = store.target(TARGET)
    value = np.frombuffer(struct.pack("<Q", pattern))

    for at_ms in range(0, 30_000, 1000):
        target.append(START_MS + at_ms, target.columns([UP]), value)
        store.commit()

    assert read(store) == {UP: [(at_ms, pattern) for at_ms in range(0, 30_000, 1000)]}


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "expected"),
    [
        pytest.param(1000, 2000, [1000, 2000], id="both ends are inclusive"),
        pytest.param(1001, 2999, [2000], id="between samples"),
        pytest.param(2000, 2000, [2000], id="one moment"),
        pytest.param(-5000, 0, [0], id="before the first"),
        pytest.param(29_000, 99_000, [29_000], id="after the last"),
        pytest.param(1001, 1999, [], id="where no sample is"),
        pytest.param(30_000, 99_000, [], id="after all"),
        pytest.param(2000, 1000, [], id="an end before the start"),
    ],
)
def test_ranges_are_closed(store: Store, start_ms: int, end_ms: int, expected: list[int]) -> None:
    """A range has the samples at both of its ends."""
    target = store.target(TARGET)
    for at_ms in range(0, 30_000, 1000):
        append(target, at_ms, {UP: at_ms})
        store.commit()

    found = read(store, start_ms=start_ms, end_ms=end_ms)

    assert found == ({UP: samples(*((at, at) for at in expected))} if expected else {})


def test_series_without_rows_are_left_out(store: Store) -> None:
    """A series that has no sample in the range brings no columns without rows."""
    target = store.target(TARGET)
    target.columns([MISSES])

    append(target, 0, {UP: 1})

    assert store.select([EVERYTHING], START_MS + 1, START_MS + 10) == []
    assert read(store) == {UP: samples((0, 1))}
    assert store.series([EVERYTHING], START_MS, START_MS) == [UP]


# Late, missing and ended series


def test_each_range_has_the_series_that_live_in_it(store: Store) -> None:
    """However many ranges are asked for, each sees its own series and no other."""
    target = store.target(TARGET)
    for row in range(20):
        append(target, row * 1000, {series(f"m{row}"): 1})
        store.commit()

    for row in range(20):
        at_ms = row * 1000
        found = read(store, start_ms=at_ms, end_ms=at_ms)
        assert found == {series(f"m{row}"): samples((at_ms, 1))}


def test_hole_is_no_sample(store: Store) -> None:
    """Whoever appends ABSENT has appended nothing, wherever the row lies later."""
    target = store.target(TARGET)
    for row in range(20):
        append(target, row * 1000, {UP: float(ABSENT)})
        store.commit()

    assert read(store) == {}


def test_late_series_gets_a_new_column(store: Store) -> None:
    """A series that comes later is absent before; the columns that were there keep their place."""
    target = store.target(TARGET)
    before = target.columns([UP, HITS]).tolist()
    for second in range(20):
        append(target, second * 1000, {UP: 1, HITS: second})

    for second in range(20, 40):
        append(target, second * 1000, {UP: 1, HITS: second, MISSES: second})

    assert target.columns([UP, HITS]).tolist() == before
    found = read(store)
    assert found[MISSES] == samples(*((second * 1000, second) for second in range(20, 40)))
    assert found[HITS] == samples(*((second * 1000, second) for second in range(40)))


def test_gaps_are_announced(store: Store) -> None:
    """`has_gaps` is true wherever a selected row lacks a sample."""
    target = store.target(TARGET)
    append(target, 0, {UP: 1, HITS: 1})
    append(target, 1000, {UP: 1})
    append(target, 2000, {UP: 1, HITS: 3})

    (columns,) = store.select([Matcher("__name__", MatchOperator.EQUAL, "hits_total")], 0, 1 << 60)

    assert columns.has_gaps
    assert columns.values[:, 0].view(np.uint64).tolist() == [bits(1), bits(ABSENT), bits(3)]


def test_stale_marker_is_a_gap(store: Store) -> None:
    """A selection with a stale marker announces gaps; the marker ends the series."""
    target = store.target(TARGET)
    append(target, 0, {HITS: 1})
    append(target, 1000, {HITS: float(STALE_MARKER)})

    (columns,) = store.select([EVERYTHING], START_MS, START_MS + 5000)

    assert columns.has_gaps
    assert read(store)[HITS][-1] == (1000, bits(STALE_MARKER))


def test_measured_nan_is_no_gap(store: Store) -> None:
    """A NaN that was measured is a value like any other."""
    target = store.target(TARGET)
    append(target, 0, {HITS: float("nan")})
    append(target, 1000, {HITS: float("nan")})

    (columns,) = store.select([EVERYTHING], START_MS, START_MS + 5000)

    assert not columns.has_gaps


def test_whole_columns_have_no_gaps(store: Store) -> None:
    """Where every row has every selected series, `has_gaps` is False."""
    target = store.target(TARGET)
    for second in range(40):
        append(target, second * 1000, {UP: 1, HITS: second})
        store.commit()

    found = store.select([EVERYTHING], START_MS, START_MS + 40_000)

    assert [columns.has_gaps for columns in found] == [False]


def test_series_that_comes_back_continues(store: Store) -> None:
    """A series that ended, and whose samples left memory, goes on in its column."""
    target = store.target(TARGET)
    column = target.columns([HITS])
    append(target, 0, {UP: 1, HITS: 1})
    append(target, 1000, {UP: 1, HITS: float(STALE_MARKER)})
    for second in range(2, 40):
        append(target, second * 1000, {UP: 1})
        store.commit()
    assert HITS not in read(store, start_ms=2000)

    target.append(START_MS + 40_000, column, np.array([7.0]))

    assert read(store)[HITS] == samples((0, 1), (1000, float(STALE_MARKER)), (40_000, 7))
