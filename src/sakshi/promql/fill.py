"""The fill modifiers: a side that has no series for a match group gets one with a given value.

    a + on (x) fill_right (0) b      an `a` without its `b` counts as `a + 0`
    a + on (x) fill (0) b            and a `b` without its `a` as `0 + b`

The series that are filled in have the labels of their match group, and are present at the steps at
which only the other side has the group: everything else is as for series that were measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sakshi.model.labels import Labels
from sakshi.promql.ast import Cardinality, VectorMatching
from sakshi.promql.engine import Vector
from sakshi.promql.matching import match_groups
from sakshi.promql.memo import derive
from sakshi.promql.vector import Indices, Present, presence
from sakshi.storage.store import SeriesList


@dataclass(frozen=True)
class FillPlan:
    """What is added to a vector so that it has all match groups of another.

    Args:
        series: the vector's label sets, and after them one for each match group of the other.
        own: shape (n,): the number of each series' match group.
        others: shape (m,): the same for the other vector.
        added: shape (groups of the other,): the numbers of the groups that are added.
        count: how many groups there are.
    """

    series: SeriesList
    own: Indices
    others: Indices
    added: Indices
    count: int


def filled(left: Vector, right: Vector, matching: VectorMatching) -> tuple[Vector, Vector]:
    """Return the sides of an operator that may have many and one series a group, both filled.

    Like Prometheus, `fill_left` is of the side that may have many: with group_right the right one.
    """
    many, one = (right, left) if matching.cardinality is Cardinality.ONE_TO_MANY else (left, right)
    if matching.fill_left is None and matching.fill_right is None:
        return many, one
    return _fill(many, one, matching, matching.fill_left), _fill(
        one, many, matching, matching.fill_right
    )


def _fill(vector: Vector, other: Vector, matching: VectorMatching, value: float | None) -> Vector:
    if value is None:
        return vector
    plan = derive(
        vector.series,
        ("fill plan", matching.on, matching.labels, other.series),
        lambda: _plan(vector.series, other.series, matching),
    )
    wanted = _seen(presence(other), plan.others, plan.count)
    missing = (wanted & ~_seen(presence(vector), plan.own, plan.count))[:, plan.added]
    nameless = vector.nameless
    if isinstance(nameless, np.ndarray):
        nameless = np.append(nameless, np.zeros(len(plan.added), np.bool_))
    return Vector(
        plan.series,
        np.concatenate([vector.values, np.full(missing.shape, value)], axis=1),
        np.concatenate([presence(vector), missing], axis=1),
        nameless,
    )


def _plan(series: SeriesList, other: SeriesList, matching: VectorMatching) -> FillPlan:
    numbers: dict[Labels, int] = {}
    others = [numbers.setdefault(group, len(numbers)) for group in match_groups(other, matching)]
    added = tuple(numbers)
    own = [numbers.setdefault(group, len(numbers)) for group in match_groups(series, matching)]
    return FillPlan(
        SeriesList((*series, *added)),
        np.array(own, np.intp),
        np.array(others, np.intp),
        np.arange(len(added), dtype=np.intp),
        len(numbers),
    )


def _seen(present: Present, groups: Indices, count: int) -> Present:
    """Tell which groups have a series at each step, shape (steps, count)."""
    seen = np.zeros((len(present), count), np.bool_)
    steps, columns = np.nonzero(present)
    seen[steps, groups[columns]] = True
    return seen
