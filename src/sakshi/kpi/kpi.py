"""KPIs: judged indicators, each with an expression and up to three limits.

What they are; the judgement is in `verdict.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from sakshi.kpi.limit import Limit, LimitOperator

WINDOW_PLACEHOLDER: Final = "$window"
"""Stands in an expression for the KPI's window: `rate(x[$window])`."""

RECOVERY_DEFAULT: Final = 0.05
VALUE_SERIES: Final = "sakshi_kpi_value"
"""Records the value of each KPI that can be judged, with the label `kpi`."""


class Statistic(StrEnum):
    """What an expression computes from the window; for people, the expression does it."""

    MEAN = "mean"
    P50 = "p50"
    P90 = "p90"
    P95 = "p95"
    P99 = "p99"
    MIN = "min"
    MAX = "max"
    RATE = "rate"
    SHARE = "share"
    CURRENT = "current"


class Aggregation(StrEnum):
    """How several series become the one that is judged; `none`: there must be only one."""

    NONE = "none"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"


class NoDataPolicy(StrEnum):
    """What it means that a KPI has no value: an alert; nothing new; nothing at all."""

    ALERT = "alert"
    KEEP = "keep"
    OK = "ok"


class LimitName(StrEnum):
    """The limits of a KPI, the gravest first."""

    CRITICAL = "critical"
    WARNING = "warning"
    TARGET = "target"


@dataclass(frozen=True)
class Holds:
    """How long something must be so before an alert on it fires, in milliseconds.

    Args:
        critical: the critical limit is met.
        warning: the warning limit is met.
        target: the target is missed.
        no_data: there is no value.
    """

    critical: int = 60_000
    warning: int = 300_000
    target: int = 900_000
    no_data: int = 300_000


@dataclass(frozen=True)
class Kpi:
    """One judged indicator.

    Args:
        name: the strategy's name, unique: `overallResponseTime`, `aiModelResponseTime.openai`.
        group: the strategy's group: `responseTime`, `throughput`, ...
        title: for people.
        metric: the metric that the strategy names for it; empty where it names none.
        expr: PromQL whose value is the KPI's, in `unit`; may contain `$window`, as may
            `observations`, `condition` and `covered_by`.
        unit: `ms`, `s`, `%`, `/s`, `/h`, `bytes`, `ratio` (0 to 1), or empty for a count.
        target: what should be true; None: nothing is off target.
        warning: what should not be true.
        critical: what must not be true; judged before `warning`.
        statistic: what `expr` computes; for people.
        aggregation: how several series of `expr` become one.
        window: a duration: what `$window` stands for; empty: not filled in yet.
        observations: PromQL: how many observations the value rests on; empty: not known.
        min_observations: with fewer it is not judged; 0: any number will do.
        condition: PromQL: judged only while it yields a series; empty: always.
        covered_by: selector of the series that the window must be covered by before the value is
            judged: one of them must have existed a window ago; empty: no such demand.
        alert: name of the alert that covers the limit of its own severity already; empty: none.
        recovery: share of a limit by which a value must come back behind it before the verdict
            improves; 0: none.
        no_data: what it means that there is no value.
        holds: `for` of the alerts on it.
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
    statistic: Statistic = Statistic.CURRENT
    aggregation: Aggregation = Aggregation.NONE
    window: str = ""
    observations: str = ""
    min_observations: int = 0
    condition: str = ""
    covered_by: str = ""
    alert: str = ""
    recovery: float = RECOVERY_DEFAULT
    no_data: NoDataPolicy = NoDataPolicy.OK
    holds: Holds = field(default_factory=Holds)

    def __post_init__(self) -> None:
        for limit in self.limits.values():
            assert limit.unit == self.unit, "limits are in the KPI's unit"

    @property
    def limits(self) -> Mapping[LimitName, Limit]:
        """The limits that it has, the gravest first."""
        named = {
            LimitName.CRITICAL: self.critical,
            LimitName.WARNING: self.warning,
            LimitName.TARGET: self.target,
        }
        return {name: limit for name, limit in named.items() if limit is not None}

    @property
    def good_side(self) -> LimitOperator | None:
        """On which side of its limits it is well; None where it has no limit."""
        for name, limit in self.limits.items():
            return limit.operator if name is LimitName.TARGET else limit.operator.opposite
        return None

    @property
    def value_selector(self) -> str:
        """The selector of its recorded value."""
        return f'{VALUE_SERIES}{{kpi="{self.name}"}}'

    def with_window(self, window: str) -> Kpi:
        """Return the KPI with its own window, else this one, filled in everywhere."""
        window = self.window or window
        return replace(
            self,
            window=window,
            expr=fill_window(self.expr, window),
            observations=fill_window(self.observations, window),
            condition=fill_window(self.condition, window),
            covered_by=fill_window(self.covered_by, window),
        )


def fill_window(expr: str, window: str) -> str:
    """Return an expression with each `$window` replaced by a duration.

    Example:
        >>> fill_window("sum(rate(x_total[$window]))", "5m")
        'sum(rate(x_total[5m]))'
    """
    return expr.replace(WINDOW_PLACEHOLDER, window)
