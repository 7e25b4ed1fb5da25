"""Which series are buckets of the same histogram, one above the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sakshi.model.labels import Labels

BOUND: Final = "le"


def find_stacked(series: Sequence[Labels]) -> NDArray[np.bool_]:
    """Tell which series differ from the one before them in their label `le` only; shape (k,).

    Example:
        >>> names = [Labels({"host": "a", "le": bound}) for bound in ("1", "2", "+Inf")]
        >>> find_stacked([*names, Labels({"host": "b", "le": "1"})]).tolist()
        [False, True, True, False]
    """
    stacked = np.zeros(len(series), np.bool_)
    if not series or BOUND not in series[0]:
        return stacked
    before: object = None
    for index, labels in enumerate(series):
        rest = tuple(pair for pair in labels.pairs if pair[0] != BOUND)
        stacked[index] = rest == before and len(rest) < len(labels.pairs)
        before = rest
    return stacked
