"""The set operators: and, or, unless. They compare label sets and never look at values."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from sakshi.model.labels import Labels
from sakshi.promql.ast import VectorMatching
from sakshi.promql.engine import Vector
from sakshi.promql.matching import match_groups
from sakshi.promql.memo import derive
from sakshi.promql.vector import (
    Indices,
    Nameless,
    Present,
    Relabeling,
    both,
    joined_nameless,
    merge,
    presence,
)
from sakshi.storage.store import SeriesList


@dataclass(frozen=True)
class SetPlan:
    """Which match group each series of two vectors belongs to.

    Args:
        left: shape (n,): for each series of the left vector the number of its group.
        right: shape (m,): the same for the right one.
        count: how many groups there are.
    """

    left: Indices
    right: Indices
    count: int


def combine_sets(operator: str, left: Vector, right: Vector, matching: VectorMatching) -> Vector:
    """Return the value of `and`, `or` or `unless`.

    `and` keeps the left series whose match group the right vector has at that step, `unless` those
    whose group it has not; `or` adds the right series whose group the left vector has not.
    """
    plan = derive(
        left.series,
        ("set plan", matching.on, matching.labels, right.series),
        lambda: _plan(left.series, right.series, matching),
    )
    if operator == "or":
        seen = _seen(presence(left), plan.left, plan.count)[:, plan.right]
        nameless = joined_nameless(left, right)
        return merge(
            _union(left.series, right.series, nameless),
            np.concatenate([left.values, right.values], axis=1),
            np.concatenate([presence(left), presence(right) & ~seen], axis=1),
            nameless,
        )
    seen = _seen(presence(right), plan.right, plan.count)[:, plan.left]
    kept = seen if operator == "and" else ~seen
    return left.holding(left.values, both(kept, left.present))


def _plan(left: SeriesList, right: SeriesList, matching: VectorMatching) -> SetPlan:
    positions: dict[Labels, int] = {}
    numbers = [
        np.array(
            [
                positions.setdefault(group, len(positions))
                for group in match_groups(series, matching)
            ],
            np.intp,
        )
        for series in (left, right)
    ]
    return SetPlan(numbers[0], numbers[1], len(positions))


def _union(left: SeriesList, right: SeriesList, nameless: Nameless) -> Relabeling:
    """Return the label sets of both; alike are those that also keep or lose their name alike."""
    if not isinstance(nameless, np.ndarray):
        key: Hashable = ("union", right)
        return derive(left, key, lambda: Relabeling.of((*left, *right)))
    key = ("union", right, nameless.tobytes())
    return derive(left, key, lambda: _marked_union((*left, *right), nameless.tolist()))


def _marked_union(labels: Sequence[Labels], marks: Sequence[bool]) -> Relabeling:
    positions: dict[tuple[Labels, bool], int] = {}
    columns = [
        positions.setdefault(item, len(positions)) for item in zip(labels, marks, strict=True)
    ]
    series = SeriesList([item for item, _ in positions])
    return Relabeling(series, np.array(columns, np.intp))


def _seen(present: Present, groups: Indices, count: int) -> Present:
    """Tell which groups have a series at each step, shape (steps, count)."""
    seen = np.zeros((len(present), count), np.bool_)
    steps, columns = np.nonzero(present)
    seen[steps, groups[columns]] = True
    return seen
