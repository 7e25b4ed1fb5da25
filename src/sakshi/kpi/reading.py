"""Readings: what a KPI's expression says at one moment, and the verdict on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sakshi.kpi.kpi import Kpi, Verdict, judge
from sakshi.kpi.limit import LimitOperator
from sakshi.promql.engine import QueryEngine, QueryResult, Scalar, Vector


@dataclass(frozen=True)
class Reading:
    """A KPI at one moment.

    Args:
        value: in the KPI's unit; None where the expression gave nothing, or no number.
        at_ms: the evaluation, milliseconds since the epoch.
    """

    kpi: Kpi
    value: float | None
    verdict: Verdict
    at_ms: int


def read_kpi(
    engine: QueryEngine, kpi: Kpi, at_ms: int, *, timeout_seconds: float | None = None
) -> Reading:
    """Return the reading of a KPI at one moment. Blocks for as long as the query takes.

    Where the expression yields several series, the worst counts: the largest where the limits
    are upper ones, else the smallest.

    Raises:
        QueryError: as `QueryEngine.instant`.
    """
    result = engine.instant(kpi.expr, at_ms, timeout_seconds=timeout_seconds)
    values = [value for value in _values(result) if not math.isnan(value)]
    value = (max if _is_bounded_above(kpi) else min)(values, default=None)
    return Reading(kpi, value, judge(kpi, value), at_ms)


def _values(result: QueryResult) -> list[float]:
    match result.value:
        case Scalar(values):
            return [float(values[0])]
        case Vector() as vector:
            return [value for _, value in vector.at(0)]
        case _:
            return []


def _is_bounded_above(kpi: Kpi) -> bool:
    """Tell whether large values are bad ones."""
    if (bad := kpi.critical or kpi.warning) is not None:
        return bad.operator is LimitOperator.ABOVE
    return kpi.target is None or kpi.target.operator is LimitOperator.BELOW
