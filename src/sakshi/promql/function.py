"""The signatures of PromQL's functions: what each takes and returns, not what it computes.

The table is complete for Prometheus 3, experimental functions included, so that a query is parsed
and checked in full whether or not the evaluator at hand implements what it calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sakshi.promql.value_type import ValueType

_SCALAR, _STRING, _VECTOR, _MATRIX = (
    ValueType.SCALAR, ValueType.STRING, ValueType.VECTOR, ValueType.MATRIX,
)  # fmt: skip


@dataclass(frozen=True)
class FunctionSignature:
    """What a function takes and returns.

    Args:
        name: as in the query; functions are case-sensitive.
        argument_types: in order; arguments beyond the last have the last one's type.
        arguments_min: how many must be given.
        arguments_max: how many may be given; None: any number.
        return_type: the type of a call.
    """

    name: str
    argument_types: tuple[ValueType, ...]
    arguments_min: int
    arguments_max: int | None
    return_type: ValueType

    def argument_type(self, index: int) -> ValueType:
        """Return the type that the argument at an index (0-based) must have.

        Not to be asked of a function without arguments.
        """
        assert self.argument_types
        return self.argument_types[min(index, len(self.argument_types) - 1)]


def _signatures(
    names: str,
    *argument_types: ValueType,
    optional: int = 0,
    unlimited: bool = False,
    return_type: ValueType = _VECTOR,
) -> dict[str, FunctionSignature]:
    """Return the signatures of functions that are alike; the last `optional` may be left out."""
    count = len(argument_types)
    return {
        name: FunctionSignature(
            name, argument_types, count - optional, None if unlimited else count, return_type
        )
        for name in names.split()
    }


SIGNATURES: Final = {
    **_signatures(
        """
        abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor histogram_avg
        histogram_count histogram_stddev histogram_stdvar histogram_sum ln log10 log2 rad sgn sin
        sinh sort sort_desc sqrt tan tanh timestamp
        """,
        _VECTOR,
    ),
    **_signatures(
        """
        absent_over_time avg_over_time changes count_over_time delta deriv first_over_time idelta
        increase irate last_over_time mad_over_time max_over_time min_over_time present_over_time
        rate resets stddev_over_time stdvar_over_time sum_over_time ts_of_first_over_time
        ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time
        """,
        _MATRIX,
    ),
    **_signatures(
        "day_of_month day_of_week day_of_year days_in_month hour minute month year",
        _VECTOR,
        optional=1,
    ),
    **_signatures("end pi range start step time", return_type=_SCALAR),
    **_signatures("max_of min_of", _SCALAR, _SCALAR, return_type=_SCALAR),
    **_signatures("max_of min_of", _SCALAR, _SCALAR, return_type=_SCALAR),
    **_signatures("scalar", _VECTOR, return_type=_SCALAR),
    **_signatures("vector", _SCALAR),
    **_signatures("clamp", _VECTOR, _SCALAR, _SCALAR),
    **_signatures("clamp_max clamp_min", _VECTOR, _SCALAR),
    **_signatures("round", _VECTOR, _SCALAR, optional=1),
    **_signatures("quantile_over_time", _SCALAR, _MATRIX),
    **_signatures("predict_linear", _MATRIX, _SCALAR),
    **_signatures("integral", _MATRIX, _SCALAR, optional=1),
    **_signatures("double_exponential_smoothing", _MATRIX, _SCALAR, _SCALAR),
    **_signatures("histogram_quantile", _SCALAR, _VECTOR),
    **_signatures("histogram_fraction", _SCALAR, _SCALAR, _VECTOR),
    **_signatures("histogram_quantiles", _VECTOR, _STRING, *[_SCALAR] * 10, optional=9),
    **_signatures("label_replace", _VECTOR, _STRING, _STRING, _STRING, _STRING),
    **_signatures("label_join", _VECTOR, _STRING, _STRING, _STRING, optional=1, unlimited=True),
    **_signatures("sort_by_label sort_by_label_desc", _VECTOR, _STRING, optional=1, unlimited=True),
    **_signatures("info", _VECTOR, _VECTOR, optional=1),
}
"""Function name to signature.

Source:
    https://prometheus.io/docs/prometheus/latest/querying/functions/
    prometheus/prometheus promql/parser/functions.go
"""
