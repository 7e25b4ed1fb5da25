"""Limits in the strategy's notation: `<2000ms`, `>0.8`, `<70%`, `<80`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sakshi.kpi.errors import LimitSyntaxError, LimitUnitError
from sakshi.model.quantity import UNITS, UnitError, convert, describe_unit

_WRITTEN_UNITS: Final = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_LIMIT: Final = re.compile(rf"\s*([<>])\s*(-?\d+(?:\.\d+)?)\s*({_WRITTEN_UNITS})\s*", re.ASCII)


class LimitOperator(StrEnum):
    """On which side of its value a limit is met."""

    BELOW = "<"
    ABOVE = ">"

    @property
    def opposite(self) -> LimitOperator:
        """The other side."""
        return LimitOperator.ABOVE if self is LimitOperator.BELOW else LimitOperator.BELOW


@dataclass(frozen=True)
class Limit:
    """A condition on a KPI's value: met on one side of a number, never at the number itself.

    Args:
        value: in `unit`.
        unit: a symbol of `UNITS`: the KPI's own.

    Example:
        >>> limit = parse_limit(">3000ms", "ms")
        >>> limit.is_met(3000.0), limit.is_met(3000.1), str(limit)
        (False, True, '>3000ms')
    """

    operator: LimitOperator
    value: float
    unit: str = ""

    def is_met(self, value: float) -> bool:
        """Tell whether a value in this limit's unit lies on its side; NaN never does."""
        if self.operator is LimitOperator.BELOW:
            return value < self.value
        return value > self.value

    def __str__(self) -> str:
        """Return the limit as the strategy writes it; a ratio and a count have no unit there."""
        return f"{self.operator}{self.quantity}"

    @property
    def quantity(self) -> str:
        """The limit's number and unit: `2000ms`."""
        unit = "" if self.unit == "ratio" else self.unit
        return f"{self.value:.15g}{unit}"


def parse_limit(text: str, unit: str) -> Limit:
    """Return a limit on a KPI whose values have this unit.

    A limit without a unit is in the KPI's own; one in another unit of the same kind is converted.

    Raises:
        LimitSyntaxError: the text is not an operator, a decimal number and a known unit.
        LimitUnitError: the limit's unit is of another kind than the KPI's.

    Example:
        >>> parse_limit("<2s", "ms")
        Limit(operator=<LimitOperator.BELOW: '<'>, value=2000.0, unit='ms')
    """
    match = _LIMIT.fullmatch(text)
    if match is None:
        raise LimitSyntaxError(f'expected a limit like "<2000ms", ">0.8" or "<70%", found "{text}"')
    operator, number, written_unit = match.groups()
    try:
        value = convert(float(number), written_unit or unit, unit)
    except UnitError:
        kind = f"in {describe_unit(unit)}" if unit else "without a unit"
        raise LimitUnitError(f'expected a limit {kind}, found "{text}"') from None
    return Limit(LimitOperator(operator), value, unit)
