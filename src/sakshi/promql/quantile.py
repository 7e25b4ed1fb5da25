"""Quantiles of samples, interpolated between the two nearest."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from sakshi.promql.annotation import Annotations
from sakshi.promql.ast import Expr
from sakshi.promql.grouping import Groups
from sakshi.promql.number import format_plain
from sakshi.storage.store import Values

SORTED_AT_ONCE: Final = 262_144  # numbers, some 15 ms: then the deadline is looked at again


def quantiles(phi: Values, values: Values) -> Values:
    """Return a quantile of each column.

    Args:
        phi: shape (k,): which quantile; below 0 gives -Inf, above 1 +Inf, NaN gives NaN.
        values: shape (n, k), float64, n > 0; NaN ranks below every number.

    Returns:
        Shape (k,).

    Source:
        prometheus/prometheus promql/quantile.go, quantile.

    Example:
        >>> quantiles(np.array([0.75]), np.array([[1.0], [3.0], [2.0]])).tolist()
        [2.5]
    """
    count, width = values.shape
    ordered = np.sort(values, axis=0)  # puts NaN last
    nan_count = np.isnan(values).sum(axis=0)
    rank = np.clip(np.nan_to_num(phi), 0, 1) * (count - 1)
    lower = np.floor(rank)
    upper = np.minimum(count - 1, lower + 1)
    weight = rank - lower
    columns = np.arange(width)
    below = ordered[(lower.astype(np.intp) - nan_count) % count, columns]
    above = ordered[(upper.astype(np.intp) - nan_count) % count, columns]
    return _bounded(phi, below * (1 - weight) + above * weight)


def group_quantiles(groups: Groups, phi: Values, check: Callable[[], None]) -> Values:
    """Return a quantile of each group at each step, shape (steps, groups); any where it is empty.

    Args:
        groups: the values.
        phi: shape (steps,).
        check: called now and then: raises where the query must stop.
    """
    grouping, (steps, count) = groups.grouping, (len(groups.values), len(groups.grouping.series))
    result = np.zeros((steps, count))
    if steps < count:  # a loop over whichever is fewer
        for step in range(steps):
            check()
            result[step] = _quantiles_of_step(groups, step, phi[step])
        return result
    for group in range(count):
        members, size = grouping.members(group), int(grouping.sizes[group])
        batch = max(1, SORTED_AT_ONCE // size)
        whole = np.flatnonzero(groups.counts[:, group] == size)
        for rows in (whole[first : first + batch] for first in range(0, len(whole), batch)):
            check()
            result[rows, group] = quantiles(phi[rows], groups.values[rows, members].T)
        partial = (groups.counts[:, group] > 0) & (groups.counts[:, group] < size)
        for step in np.flatnonzero(partial).tolist():
            check()
            terms = groups.terms(step, group)
            result[step, group] = quantiles(phi[step : step + 1], terms[:, None])[0]
    return result


def _quantiles_of_step(groups: Groups, step: int, phi: float) -> Values:
    """Return the quantile of each group at one step."""
    grouping = groups.grouping
    codes = np.repeat(np.arange(len(grouping.sizes)), grouping.sizes)
    values = groups.values[step]
    if groups.present is not None:
        codes, values = codes[groups.present[step]], values[groups.present[step]]
    result = np.zeros(len(grouping.sizes))
    if not len(values):
        return result
    sizes = np.bincount(codes, minlength=len(result))
    filled = np.flatnonzero(sizes)
    nan_counts = np.bincount(codes[np.isnan(values)], minlength=len(result))[filled]
    ordered = values[np.lexsort((values, codes))]  # puts NaN last in each group
    starts, sizes = (np.cumsum(sizes) - sizes)[filled], sizes[filled]
    rank = np.clip(np.nan_to_num(phi), 0, 1) * (sizes - 1)
    lower = np.floor(rank).astype(np.intp)
    upper = np.minimum(sizes - 1, lower + 1)
    below = ordered[starts + (lower - nan_counts) % sizes]
    above = ordered[starts + (upper - nan_counts) % sizes]
    weight = rank - lower
    result[filled] = _bounded(np.full(len(filled), phi), below * (1 - weight) + above * weight)
    return result


def _bounded(phi: Values, found: Values) -> Values:
    """Return quantiles with those replaced that were asked for outside of [0, 1]."""
    found = np.where(phi < 0, -math.inf, np.where(phi > 1, math.inf, found))
    return np.where(np.isnan(phi), math.nan, found)


def warn_of_quantile(annotations: Annotations, phi: Values, expr: Expr) -> None:
    """Say so where a quantile that was asked for is none: outside [0, 1], or NaN."""
    wrong = phi[~((phi >= 0) & (phi <= 1))]
    if len(wrong):
        found = format_plain(float(wrong[0]))
        annotations.warn(f"quantile value should be between 0 and 1, got {found}", expr)
