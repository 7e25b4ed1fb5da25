"""The functions of range vectors by name: which kernel, how many samples, which arguments.

Source:
    https://prometheus.io/docs/prometheus/latest/querying/functions/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sakshi.model.labels import METRIC_NAME
from sakshi.model.matcher import MatchOperator
from sakshi.promql import extended, over_time, rate, trend
from sakshi.promql.ast import Call, Expr, MatrixSelector, Parenthesis, extension_of
from sakshi.promql.block import Block, Implementation, Value
from sakshi.promql.engine import Vector
from sakshi.promql.errors import QueryEvaluationError
from sakshi.promql.extended import ExtendedKernel
from sakshi.promql.quantile import warn_of_quantile
from sakshi.promql.vector import without_name
from sakshi.promql.window import Kernel

COUNTER_SUFFIXES: Final = ("_total", "_sum", "_count", "_bucket")


def _over_range(kernel: Kernel, samples_min: int = 1) -> Implementation:
    """Return the implementation that applies a kernel to its only argument."""

    def apply(block: Block, call: Call) -> Vector:
        if extension_of(call.arguments[0]) is not None:
            return without_name(block.extended(call.arguments[0], EXTENDED[call.function]))
        return without_name(block.windows(call.arguments[0], kernel, samples_min))

    return apply


def _keeping_name(kernel: Kernel) -> Implementation:
    return lambda block, call: block.windows(call.arguments[0], kernel)


EXTENDED: Final[Mapping[str, ExtendedKernel]] = {
    "changes": extended.changes,
    "delta": extended.delta,
    "increase": extended.increase,
    "rate": extended.rate,
    "resets": extended.resets,
}


def _of_counter(kernel: Kernel) -> Implementation:
    """Return the implementation for counters; of something named otherwise it says so."""
    over_range = _over_range(kernel, 2)

    def apply(block: Block, call: Call) -> Value:
        _inform_of_gauge(block, call)
        return over_range(block, call)

    return apply


def _inform_of_gauge(block: Block, call: Call) -> None:
    """Say so where the name of what should be a counter is not a counter's."""
    name = _metric_name(call.arguments[0])
    if name and not name.endswith(COUNTER_SUFFIXES):
        block.annotations.inform(
            "metric might not be a counter, name does not end in "
            f'{"/".join(COUNTER_SUFFIXES)}: "{name}"',
            call.arguments[0],
        )


def _metric_name(expr: Expr) -> str:
    """Return the name that a range vector selector asks for, or the empty string."""
    while isinstance(expr, Parenthesis):
        expr = expr.expr
    if isinstance(expr, MatrixSelector):
        for matcher in expr.selector.matchers:
            if matcher.name == METRIC_NAME and matcher.operator is MatchOperator.EQUAL:
                return matcher.value
    return ""


def _quantile_over_time(block: Block, call: Call) -> Vector:
    phi = block.scalar(call.arguments[0])
    warn_of_quantile(block.annotations, phi, call.arguments[0])
    vector = block.windows(call.arguments[1], over_time.quantile, parameters=[phi])
    return without_name(vector)


def _double_exponential_smoothing(block: Block, call: Call) -> Vector:
    factors = [block.scalar(argument) for argument in call.arguments[1:]]
    for name, values in zip(("smoothing", "trend"), factors, strict=True):
        wrong = values[~((values > 0) & (values < 1))]
        if len(wrong):
            raise QueryEvaluationError(
                f"invalid {name} factor: expected a number between 0 and 1, found {wrong[0]:g}"
            )
    return without_name(block.windows(call.arguments[0], trend.smoothed, 2, factors))


def _predict_linear(block: Block, call: Call) -> Vector:
    ahead_seconds = block.scalar(call.arguments[1])
    vector = block.windows(call.arguments[0], trend.prediction, 2, [ahead_seconds])
    return without_name(vector)


FUNCTIONS: Final[Mapping[str, Implementation]] = {
    "avg_over_time": _over_range(over_time.mean),
    "changes": _over_range(over_time.changes),
    "count_over_time": _over_range(over_time.count),
    "delta": _over_range(rate.delta, 2),
    "deriv": _over_range(trend.slope, 2),
    "double_exponential_smoothing": _double_exponential_smoothing,
    "first_over_time": _keeping_name(over_time.first),
    "idelta": _over_range(rate.idelta, 2),
    "increase": _of_counter(rate.increase),
    "irate": _of_counter(rate.irate),
    "last_over_time": _keeping_name(over_time.last),
    "mad_over_time": _over_range(over_time.absolute_deviation),
    "max_over_time": _over_range(over_time.maximum),
    "min_over_time": _over_range(over_time.minimum),
    "predict_linear": _predict_linear,
    "present_over_time": _over_range(over_time.one),
    "quantile_over_time": _quantile_over_time,
    "rate": _of_counter(rate.rate),
    "resets": _over_range(over_time.resets),
    "stddev_over_time": _over_range(over_time.deviation),
    "stdvar_over_time": _over_range(over_time.variance),
    "sum_over_time": _over_range(over_time.total),
    "ts_of_first_over_time": _over_range(over_time.time_of_first),
    "ts_of_last_over_time": _over_range(over_time.time_of_last),
    "ts_of_max_over_time": _over_range(over_time.time_of_maximum),
    "ts_of_min_over_time": _over_range(over_time.time_of_minimum),
}
