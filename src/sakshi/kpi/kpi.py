"""KPIs: judged indicators, each with an expression and up to three limits.

        target: what should be true       warning, critical: what should not
value ──▶ OK · OFF TARGET (the target is missed, no limit is met) · WARNING · CRITICAL
no value, NaN ──▶ NO DATA
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from sakshi.kpi.limit import Limit

WINDOW_PLACEHOLDER: Final = "$window"
"""Stands in an expression for the configured window: `rate(x[$window])`."""


class Verdict(StrEnum):
    """The judgement on a KPI; the values are shown to people."""

    OK = "OK"
    OFF_TARGET = "OFF TARGET"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"
    NO_DATA = "NO DATA"


_FROM_WORST: Final = (
    Verdict.CRITICAL,
    Verdict.WARNING,
    Verdict.NO_DATA,
    Verdict.OFF_TARGET,
    Verdict.OK,
)


@dataclass(frozen=True)
class Kpi:
    """One judged indicator.

    Args:
        name: the strategy's name, unique: `overallResponseTime`, `aiModelResponseTime.openai`.
        group: the strategy's group: `responseTime`, `throughput`, ...
        title: for people.
        metric: the metric that the strategy names for it; empty where it names none.
        expr: PromQL whose value is the KPI's, in `unit`; may contain `$window`.
        unit: `ms`, `s`, `%`, `/s`, `/h`, `bytes`, `ratio` (0 to 1), or empty for a count.
        target: what should be true; None: nothing is off target.
        warning: what should not be true.
        critical: what must not be true; judged before `warning`.
    """

    name: str
    group: str
    title: str
    metric: str
    expr: str
    unit: str = ""
    target: Limit | None = None
    warning: Limit | None = None
    critical: Limit | None = None

    def __post_init__(self) -> None:
        for limit in (self.target, self.warning, self.critical):
            assert limit is None or limit.unit == self.unit, "limits are in the KPI's unit"

    def with_window(self, window: str) -> Kpi:
        """Return the KPI with its window filled in; see `fill_window`."""
        return replace(self, expr=fill_window(self.expr, window))


def fill_window(expr: str, window: str) -> str:
    """Return an expression with each `$window` replaced by a duration.

    Example:
        >>> fill_window("sum(rate(x_total[$window]))", "5m")
        'sum(rate(x_total[5m]))'
    """
    return expr.replace(WINDOW_PLACEHOLDER, window)


def judge(kpi: Kpi, value: float | None) -> Verdict:
    """Return the verdict on a value.

    Args:
        kpi: whose limits apply.
        value: in the KPI's unit; None where there is no data.
    """
    if value is None or math.isnan(value):
        return Verdict.NO_DATA
    if kpi.critical is not None and kpi.critical.is_met(value):
        return Verdict.CRITICAL
    if kpi.warning is not None and kpi.warning.is_met(value):
        return Verdict.WARNING
    if kpi.target is not None and not kpi.target.is_met(value):
        return Verdict.OFF_TARGET
    return Verdict.OK


def worst(verdicts: list[Verdict]) -> Verdict:
    """Return the worst of some verdicts; NO DATA where there is none.

    What is not known may be anything, so NO DATA is worse than OFF TARGET.
    """
    return min(verdicts, key=_FROM_WORST.index, default=Verdict.NO_DATA)
