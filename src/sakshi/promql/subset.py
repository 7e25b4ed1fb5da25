"""Aggregations that keep some series of each group as they are: topk, bottomk, limitk, limit_ratio.

Source:
    https://prometheus.io/docs/prometheus/latest/querying/operators/#aggregation-operators
    prometheus/prometheus promql/engine.go, aggregationK
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

import numpy as np

from sakshi.promql.ast import Aggregation
from sakshi.promql.block import Block
from sakshi.promql.engine import Vector
from sakshi.promql.errors import QueryEvaluationError
from sakshi.promql.grouping import Groups
from sakshi.promql.label_hash import HASH_MAX, label_hash
from sakshi.promql.memo import derive
from sakshi.promql.number import format_plain
from sakshi.promql.quantile import SORTED_AT_ONCE
from sakshi.promql.vector import Present, both
from sakshi.storage.store import SeriesList, Values

Select: TypeAlias = Callable[[Block, Aggregation, Vector, Groups, Values], Vector]
"""Keeps some columns of a vector that has any, given its groups and the parameter, (steps,)."""


def _best(sign: float) -> Select:
    """Return what keeps the k greatest of each group; the least where the sign is -1."""

    def select(
        block: Block, expr: Aggregation, vector: Vector, groups: Groups, parameter: Values
    ) -> Vector:
        rank = np.where(np.isnan(groups.values), -math.inf, groups.values * sign)
        return _keep(block, expr, vector, groups, parameter, rank)

    return select


def _first(
    block: Block, expr: Aggregation, vector: Vector, groups: Groups, parameter: Values
) -> Vector:
    """Keep the first k of each group, in the order of their labels."""
    rank = derive(vector.series, "label rank", lambda: _label_rank(vector.series))
    ranks = np.broadcast_to(groups.grouping.arranged(rank), groups.values.shape).copy()
    return _keep(block, expr, vector, groups, parameter, ranks)


def _label_rank(series: SeriesList) -> Values:
    """Return a number for each series, shape (1, n): the greater, the earlier its labels come."""
    order = sorted(range(len(series)), key=series.__getitem__)
    rank = np.empty((1, len(series)))
    rank[0, order] = -np.arange(len(series), dtype=np.float64)
    return rank


def _keep(
    block: Block,
    expr: Aggregation,
    vector: Vector,
    groups: Groups,
    parameter: Values,
    rank: Values,
) -> Vector:
    """Return the vector less all but the k greatest of each group at each step.

    Args:
        block: the steps at hand.
        expr: the aggregation.
        vector: not empty.
        groups: of its columns.
        parameter: k, shape (steps,); below 1 keeps nothing.
        rank: shape (steps, n), arranged by group, without NaN; of equals the first is kept.
    """
    if np.isnan(parameter).any():
        raise QueryEvaluationError(
            f"expected a number as the parameter of {expr.operator}, found NaN"
        )
    grouping, wanted = groups.grouping, np.trunc(parameter)
    if groups.present is not None:
        rank[~groups.present] = -math.inf
    kept = np.empty(rank.shape, np.bool_)
    for group in range(len(grouping.series)):
        members = grouping.members(group)
        for steps in _step_batches(len(rank), members.stop - members.start):
            block.budget.check()
            kept[steps, members] = _greatest(rank[steps, members], wanted[steps])
    if groups.present is not None:
        kept &= groups.present
    if grouping.order is not None:
        arranged, kept = kept, np.empty_like(kept)
        kept[:, grouping.order] = arranged
    return vector.holding(vector.values, kept)


def _step_batches(steps: int, width: int) -> Iterator[slice]:
    """Yield runs of steps that hold at most SORTED_AT_ONCE numbers, or are one step."""
    size = max(1, SORTED_AT_ONCE // width)
    yield from (slice(start, start + size) for start in range(0, steps, size))


def _greatest(rank: Values, wanted: Values) -> Present:
    """Tell which are the `wanted` greatest of each row, shape (steps, n); of equals the first."""
    count = rank.shape[1]
    if (wanted >= count).all():
        return np.ones(rank.shape, np.bool_)
    size = np.clip(wanted, 0, count).astype(np.intp)
    steps = np.arange(len(rank))
    least = np.sort(rank, axis=1)[steps, np.minimum(count - size, count - 1)][:, None]
    above, equal = rank > least, rank == least
    missing = size - above.sum(axis=1)
    kept: Present = above | (equal & (np.cumsum(equal, axis=1) <= missing[:, None]))
    return kept


def _ratio(
    block: Block, expr: Aggregation, vector: Vector, groups: Groups, parameter: Values
) -> Vector:
    """Keep about a ratio of the series, those with the least hashes; a negative one, the others.

    `limit_ratio(0.3, x)` and `limit_ratio(-0.7, x)` are all of x, and share none.
    """
    if np.isnan(parameter).any():
        raise QueryEvaluationError("expected a number as the parameter of limit_ratio, found NaN")
    for ratio in parameter[np.abs(parameter) > 1][:1].tolist():
        block.annotations.warn(
            f"ratio value should be between -1 and 1, got {format_plain(ratio)}, "
            f"capping to {math.copysign(1, ratio):g}",
            expr,
        )
    places = derive(vector.series, "places", lambda: _places(block, vector.series))
    ratios = np.clip(parameter, -1, 1)[:, None]
    kept: Present = np.where(ratios >= 0, places < ratios, places >= 1 + ratios)
    return vector.holding(vector.values, both(kept, vector.present))


def _places(block: Block, series: SeriesList) -> Values:
    """Return where each series' hash lies between 0 and 1, shape (1, n)."""
    places = np.empty((1, len(series)))
    for column, labels in enumerate(series):
        block.budget.check()
        places[0, column] = label_hash(labels) / HASH_MAX
    return places


SELECTIONS: Final[Mapping[str, Select]] = {
    "bottomk": _best(-1.0),
    "limit_ratio": _ratio,
    "limitk": _first,
    "topk": _best(1.0),
}
