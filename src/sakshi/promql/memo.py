"""What is derived from a series list, remembered beside it.

Groupings, matchings and new label sets depend on labels only, so one that was computed for a query
serves its next evaluation, and every block of steps of this one. What is derived may hold series
lists of its own, with memos of their own, from which more is derived: `label_replace` around
`label_replace`. Their number and their size are bounded together, by an account that a list shares
with all that come of it: what people type by hand must not pile up on a list that lives for months.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Final, TypeVar

from sakshi.storage.store import SeriesList

Derived = TypeVar("Derived")

DERIVED_MAX: Final = 64  # a series list is used by a few rules and panels, each deriving one or two
DERIVED_LABELS_MAX: Final = (
    20  # label sets for each of the list's own, about 10 MB for 1,000 series
)
LABELS_ALWAYS: Final = 10_000  # label sets that are remembered however short the list is

_ACCOUNT: Final = "account"  # the key of a list's account in its memo


class _Account:
    """How many label sets are remembered with a list, and all that comes of it."""

    def __init__(self, root: SeriesList) -> None:
        self.root = root
        self.label_sets = 0

    def is_full_with(self, label_sets: int) -> bool:
        allowed = DERIVED_LABELS_MAX * len(self.root) + LABELS_ALWAYS
        return self.label_sets + label_sets > allowed


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
        _remember(series, key, found)
    return found


def _remember(series: SeriesList, key: Hashable, derived: object) -> None:
    account = _account_of(series)
    lists = [other for other in _series_lists(derived) if other is not series]
    label_sets = len(derived) if isinstance(derived, list) else sum(map(len, lists))
    if account.is_full_with(label_sets):
        account.root.memo.clear()  # and with it every memo that is reached from there
        account = _account_of(account.root)
        series.memo[_ACCOUNT] = account
    if len(series.memo) >= DERIVED_MAX:
        series.memo.clear()
        series.memo[_ACCOUNT] = account
    account.label_sets += label_sets
    for other in lists:
        other.memo.setdefault(_ACCOUNT, account)
    series.memo[key] = derived


def _account_of(series: SeriesList) -> _Account:
    account: _Account | None = series.memo.get(_ACCOUNT)
    if account is None:
        account = series.memo[_ACCOUNT] = _Account(series)
    return account


def _series_lists(derived: Any) -> Iterator[SeriesList]:
    """Yield the series lists that something derived holds: as itself, or in its fields."""
    if isinstance(derived, SeriesList):
        yield derived
    elif is_dataclass(derived):
        for item in fields(derived):
            yield from _series_lists(getattr(derived, item.name))
    elif isinstance(derived, tuple):
        for part in derived[:2]:
            yield from _series_lists(part)
