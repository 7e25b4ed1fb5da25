"""Units: which there are, which can be converted into which, and which one a metric's name tells.

time   us ms s min h          share  ratio (0 to 1), %
rate   /s /min /h             size   bytes KB MB GB KiB MiB GiB
count  (no unit)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sakshi.model.errors import SakshiError


class Dimension(StrEnum):
    """What a unit measures; the values are for people."""

    TIME = "time"
    SHARE = "share"
    RATE = "rate"
    SIZE = "size"
    COUNT = "count"


@dataclass(frozen=True)
class Unit:
    """A unit of a dimension.

    Args:
        symbol: as it stands behind a number; empty for a count.
        scale: how many of the dimension's base unit (s, ratio, /s, bytes, 1) one of it is.
    """

    symbol: str
    dimension: Dimension
    scale: float


UNITS: Final = {
    unit.symbol: unit
    for unit in (
        Unit("", Dimension.COUNT, 1.0),
        Unit("us", Dimension.TIME, 1e-6),
        Unit("ms", Dimension.TIME, 1e-3),
        Unit("s", Dimension.TIME, 1.0),
        Unit("min", Dimension.TIME, 60.0),
        Unit("h", Dimension.TIME, 3600.0),
        Unit("ratio", Dimension.SHARE, 1.0),
        Unit("%", Dimension.SHARE, 0.01),
        Unit("/s", Dimension.RATE, 1.0),
        Unit("/min", Dimension.RATE, 1 / 60),
        Unit("/h", Dimension.RATE, 1 / 3600),
        Unit("bytes", Dimension.SIZE, 1.0),
        Unit("KB", Dimension.SIZE, 1e3),
        Unit("MB", Dimension.SIZE, 1e6),
        Unit("GB", Dimension.SIZE, 1e9),
        Unit("KiB", Dimension.SIZE, 2.0**10),
        Unit("MiB", Dimension.SIZE, 2.0**20),
        Unit("GiB", Dimension.SIZE, 2.0**30),
    )
}
"""All units, by symbol."""

FACTOR_DIGITS: Final = 6  # of factors of at least 1: 1e-3 / 1e-6 is not 1000 in binary

_SUFFIXES: Final = {
    "_seconds": "s",
    "_milliseconds": "ms",
    "_ms": "ms",
    "_percent": "%",
    "_ratio": "ratio",
    "_score": "ratio",
    "_accuracy": "ratio",
    "_success_rate": "ratio",
    "_selection_rate": "ratio",
    "_per_second": "/s",
    "_per_hour": "/h",
    "_bytes": "bytes",
    "_connections": "",
}
_PARTS: Final = ("_bucket", "_sum")  # of a histogram: in its unit; `_count` is a count


class UnitError(SakshiError):
    """Two units that measure different things; the message names both."""


def convert(value: float, unit: str, into: str) -> float:
    """Return a value in another unit of the same dimension.

    Args:
        value: in `unit`.
        unit: a symbol of UNITS.
        into: another one.

    Raises:
        UnitError: the units measure different things.

    Example:
        >>> convert(2.0, "s", "ms"), convert(36.0, "/h", "/s"), convert(70.0, "%", "ratio")
        (2000.0, 0.01, 0.7)
    """
    source, target = UNITS[unit], UNITS[into]
    if source.dimension is not target.dimension:
        raise UnitError(f"{describe_unit(unit)} cannot be turned into {describe_unit(into)}")
    if source.scale >= target.scale:  # a factor or a divisor, whichever is the round number
        return value * round(source.scale / target.scale, FACTOR_DIGITS)
    return value / round(target.scale / source.scale, FACTOR_DIGITS)


def describe_unit(symbol: str) -> str:
    """Return a unit in words.

    Example:
        >>> describe_unit("ms"), describe_unit("")
        ('ms (time)', 'a count')
    """
    return f"{symbol} ({UNITS[symbol].dimension})" if symbol else "a count"


def find_metric_unit(metric: str) -> str | None:
    """Return the unit of a metric's values that its name tells; None where it tells none.

    Example:
        >>> find_metric_unit("http_request_duration_seconds_bucket"), find_metric_unit("up")
        ('s', None)
    """
    for part in _PARTS:
        metric = metric.removesuffix(part)
    for suffix, unit in _SUFFIXES.items():
        if metric.endswith(suffix):
            return unit
    return None
