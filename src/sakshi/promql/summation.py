"""Sums that survive cancellation: 1e100 + 1 - 1e100 is 1.

Prometheus sums with Kahan's and Neumaier's compensation. Here NumPy sums at full speed, and the few
sums that lost digits, because their terms nearly cancel, are made again, exactly, by `math.fsum`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from sakshi.storage.store import Values

CANCELLATION_MAX: Final = 1000.0  # magnitude per sum; ten thousand terms then keep nine digits
OVERFLOW_FROM: Final = 1e290  # fewer than 1e18 terms below it cannot overflow

Terms = Callable[[int, int], Values]
"""Given step and column of a sum: what was summed there, shape (terms,), not empty."""


def repair_sums(
    sums: Values, values: Values, magnitudes: Callable[[], Values], terms: Terms
) -> Values:
    """Return sums with those made again whose terms nearly cancelled.

    Args:
        sums: shape (steps, n): what plain addition gave; changed in place.
        values: all the terms, in any shape.
        magnitudes: returns the sums of the terms' absolute values, shape (steps, n).
        terms: returns the terms of one sum.
    """
    sums += 0.0  # -0.0 alone adds up to +0.0: Prometheus adds its compensation in the end
    if values.size == 0 or values.min() >= 0 or values.max() <= 0:
        return sums
    sizes = magnitudes()
    cancelled = (np.abs(sums) * CANCELLATION_MAX < sizes) & np.isfinite(sizes)
    for step, column in np.argwhere(cancelled).tolist():
        sums[step, column] = math.fsum(terms(step, column).tolist())
    return sums


def means(sums: Values, counts: Values, values: Values, terms: Terms) -> Values:
    """Return sums divided by counts; where finite terms have a sum that overflowed, their mean.

    Args:
        sums: shape (steps, n).
        counts: what they are to be divided by; broadcasts to their shape.
        values: all the terms, in any shape.
        terms: returns the terms of one sum.
    """
    result = sums / counts
    overflowed = ~np.isfinite(sums)
    if overflowed.any() and (np.isfinite(values) & (np.abs(values) > OVERFLOW_FROM)).any():
        for step, column in np.argwhere(overflowed).tolist():
            found = terms(step, column)
            if len(found) and np.isfinite(found).all():
                result[step, column] = math.fsum((found / len(found)).tolist())
    return result
