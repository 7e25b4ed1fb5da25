"""Measures indicators: what they were over a period that ends at a moment."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from sakshi.kpi.baseline import Indicator, Measurement, fill_over
from sakshi.model.clock import Clock
from sakshi.promql import QueryEngine, QueryError, Scalar, Vector

OVER_MS_MIN: Final = 1000
OVER_MS_MAX: Final = 366 * 86_400_000
"""Of a period: a year. A longer one would only be read to its retention's end anyway."""


class Meter:
    """Measures indicators. Blocking; safe to call from any thread.

    Args:
        engine: answers the indicators' expressions.
        clock: what is left of a timeout is told by it.
    """

    def __init__(self, engine: QueryEngine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock

    def measure(
        self, indicators: Sequence[Indicator], at_ms: int, over_ms: int, timeout_seconds: float
    ) -> Mapping[str, Measurement]:
        """Return what each indicator is, by name; one that cannot be told says why.

        Args:
            indicators: in any order.
            at_ms: the end of the period.
            over_ms: its length, above 0.
            timeout_seconds: for all of them together; those that come too late have no data.
        """
        deadline = self._clock.monotonic() + timeout_seconds
        return {
            indicator.name: self._measure(indicator, at_ms, over_ms, deadline)
            for indicator in indicators
        }

    def _measure(
        self, indicator: Indicator, at_ms: int, over_ms: int, deadline: float
    ) -> Measurement:
        try:
            values = self._ask(fill_over(indicator.expr, over_ms), at_ms, deadline)
            counts = (
                self._ask(count_query(indicator.observations, over_ms), at_ms, deadline)
                if indicator.observations
                else []
            )
        except QueryError as error:
            return Measurement(None, reason=str(error))
        observations = next(filter(math.isfinite, counts), None)
        reason = find_fault(values)
        return Measurement(None if reason else values[0], observations, reason)

    def _ask(self, query: str, at_ms: int, deadline: float) -> Sequence[float]:
        seconds = max(0.0, deadline - self._clock.monotonic())
        match self._engine.instant(query, at_ms, timeout_seconds=seconds).value:
            case Scalar(values):
                return [float(values[0])]
            case Vector() as vector:
                return [value for _, value in vector.at(0)]
            case _:  # the configuration takes neither a range vector nor a string
                return []


def count_query(observations: str, over_ms: int) -> str:
    """Return how many observations there are in a period; a comment at the end changes nothing.

    Example:
        >>> count_query("increase(x_count[$over])  # all", 3_600_000)
        'sum(increase(x_count[1h])  # all\\n)'
    """
    return f"sum({fill_over(observations, over_ms)}\n)"


def find_fault(values: Sequence[float]) -> str:
    """Return why the values of an expression are no measurement; empty where they are one.

    Example:
        >>> find_fault([1.5]), find_fault([]), find_fault([1.0, 2.0])
        ('', 'no series', '2 series where one is measured')
    """
    if not values:
        return "no series"
    if len(values) > 1:
        return f"{len(values)} series where one is measured"
    if not math.isfinite(values[0]):
        return "no number" if math.isnan(values[0]) else "infinite"
    return ""
