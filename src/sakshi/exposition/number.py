"""Numbers as Go reads and writes them, which is what every Prometheus client sends."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

_DECIMAL: Final = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SPECIAL: Final = {
    b"nan": math.nan,
    b"inf": math.inf,
    b"+inf": math.inf,
    b"-inf": -math.inf,
    b"infinity": math.inf,
    b"+infinity": math.inf,
    b"-infinity": -math.inf,
}
_PLAIN_EXPONENTS: Final = range(
    -4, 6
)  # Go's `g` with the shortest precision; others are written out


def parse_number(text: bytes) -> float:
    """Return the number that a sample's value spells.

    Decimal numbers, `NaN` and infinities in any case. No hexadecimal numbers and no underscores:
    Prometheus keeps to what Go read before 1.13.

    Raises:
        ValueError: the text is no such number, or is too large for a float64.

    Source:
        prometheus/prometheus model/textparse/promparse.go, parseFloat.

    Example:
        >>> parse_number(b"1e3"), parse_number(b"+Inf"), parse_number(b".5")
        (1000.0, inf, 0.5)
    """
    if _DECIMAL.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            raise ValueError("too large for a float64")
        return number
    special = _SPECIAL.get(text.lower())
    if special is None:
        raise ValueError("not a number")
    return special


def format_number(number: float) -> str:
    """Return the shortest text that `parse_number` reads back as this number, in Go's words.

    Source:
        golang/go src/strconv/ftoa.go, format `g`, shortest precision.

    Example:
        >>> format_number(2.0), format_number(1e6), format_number(0.00001), format_number(-0.0)
        ('2', '1e+06', '1e-05', '-0')
    """
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    decimal = Decimal(repr(number)).normalize()
    exponent = decimal.adjusted() if number else 0
    if exponent in _PLAIN_EXPONENTS:
        return f"{decimal:f}"
    digits = "".join(map(str, decimal.as_tuple().digits))
    mantissa = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits
    return f"{'-' if number < 0 else ''}{mantissa}e{exponent:+03d}"


@lru_cache(maxsize=1000)  # a service has a few dozen bucket edges, each in hundreds of lines
def normalize_bound(text: str) -> str:
    """Return the value of an `le` or `quantile` label in the one form that all clients share.

    Some clients write `le="1"`, others `le="1.0"`; what is no number stays as it is.

    Source:
        prometheus/prometheus model/textparse/openmetricsparse.go, normalizeFloatsInLabelValues.

    Example:
        >>> normalize_bound("1"), normalize_bound("0.50"), normalize_bound("1e7")
        ('1.0', '0.5', '1e+07')
    """
    try:
        bound = format_number(parse_number(text.encode()))
    except ValueError:
        return text
    return bound if set(bound) & set(".eIN") else f"{bound}.0"
