"""Baselines: what indicators were, to compare with what they are and what they should become.

    indicator    averageResponseTime: what is measured, in which unit, and which way is better
    baseline     averageResponseTime was 1800 ms; declared by the configuration, or recorded
    target       averageResponseTime should become 1600 ms

How they are measured is in `measurement.py`, how they are compared in `comparison.py`, where
recorded baselines are kept in `baseline_folder.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sakshi.kpi.errors import BaselineNameError
from sakshi.model.duration import format_duration

OVER_PLACEHOLDER: Final = "$over"
"""Stands in an expression for the period that is measured: `rate(x[$over])`."""

NAME_EXPECTED: Final = "a name of up to 64 letters, digits and . _ -, a letter or digit first"

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


class Better(StrEnum):
    """Which way an indicator improves."""

    LOWER = "lower"
    HIGHER = "higher"


class Origin(StrEnum):
    """Where a baseline comes from: declared in sakshi.yml, or measured by sakshi."""

    CONFIGURATION = "configuration"
    RECORDED = "recorded"


@dataclass(frozen=True)
class Indicator:
    """One thing that baselines have a number for.

    Args:
        name: group and name: `responseTimes.averageResponseTime`; unique.
        title: for people.
        unit: a symbol of `UNITS`: of its values.
        expr: PromQL whose value is the indicator's, in `unit`; `$over` is the period.
        observations: PromQL: how many observations the value rests on, may hold `$over`; empty: not
            counted.
        kpi: name of the KPI that it is about; empty: none.
        target: what it should become, in `unit`; None: nothing is promised.
    """

    name: str
    group: str
    title: str
    unit: str
    better: Better
    expr: str
    observations: str = ""
    kpi: str = ""
    target: float | None = None


@dataclass(frozen=True)
class Baseline:
    """What indicators were at one time.

    Args:
        name: meets `check_name`.
        recorded_at_ms: the end of the period that was measured; None where it was not recorded.
        over_ms: how long that period was; None as well.
        values: finite numbers in the indicators' units, by indicator name.
        observations: how many observations a value rests on; of those that count them.
    """

    name: str
    title: str
    origin: Origin
    recorded_at_ms: int | None = None
    over_ms: int | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    observations: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Measurement:
    """What an indicator is.

    Args:
        value: finite; None where there is no data, and `reason` says why.
        observations: None where they are not counted, or not known.
    """

    value: float | None
    observations: float | None = None
    reason: str = ""


def check_name(name: str) -> str:
    """Return a name by which a baseline may be called; it is safe as a file's name.

    Raises:
        BaselineNameError: it is none.

    Example:
        >>> check_name("before-2.0")
        'before-2.0'
    """
    if not _NAME.fullmatch(name):
        raise BaselineNameError(f'expected {NAME_EXPECTED}, found "{name}"')
    return name


def fill_over(expr: str, over_ms: int) -> str:
    """Return an expression with each `$over` replaced by a period.

    Example:
        >>> fill_over("sum(rate(x_total[$over]))", 3_600_000)
        'sum(rate(x_total[1h]))'
    """
    return expr.replace(OVER_PLACEHOLDER, format_duration(over_ms))
