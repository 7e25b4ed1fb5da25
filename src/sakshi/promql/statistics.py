"""How many samples a query reads, counted as Prometheus counts them.

At each step a selector counts one sample for each series that has one, a range vector all samples
in its range; a selector that stands twice counts twice. Of a subquery counts what its range holds,
not what was read for that.

Counting is work of its own, for those who ask for it: what the query read is looked at again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sakshi.promql.ast import Expr, MatrixSelector, Subquery, VectorSelector
from sakshi.promql.engine import QueryStatistics
from sakshi.promql.evaluator import Level
from sakshi.promql.selection import iter_dense, newest

Counts = NDArray[np.int64]


def count_samples(level: Level, expr: Expr) -> QueryStatistics:
    """Return what an expression read at the steps of its level.

    Raises:
        QueryTimeoutError: time is up.
    """
    held = level.query.budget.samples
    return QueryStatistics(_count(level, expr), held)


def _count(level: Level, expr: Expr) -> Counts:
    """Return how many samples are read at each step, shape (steps,)."""
    level.query.budget.check()
    if isinstance(expr, VectorSelector):
        return _count_newest(level, expr)
    if isinstance(expr, MatrixSelector | Subquery):
        return _count_range(level, expr)
    counts = np.zeros(level.timeline.count, np.int64)
    for child in expr.children:
        counts += _count(level, child)
    return counts


def _count_newest(level: Level, expr: VectorSelector) -> Counts:
    source, ends = level.source(expr), level.ends(expr, level.timeline.times())
    found = newest(source, ends, level.query.lookback_ms, check=level.query.budget.check)
    if found.present is None:
        return np.full(ends.size, found.values.shape[1], np.int64)
    counts: Counts = np.count_nonzero(found.present, axis=1).astype(np.int64)
    return counts


def _count_range(level: Level, expr: MatrixSelector | Subquery) -> Counts:
    ends_ms = level.ends(expr, level.timeline.times())
    starts_ms = ends_ms - level.range_ms(expr)
    counts = np.zeros(ends_ms.size, np.int64)
    source = level.source(expr)
    for dense in iter_dense(source, int(starts_ms[0]), int(ends_ms[-1]), keep_stale=False):
        first = dense.timestamps.searchsorted(starts_ms, "right")
        end = dense.timestamps.searchsorted(ends_ms, "right")
        counts += (end - first) * dense.values.shape[1]
    return counts
