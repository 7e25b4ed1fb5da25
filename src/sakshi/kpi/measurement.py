"""Measures indicators: what they were over a period that ends at a moment."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from sakshi.kpi.baseline import Indicator, Measurement, fill_over
from sakshi.model.clock import Clock, format_timestamp
from sakshi.model.duration import format_duration
from sakshi.promql import QueryEngine, QueryError, Scalar, Vector

OVER_MS_MIN: Final = 1000
OVER_MS_MAX: Final = 366 * 86_400_000
"""Of a period: a year. A longer one would only be read to its retention's end anyway."""

GAP_SHARE: Final = 20  # of a period: a twentieth without data makes its rates 5 % too low
GAP_MS_MAX: Final = 300_000  # as long as Prometheus looks back for a sample


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

    def find_gap(self, at_ms: int, over_ms: int, interval_ms: int, timeout_seconds: float) -> str:
        """Return a warning where a period begins before the data; empty where it does not.

        `rate` divides by the whole period, whatever part of it has data: over a day, a sakshi that
        started an hour ago sees a twenty-fourth of the requests a second. Empty as well where
        nothing was scraped at the period's end, or the answer would come too late.

        Args:
            at_ms: the end of the period.
            over_ms: its length, above 0.
            interval_ms: the longest from scrape to scrape; 0: unknown.
            timeout_seconds: for this question alone.
        """
        gap_ms = max(min(over_ms // GAP_SHARE, GAP_MS_MAX), 2 * interval_ms)
        gap_ms = min(max(gap_ms, 1), over_ms)
        scraped = f"count(last_over_time(up[{format_duration(gap_ms)}]))"
        begun_ms = at_ms - over_ms
        deadline = self._clock.monotonic() + timeout_seconds
        try:
            at_first = self._ask(scraped, begun_ms + gap_ms, deadline)
            at_last = self._ask(scraped, at_ms, deadline)
        except QueryError:
            return ""
        if at_first or not at_last:
            return ""
        moment = format_timestamp(begun_ms)
        where = f"nothing was scraped at the beginning of the period, {moment}"
        return f"{where}: rates over it are too low"

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
    r"""Return how many observations there are in a period; a comment at the end changes nothing.

    Example:
        >>> count_query("increase(x_count[$over])  # all", 3_600_000)
        'sum(increase(x_count[1h])  # all\n)'
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
