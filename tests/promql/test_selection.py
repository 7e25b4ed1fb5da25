from __future__ import annotations

import numpy as np
import pytest

from sakshi.model.labels import Labels
from sakshi.promql.selection import (
    COPIED_PER_PART,
    JoinedSeries,
    Selection,
    iter_dense,
    newest,
    samples,
)
from sakshi.storage import (
    ABSENT,
    STALE_MARKER,
    SeriesColumns,
    SeriesList,
    is_absent,
    is_stale,
)

SEED = 9


def selection_of(values: list[list[float]]) -> Selection:
    """Return columns sampled at 10, 20, 30, ..."""
    table = np.array(values)
    series = SeriesList([Labels({"c": str(column)}) for column in range(table.shape[1])])
    times = 10 * np.arange(1, len(table) + 1, dtype=np.int64)
    return Selection(series, [SeriesColumns(series, times, table)])


def test_columns_with_the_same_holes_stay_together() -> None:
    """Columns are split by their pattern of holes, and each part is dense."""
    selection = selection_of([[1, 2, ABSENT], [3, ABSENT, 4], [5, 6, 7], [8, ABSENT, 9]])

    dense = list(iter_dense(selection, 0, 100, keep_stale=True))

    assert [part.values.tolist() for part in dense] == [
        [[1], [3], [5], [8]],
        [[2], [6]],
        [[4], [7], [9]],
    ]
    assert [part.timestamps.tolist() for part in dense] == [
        [10, 20, 30, 40],
        [10, 30],
        [20, 30, 40],
    ]


def test_only_rows_in_the_left_open_range_are_read() -> None:
    """A sample at the left edge is out, one at the right edge is in."""
    selection = selection_of([[1], [2], [3]])

    (dense,) = iter_dense(selection, 10, 30, keep_stale=True)

    assert dense.values.tolist() == [[2], [3]]
    assert list(iter_dense(selection, 30, 90, keep_stale=True)) == []


def test_columns_that_are_all_holes_are_left_out() -> None:
    """A series without a sample in the range is in no part."""
    selection = selection_of([[ABSENT, 1]])

    (dense,) = iter_dense(selection, 0, 90, keep_stale=True)

    assert np.arange(2)[dense.columns].tolist() == [1]


def test_series_are_looked_up_as_one_by_one() -> None:
    """Whatever the holes: the newest sample in reach, unless it is a stale marker."""
    generator = np.random.default_rng(SEED)
    values = generator.random((40, 12))
    values[generator.random(values.shape) < 0.5] = ABSENT
    values[generator.random(values.shape) < 0.1] = STALE_MARKER
    selection = selection_of(values.tolist())
    times = np.arange(1, 500, 7, dtype=np.int64)

    vector = newest(selection, times, 60)
    ages = newest(selection, times, 60, ask_time=True)

    assert vector.present is not None
    for (step, column), is_present in np.ndenumerate(vector.present):
        rows = [
            row
            for row in range(40)
            if times[step] - 60 < 10 * (row + 1) <= times[step]
            and not is_absent(values[row : row + 1, column])[0]
        ]
        wanted = bool(rows) and not is_stale(values[rows[-1] :, column][:1])[0]
        assert is_present == wanted, f"seed {SEED}"
        if wanted:
            assert vector.values[step, column] == values[rows[-1], column]
            assert ages.values[step, column] == (rows[-1] + 1) / 100


def test_samples_come_in_the_order_of_the_series() -> None:
    """Splitting by holes does not show."""
    selection = selection_of([[1, ABSENT, 3], [STALE_MARKER, 4, 5]])

    found = samples(selection, 0, 90)

    assert [(series.labels["c"], series.values.tolist()) for series in found] == [
        ("0", [1]),
        ("1", [4]),
        ("2", [3, 5]),
    ]


def test_joined_series_are_the_same_list_each_time() -> None:
    """What is remembered with a list is found again; the one not used for longest goes."""
    parts = [
        SeriesColumns(SeriesList([Labels({"c": name})]), np.array([1]), np.array([[1.0]]))
        for name in "abc"
    ]
    joined = JoinedSeries(2)
    first, second = joined.select(parts[:2]).series, joined.select(parts[1:]).series

    assert [labels["c"] for labels in first] == ["a", "b"]
    assert joined.select(parts[:2]).series is first
    joined.select(parts)
    assert joined.select(parts[:2]).series is first
    assert joined.select(parts[1:]).series is not second


def test_series_of_one_target_are_its_own_list() -> None:
    """Nothing is joined where there is nothing to join."""
    series = SeriesList([Labels()])
    part = SeriesColumns(series, np.array([1]), np.array([[1.0]]))

    assert JoinedSeries(1).select([part]).series is series


def test_selection_knows_its_size() -> None:
    """Its cells are what the budget is charged for."""
    assert selection_of([[1, 2], [3, 4], [5, 6]]).cells == 6


@pytest.mark.parametrize("keep_stale", [True, False])
def test_stale_markers_are_samples_or_holes(keep_stale: bool) -> None:
    """An instant vector needs them, to end a series; a range vector does not have them."""
    selection = selection_of([[1], [STALE_MARKER]])

    (dense,) = iter_dense(selection, 0, 90, keep_stale=keep_stale)

    assert len(dense.timestamps) == 1 + keep_stale


def scraped(
    name: str, moments: list[int], *rows: list[float], has_gaps: bool = False
) -> SeriesColumns:
    """Columns of one target, by its name."""
    series = SeriesList([Labels({"instance": name, "n": str(n)}) for n in range(len(rows[0]))])
    return SeriesColumns(series, np.array(moments), np.array(rows), has_gaps)


def test_targets_that_are_scraped_together_are_read_as_one() -> None:
    """Neighbours with the same moments and without gaps become one part; nothing else changes."""
    parts = [
        scraped("a", [10, 20], [1.0, 2.0], [3.0, 4.0]),
        scraped("b", [10, 20], [5.0], [6.0]),
        scraped("c", [10, 21], [7.0], [8.0]),
        scraped("d", [10, 21], [9.0], [ABSENT], has_gaps=True),
        scraped("e", [10, 21], [11.0], [12.0]),
        scraped("f", [10, 21], [13.0], [14.0]),
    ]
    joined = JoinedSeries(10)

    first, second = joined.select(parts), joined.select(parts)

    expected = [[[1, 2, 5], [3, 4, 6]], [[7], [8]], [[9], [ABSENT]], [[11, 13], [12, 14]]]
    assert len(first.parts) == len(expected)
    for part, values in zip(first.parts, expected, strict=True):
        np.testing.assert_array_equal(part.values, values)
    assert list(first.series) == [labels for part in parts for labels in part.series]
    assert [labels for part in first.parts for labels in part.series] == list(first.series)
    assert first.series is second.series
    assert [a.series is b.series for a, b in zip(first.parts, second.parts, strict=True)] == [
        True
    ] * 4


def test_targets_with_very_many_numbers_are_not_copied() -> None:
    """Beyond the bound each stays what it was."""
    values = np.broadcast_to(1.0, (2, COPIED_PER_PART // 2 + 1))
    series = SeriesList([Labels({"n": str(n)}) for n in range(values.shape[1])])
    parts = [SeriesColumns(series, np.array([10, 20]), values, has_gaps=False)] * 2

    assert JoinedSeries(10).select(parts).parts is parts
