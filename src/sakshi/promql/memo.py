"""What is derived from a series list, remembered beside it.

Groupings, matchings and new label sets depend on labels only, so one that was computed for a query
serves its next evaluation, and every block of steps of this one. Their number is bounded: what
people type by hand must not pile up on a list that lives for months.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final, TypeVar

from sakshi.storage.store import SeriesList

Derived = TypeVar("Derived")

DERIVED_MAX: Final = 64  # a series list is used by a few rules and panels, each deriving one or two


def derive(series: SeriesList, key: Hashable, build: Callable[[], Derived]) -> Derived:
    """Return what `build` makes of the list, from the memo if it was made before.

    Args:
        series: the list whose memo is used.
        key: names the derivation with all its parameters; another list among them is kept alive.
        build: makes it; depends on nothing but the list and the key.
    """
    found: Derived | None = series.memo.get(key)
    if found is None:
        found = build()
        if len(series.memo) >= DERIVED_MAX:
            series.memo.clear()
        series.memo[key] = found
    return found
