"""Two NaNs that are no measurements: the stale marker, and the hole in a column.

Both are told from a measured NaN by their bits, so they must never pass through arithmetic: copy
them, select by them, store them as bits.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

STALE_BITS: Final = np.uint64(0x7FF0_0000_0000_0002)  # Prometheus' model/value, StaleNaN
ABSENT_BITS: Final = np.uint64(0x7FF0_0000_0000_0003)  # ours; never leaves the process or the file

STALE_MARKER: Final = STALE_BITS.view(np.float64)
"""The sample that ends a series: it was exposed before, and is no longer."""
ABSENT: Final = ABSENT_BITS.view(np.float64)
"""Fills a column where its series has no sample at that row's time."""


def is_stale(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which values are stale markers; same shape as `values`."""
    stale: NDArray[np.bool_] = values.view(np.uint64) == STALE_BITS
    return stale


def is_absent(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which values are holes; same shape as `values`."""
    absent: NDArray[np.bool_] = values.view(np.uint64) == ABSENT_BITS
    return absent


def is_gap(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which values are holes or stale markers; same shape as `values`."""
    return is_stale(values) | is_absent(values)
