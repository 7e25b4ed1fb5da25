"""Aggregations: many series become one a group, or the best of a group are kept.

Source:
    https://prometheus.io/docs/prometheus/latest/querying/operators/#aggregation-operators
    prometheus/prometheus promql/engine.go, aggregation
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from sakshi.model.labels import METRIC_NAME
from sakshi.promql.ast import Aggregation
from sakshi.promql.block import Block
from sakshi.promql.count_values import count_values
from sakshi.promql.engine import Vector
from sakshi.promql.errors import QueryEvaluationError
from sakshi.promql.grouping import Grouping, grouping_of
from sakshi.promql.quantile import quantiles, warn_of_quantile
from sakshi.promql.summation import means, repair_sums
from sakshi.promql.vector import Present, empty_vector
from sakshi.storage.store import Values


def aggregate(block: Block, expr: Aggregation) -> Vector:
    """Return the value of an aggregation whose operator `is_implemented`.

    Raises:
        QueryEvaluationError: the parameter is not a number that the operator can use.
    """
    vector = block.vector(expr.expr)
    if expr.operator == "count_values":
        return count_values(block, vector, expr)
    parameter = None if expr.parameter is None else block.scalar(expr.parameter)
    if not len(vector.series):
        return empty_vector(len(block.times))
    grouping = grouping_of(vector.series, expr.grouping, without=expr.without)
    if expr.operator in _SELECTIONS:
        assert parameter is not None
        return _select_best(vector, grouping, parameter, _SELECTIONS[expr.operator])
    groups = Groups.of(vector, grouping)
    if expr.operator == "quantile":
        assert parameter is not None
        warn_of_quantile(block.annotations, parameter, expr)
        values = _quantile(groups, parameter)
    else:
        values = _REDUCTIONS[expr.operator](groups)
    present = None if groups.present is None else groups.counts > 0
    by_name = METRIC_NAME in expr.grouping and not expr.without
    nameless = grouping.nameless(vector.nameless) if by_name else False
    return Vector(grouping.series, values, present, nameless)


def is_implemented(operator: str) -> bool:
    """Tell whether `aggregate` knows an operator."""
    return operator in _REDUCTIONS or operator in _SELECTIONS or operator in _OTHERS


@dataclass(frozen=True)
class Groups:
    """Values arranged by group.

    Args:
        grouping: which columns belong together.
        values: shape (steps, n), each group's columns side by side.
        present: shape (steps, n), or None where everything is present.
        counts: shape (steps, groups) or (groups,): how many values each group has.
    """

    grouping: Grouping
    values: Values
    present: Present | None
    counts: Values

    @classmethod
    def of(cls, vector: Vector, grouping: Grouping) -> Groups:
        """Return a vector's values, arranged."""
        values = grouping.arranged(vector.values)
        if vector.present is None:
            counts = grouping.sizes.astype(np.float64)[None, :]
            if len(values) > 1:
                counts = np.broadcast_to(counts, (len(values), len(grouping.sizes)))
            return cls(grouping, values, None, counts)
        present = vector.present if grouping.order is None else vector.present[:, grouping.order]
        return cls(grouping, values, present, grouping.reduce(np.add, present.astype(np.float64)))

    def filled(self, filling: float) -> Values:
        """Return the values with this one where nothing is present."""
        return self.values if self.present is None else np.where(self.present, self.values, filling)

    def terms(self, step: int, group: int) -> Values:
        """Return the values of one group that are present at one step."""
        members = self.grouping.members(group)
        values = self.values[step, members]
        return values if self.present is None else values[self.present[step, members]]


def _sum(groups: Groups) -> Values:
    values = groups.filled(0.0)
    reduce = groups.grouping.reduce
    return repair_sums(
        reduce(np.add, values), values, lambda: reduce(np.add, np.abs(values)), groups.terms
    )


def _average(groups: Groups) -> Values:
    return means(_sum(groups), groups.counts, groups.filled(0.0), groups.terms)


def _count(groups: Groups) -> Values:
    return groups.counts


def _group(groups: Groups) -> Values:
    return np.ones(groups.counts.shape)


def _minimum(groups: Groups) -> Values:
    return groups.grouping.reduce(np.fmin, groups.filled(math.nan))


def _maximum(groups: Groups) -> Values:
    return groups.grouping.reduce(np.fmax, groups.filled(math.nan))


def _variance(groups: Groups) -> Values:
    """Return the population variance, relative to the least: of equal values it is exactly 0."""
    sizes, reduce = groups.grouping.sizes, groups.grouping.reduce
    distances = groups.values - np.repeat(_minimum(groups), sizes, axis=1)
    if groups.present is not None:
        distances = np.where(groups.present, distances, 0.0)
    middle = reduce(np.add, distances) / groups.counts
    squares = (distances - np.repeat(middle, sizes, axis=1)) ** 2
    if groups.present is not None:
        squares = np.where(groups.present, squares, 0.0)
    return reduce(np.add, squares) / groups.counts


def _deviation(groups: Groups) -> Values:
    return np.sqrt(_variance(groups))


def _quantile(groups: Groups, phi: Values) -> Values:
    result = np.zeros(groups.counts.shape)
    for group in range(len(groups.grouping.series)):
        counts, members = groups.counts[:, group], groups.grouping.members(group)
        size = groups.grouping.sizes[group]
        whole = np.flatnonzero(counts == size)
        if len(whole):
            result[whole, group] = quantiles(phi[whole], groups.values[whole, members].T)
        for step in np.flatnonzero((counts > 0) & (counts < size)).tolist():
            terms = groups.terms(step, group)
            result[step, group] = quantiles(phi[step : step + 1], terms[:, None])[0]
    return result


def _select_best(vector: Vector, grouping: Grouping, parameter: Values, sign: float) -> Vector:
    """Return the vector less all but the k greatest of each group at each step.

    Args:
        vector: not empty.
        grouping: of its columns.
        parameter: k, shape (steps,); below 1 keeps nothing.
        sign: -1 for the k least. NaN ranks last in both cases; of equals the first is kept.
    """
    if np.isnan(parameter).any():
        raise QueryEvaluationError(
            "expected a number as the parameter of topk or bottomk, found NaN"
        )
    groups = Groups.of(vector, grouping)
    rank = np.where(np.isnan(groups.values), -math.inf, groups.values * sign)
    if groups.present is not None:
        rank[~groups.present] = -math.inf
    kept = np.empty(rank.shape, np.bool_)
    for group in range(len(grouping.series)):
        members = grouping.members(group)
        kept[:, members] = _greatest(rank[:, members], np.trunc(parameter))
    if groups.present is not None:
        kept &= groups.present
    if grouping.order is not None:
        arranged, kept = kept, np.empty_like(kept)
        kept[:, grouping.order] = arranged
    return vector.holding(vector.values, kept)


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


_REDUCTIONS: Final[Mapping[str, Callable[[Groups], Values]]] = {
    "avg": _average,
    "count": _count,
    "group": _group,
    "max": _maximum,
    "min": _minimum,
    "stddev": _deviation,
    "stdvar": _variance,
    "sum": _sum,
}

_SELECTIONS: Final[Mapping[str, float]] = {"bottomk": -1.0, "topk": 1.0}

_OTHERS: Final = frozenset({"count_values", "quantile"})
