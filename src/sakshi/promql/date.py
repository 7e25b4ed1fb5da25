"""Functions of the calendar, in UTC: minute, hour, day_of_week, ... of seconds since the epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sakshi.promql.ast import Call
from sakshi.promql.block import Block, Implementation
from sakshi.promql.engine import Vector
from sakshi.promql.vector import ONE_NAMELESS, without_name
from sakshi.storage.store import Values

DAY_SECONDS: Final = 86_400
SECONDS_MAX: Final = 9e18  # what int64 holds; moments further from the epoch count as it

Seconds = NDArray[np.int64]


def _dated(part: Callable[[Seconds], NDArray[np.int64]]) -> Implementation:
    """Return the implementation that takes the evaluation time where it has no argument."""

    def apply(block: Block, call: Call) -> Vector:
        if call.arguments:
            vector = block.vector(call.arguments[0])
        else:
            vector = Vector(ONE_NAMELESS, block.times[:, None] / 1000)
        known = np.isfinite(vector.values)
        seconds = np.clip(np.where(known, vector.values, 0), -SECONDS_MAX, SECONDS_MAX)
        parts = part(np.trunc(seconds).astype(np.int64)).astype(np.float64)
        values: Values = np.where(known, parts, np.nan)
        return without_name(vector.holding(values, vector.present))

    return apply


def _days(seconds: Seconds) -> NDArray[np.datetime64]:
    return (seconds // DAY_SECONDS).astype("datetime64[D]")


def _month_start(seconds: Seconds) -> NDArray[np.datetime64]:
    return _days(seconds).astype("datetime64[M]")


def _minute(seconds: Seconds) -> NDArray[np.int64]:
    return seconds // 60 % 60


def _hour(seconds: Seconds) -> NDArray[np.int64]:
    return seconds // 3600 % 24


def _day_of_week(seconds: Seconds) -> NDArray[np.int64]:
    """Sunday is 0; the epoch's first day was a Thursday."""
    return (seconds // DAY_SECONDS + 4) % 7


def _day_of_month(seconds: Seconds) -> NDArray[np.int64]:
    start = _month_start(seconds).astype("datetime64[D]")
    days: NDArray[np.int64] = (_days(seconds) - start).astype(np.int64)
    return days + 1


def _day_of_year(seconds: Seconds) -> NDArray[np.int64]:
    start = _days(seconds).astype("datetime64[Y]").astype("datetime64[D]")
    days: NDArray[np.int64] = (_days(seconds) - start).astype(np.int64)
    return days + 1


def _days_in_month(seconds: Seconds) -> NDArray[np.int64]:
    start = _month_start(seconds)
    following = (start + np.timedelta64(1, "M")).astype("datetime64[D]")
    days: NDArray[np.int64] = (following - start.astype("datetime64[D]")).astype(np.int64)
    return days


def _month(seconds: Seconds) -> NDArray[np.int64]:
    return _month_start(seconds).astype(np.int64) % 12 + 1


def _year(seconds: Seconds) -> NDArray[np.int64]:
    return _days(seconds).astype("datetime64[Y]").astype(np.int64) + 1970


FUNCTIONS: Final[Mapping[str, Implementation]] = {
    "day_of_month": _dated(_day_of_month),
    "day_of_week": _dated(_day_of_week),
    "day_of_year": _dated(_day_of_year),
    "days_in_month": _dated(_days_in_month),
    "hour": _dated(_hour),
    "minute": _dated(_minute),
    "month": _dated(_month),
    "year": _dated(_year),
}
