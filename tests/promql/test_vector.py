from __future__ import annotations

import numpy as np
import pytest

from sakshi.model.labels import Labels
from sakshi.promql.engine import Scalar, Text, Vector
from sakshi.promql.errors import QueryEvaluationError
from sakshi.promql.memo import DERIVED_MAX, derive
from sakshi.promql.vector import (
    broadcast,
    compacted,
    join_steps,
    relabel,
    settled,
    taken,
    without_name,
)
from sakshi.storage import SeriesList


def vector(
    names: str, values: list[list[float]], present: list[list[bool]] | None = None
) -> Vector:
    series = SeriesList([Labels({"__name__": name, "job": "chat"}) for name in names])
    mask = None if present is None else np.array(present, np.bool_)
    return Vector(series, np.array(values), mask)


def test_new_labels_are_computed_once_a_list() -> None:
    """The same change of the same list gives the same list."""
    given = vector("ab", [[1, 2]])

    first = relabel(given, "host", lambda labels: labels.updated({"host": labels.name}))
    second = relabel(given, "host", lambda labels: labels)

    assert second.series is first.series


def test_series_that_become_one_are_merged_where_they_take_turns() -> None:
    """Two columns with one label set and never both present are one series."""
    given = vector("ab", [[1, 9], [9, 2]], [[True, False], [False, True]])

    merged = settled(without_name(given))

    assert list(merged.series) == [Labels({"job": "chat"})]
    assert merged.values.tolist() == [[1], [2]]


@pytest.mark.parametrize(
    "present",
    [None, [[True, False], [True, True]]],
    ids=["present everywhere", "present together at one step"],
)
def test_series_that_become_one_and_meet_are_an_error(present: list[list[bool]] | None) -> None:
    """One label set has one value a step."""
    given = vector("ab", [[1, 2], [3, 4]], present)

    with pytest.raises(QueryEvaluationError) as raised:
        settled(without_name(given))

    assert str(raised.value) == "vector cannot contain metrics with the same labelset"


def test_blocks_of_the_same_series_are_stacked() -> None:
    """A mask that one block lacks is made for it."""
    whole = vector("ab", [[1, 2]])
    part = Vector(whole.series, np.array([[3.0, 4.0]]), np.array([[True, False]]))

    joined = join_steps([whole, part])

    assert isinstance(joined, Vector)
    assert joined.series is whole.series
    assert joined.values.tolist() == [[1, 2], [3, 4]]
    assert joined.present is not None
    assert joined.present.tolist() == [[True, True], [True, False]]


def test_blocks_of_different_series_are_aligned_by_labels() -> None:
    """A series that one block lacks is absent at its steps."""
    joined = join_steps([vector("ab", [[1, 2]]), vector("bc", [[3, 4]])])

    assert isinstance(joined, Vector)
    assert [labels.name for labels in joined.series] == ["a", "b", "c"]
    assert joined.at(0) == [(joined.series[0], 1.0), (joined.series[1], 2.0)]
    assert joined.at(1) == [(joined.series[1], 3.0), (joined.series[2], 4.0)]


def test_scalars_and_texts_are_joined_too() -> None:
    """Scalars are lined up, a text is what it is at every step."""
    joined = join_steps([Scalar(np.array([1.0])), Scalar(np.array([2.0, 3.0]))])

    assert isinstance(joined, Scalar)
    assert joined.values.tolist() == [1, 2, 3]
    assert join_steps([Text("x"), Text("x")]) == Text("x")


def test_compacting_drops_empty_columns_and_useless_masks() -> None:
    """What is present nowhere goes; a mask that hides nothing goes too."""
    kept = compacted(vector("abc", [[1, 2, 3]], [[True, False, True]]))
    full = compacted(vector("a", [[1]], [[True]]))
    partly = compacted(vector("a", [[1], [2]], [[True], [False]]))

    assert [labels.name for labels in kept.series] == ["a", "c"]
    assert kept.present is None
    assert full.present is None
    assert partly.present is not None


def test_columns_are_taken_in_the_order_given() -> None:
    """Picking columns keeps labels, values and presence together."""
    found = taken(vector("ab", [[1, 2], [3, 4]], [[True, False], [True, True]]), np.array([1, 0]))

    assert [labels.name for labels in found.series] == ["b", "a"]
    assert found.at(0) == [(found.series[1], 1.0)]


def test_one_step_is_broadcast_without_a_copy() -> None:
    """A value that does not depend on the step takes no room for the others."""
    given = vector("a", [[1]], [[True]])

    shown = broadcast(given, 1000)

    assert isinstance(shown, Vector)
    assert shown.values.shape == (1000, 1)
    assert shown.values.base is not None
    assert shown.present is not None
    assert broadcast(Text("x"), 3) == Text("x")


def test_memo_of_a_list_is_bounded() -> None:
    """What is typed by hand does not pile up on a list that lives for months."""
    series = SeriesList([Labels()])

    for number in range(10 * DERIVED_MAX):
        derive(series, number, lambda: "derived")

    assert len(series.memo) <= DERIVED_MAX
