"""Aggregations: many series become one a group, or the best of a group are kept.

Source:
    https://prometheus.io/docs/prometheus/latest/querying/operators/#aggregation-operators
    prometheus/prometheus promql/engine.go, aggregation
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from sakshi.model.labels import METRIC_NAME
from sakshi.promql.ast import Aggregation
from sakshi.promql.block import Block
from sakshi.promql.count_values import count_values
from sakshi.promql.engine import Vector
from sakshi.promql.grouping import Groups, grouping_of
from sakshi.promql.quantile import group_quantiles, warn_of_quantile
from sakshi.promql.subset import SELECTIONS
from sakshi.promql.summation import means, repair_sums
from sakshi.promql.vector import empty_vector
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
    groups = Groups.of(vector, grouping)
    if expr.operator in SELECTIONS:
        assert parameter is not None
        return SELECTIONS[expr.operator](block, expr, vector, groups, parameter)
    if expr.operator == "quantile":
        assert parameter is not None
        warn_of_quantile(block.annotations, parameter, expr)
        values = group_quantiles(groups, parameter, block.budget.check)
    else:
        values = _REDUCTIONS[expr.operator](groups)
    present = None if groups.present is None else groups.counts > 0
    by_name = METRIC_NAME in expr.grouping and not expr.without
    nameless = grouping.nameless(vector.nameless) if by_name else False
    return Vector(grouping.series, values, present, nameless)


def is_implemented(operator: str) -> bool:
    """Tell whether `aggregate` knows an operator."""
    return operator in _REDUCTIONS or operator in SELECTIONS or operator in _OTHERS


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

_OTHERS: Final = frozenset({"count_values", "quantile"})
