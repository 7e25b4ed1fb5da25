"""Durations that depend on a query: `x[2 * step()]`, `x[range()] @ end()`.

They are scalar expressions, in seconds, of numbers, arithmetic, `step()`, `range()`, `min_of` and
`max_of`. `resolved` puts milliseconds in their place once step and range of the query are known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from sakshi.model.duration import DURATION_MS_MAX
from sakshi.promql.ast import (
    DURATION_FIELDS,
    Binary,
    Call,
    Duration,
    Expr,
    NumberLiteral,
    Unary,
)
from sakshi.promql.errors import QueryEvaluationError

_ARITHMETIC: Final[Mapping[str, Callable[[float, float], float]]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "%": math.fmod,
    "^": math.pow,
    "max_of": max,
    "min_of": min,
}


class InvalidDurationExpressionError(Exception):
    """Arithmetic that gives no number. Never leaves the package: its caller adds the place."""


@dataclass(frozen=True)
class QueryTimes:
    """What `start()`, `end()`, `step()` and `range()` stand for.

    Args:
        start_ms: the query's first step.
        end_ms: what the query was asked to end with; its last step may lie before.
        step_ms: 0 in an instant query.
    """

    start_ms: int
    end_ms: int
    step_ms: int

    @property
    def range_ms(self) -> int:
        """From the start to the end; 0 in an instant query."""
        return self.end_ms - self.start_ms


def milliseconds(seconds: float) -> int:
    """Return seconds as milliseconds, what is below one cut off once nanoseconds were rounded."""
    return abs(round(seconds * 1e9)) // 1_000_000 * (1 if seconds > 0 else -1)


def compute(operator: str, left: float, right: float) -> float:
    """Return what an operator of `+ - * / % ^ min_of max_of` makes of two numbers.

    Raises:
        InvalidDurationExpressionError: it makes none.
    """
    if right == 0 and operator in ("/", "%"):
        raise InvalidDurationExpressionError(f'no 0 after "{operator}"')
    try:
        return _ARITHMETIC[operator](left, right)
    except (OverflowError, ValueError):
        raise InvalidDurationExpressionError("a duration below 292 years") from None


def resolved(expr: Expr, times: QueryTimes) -> Expr:
    """Return the expression with milliseconds in all places of durations.

    Raises:
        QueryEvaluationError: a duration is not above zero where it must be, or no number.
    """
    return expr if expr.is_resolved else _resolved(expr, times)


def _resolved(expr: Expr, times: QueryTimes) -> Expr:
    changes: dict[str, Any] = {}
    for item in fields(expr):
        value = getattr(expr, item.name)
        if item.name in DURATION_FIELDS:
            if isinstance(value, Expr):
                changes[item.name] = _resolve(value, times, item.name, expr)
        elif isinstance(value, Expr):
            changes[item.name] = _resolved(value, times)
        elif isinstance(value, tuple) and value and isinstance(value[0], Expr):
            changes[item.name] = tuple(_resolved(part, times) for part in value)
    return replace(expr, **changes)


def _resolve(duration: Expr, times: QueryTimes, role: str, owner: Expr) -> Duration:
    try:
        seconds = _seconds(duration, times)
    except InvalidDurationExpressionError as error:
        raise QueryEvaluationError(f"expected {error} in the duration {duration}") from None
    if not abs(seconds) * 1000 <= DURATION_MS_MAX:  # not `>`: that would let NaN through
        raise QueryEvaluationError(f"expected a duration below 292 years from {duration}")
    duration_ms = milliseconds(seconds)
    if duration_ms <= 0 and role != "offset_ms":
        what = "step" if role == "step_ms" else "range"
        raise QueryEvaluationError(
            f"expected a {what} of at least 1ms from {duration}, found {seconds:g}s: step() and "
            "range() are 0 in an instant query"
        )
    return duration_ms


def _seconds(expr: Expr, times: QueryTimes) -> float:
    match expr:
        case NumberLiteral():
            return expr.value
        case Unary():
            value = _seconds(expr.expr, times)
            return -value if expr.operator == "-" else value
        case Binary():
            sides = (_seconds(side, times) for side in (expr.left, expr.right))
            return compute(expr.operator, *sides)
        case Call(function="step"):
            return times.step_ms / 1000
        case Call(function="range"):
            return times.range_ms / 1000
        case Call():
            return compute(expr.function, *(_seconds(side, times) for side in expr.arguments))
    raise AssertionError(f"no duration: {expr}")
