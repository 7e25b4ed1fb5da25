"""Quantiles of samples, interpolated between the two nearest."""

from __future__ import annotations

import math

import numpy as np

from sakshi.promql.annotation import Annotations
from sakshi.promql.ast import Expr
from sakshi.promql.number import format_plain
from sakshi.storage.store import Values


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
    found = below * (1 - weight) + above * weight
    found = np.where(phi < 0, -math.inf, np.where(phi > 1, math.inf, found))
    return np.where(np.isnan(phi), math.nan, found)


def warn_of_quantile(annotations: Annotations, phi: Values, expr: Expr) -> None:
    """Say so where a quantile that was asked for is none: outside [0, 1], or NaN."""
    wrong = phi[~((phi >= 0) & (phi <= 1))]
    if len(wrong):
        found = format_plain(float(wrong[0]))
        annotations.warn(f"quantile value should be between 0 and 1, got {found}", expr)
