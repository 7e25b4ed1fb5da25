"""Which series meet a set of matchers: postings, from a label pair to the series that carry it.

    job      -> chat   -> [0, 1, 2, 5]
                worker -> [3, 4]
    __name__ -> up     -> [0, 3]

A series' number is its place in the order of arrival, so postings are sorted as they grow, and a
selector is a handful of set operations on sorted arrays. A regular expression is tried once on each
value of its label, and nobody waits for it: one may take milliseconds a value. Removed series leave
an empty place; when half of the places are empty, the index is rebuilt.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.storage.store import Watch, unwatched

SeriesIds = NDArray[np.int64]

VALUES_BETWEEN_WATCHES: Final = 16  # RE2 takes 2 ms for one where its memory is not enough

_REGULAR: Final = frozenset({MatchOperator.REGEX, MatchOperator.NOT_REGEX})


@dataclass(frozen=True, slots=True)
class SeriesPlace:
    """Where the samples of a series are: a column of a target, both by number."""

    labels: Labels
    target_id: int
    column: int


@dataclass(frozen=True, slots=True)
class Untried:
    """Values of a label that a regular expression has not been tried on."""

    matcher: Matcher
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class IndexVersion:
    """How much of the index somebody has seen."""

    rebuilds: int
    removals: int
    places: int


class SeriesIndex:
    """The series of all targets. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: list[SeriesPlace | None] = []
        self._ids: dict[tuple[int, int], int] = {}  # (target, column) -> series id
        self._targets: dict[Labels, tuple[int, ...]] = {}  # the targets that have this series
        self._postings: dict[str, dict[str, array[int]]] = {}
        self._families: dict[str, int] = {}
        self._family_next = 1
        self._removals = self._rebuilds = 0

    def __len__(self) -> int:
        return len(self._targets)

    @property
    def version(self) -> IndexVersion:
        """What `added_since` counts from."""
        return IndexVersion(self._rebuilds, self._removals, len(self._places))

    def add(self, places: Iterable[SeriesPlace]) -> None:
        """Take in series; one that is there already stays as it is."""
        with self._lock:
            for place in places:
                self._add(place)

    def remove(self, places: Iterable[SeriesPlace]) -> None:
        """Forget series; one that is not there is passed over."""
        with self._lock:
            for place in places:
                self._remove(place)
            if len(self._places) > 2 * len(self._ids) + 1000:
                self._rebuild()

    def family(self, name: str) -> int:
        """Return the number of a metric family, the next one where it is new: 1, 2, 3, ..."""
        with self._lock:
            number = self._families.get(name)
            if number is None:
                number = self._families[name] = self._family_next
                self._family_next += 1
            return number

    def families(self) -> dict[str, int]:
        """Return the number of every metric family, by name."""
        with self._lock:
            return dict(self._families)

    def restore_family(self, name: str, number: int) -> None:
        """Take back a metric family's number, as the disk has it."""
        self._families[name] = number
        self._family_next = max(self._family_next, number + 1)

    def find_target(self, labels: Labels) -> int | None:
        """Return the oldest target that has this series, by number; None where none has."""
        return min(self._targets.get(labels, ()), default=None)

    def find(
        self, matchers: Sequence[Matcher], watch: Watch = unwatched
    ) -> tuple[list[SeriesPlace], IndexVersion]:
        """Return the series that meet every matcher, in order of arrival, and the version seen.

        Args:
            matchers: any number.
            watch: called again and again while values are tried; may end it.
        """
        # Equalities first: they are cheap, and leave little for the others.
        ordered = sorted(matchers, key=lambda matcher: matcher.operator != MatchOperator.EQUAL)
        tried: dict[Matcher, dict[str, bool]] = {
            matcher: {} for matcher in matchers if matcher.operator in _REGULAR
        }
        while True:
            with self._lock:
                untried = self._find_all(ordered, tried)
                if not isinstance(untried, Untried):
                    return untried, self.version
            known = tried[untried.matcher]
            for number, value in enumerate(untried.values):
                if number % VALUES_BETWEEN_WATCHES == 0:
                    watch(0)
                known[value] = untried.matcher.matches(value)

    def added_since(self, seen: IndexVersion) -> tuple[list[SeriesPlace], IndexVersion] | None:
        """Return what came after a version; None where something was removed since."""
        with self._lock:
            version = self.version
            if (version.rebuilds, version.removals) != (seen.rebuilds, seen.removals):
                return None
            added = self._places[seen.places :]
            return [place for place in added if place is not None], version

    def _add(self, place: SeriesPlace) -> None:
        key = (place.target_id, place.column)
        if key in self._ids:
            return
        series_id = self._ids[key] = len(self._places)
        self._places.append(place)
        self._targets[place.labels] = (*self._targets.get(place.labels, ()), place.target_id)
        for name, value in place.labels.pairs:
            self._postings.setdefault(name, {}).setdefault(value, array("q")).append(series_id)

    def _remove(self, place: SeriesPlace) -> None:
        series_id = self._ids.pop((place.target_id, place.column), None)
        if series_id is None:
            return
        self._places[series_id] = None
        self._removals += 1
        targets = tuple(t for t in self._targets[place.labels] if t != place.target_id)
        if targets:
            self._targets[place.labels] = targets
        else:
            del self._targets[place.labels]

    def _rebuild(self) -> None:
        places = [place for place in self._places if place is not None]
        self._places, self._ids, self._targets, self._postings = [], {}, {}, {}
        self._rebuilds += 1
        for place in places:
            self._add(place)

    def _find_all(
        self, matchers: Sequence[Matcher], tried: Mapping[Matcher, Mapping[str, bool]]
    ) -> list[SeriesPlace] | Untried:
        """Return the series that meet every matcher, or what must be tried before."""
        ids: SeriesIds | None = None
        for matcher in matchers:
            matches: Callable[[str], bool] = matcher.matches
            if matcher in tried:
                known = tried[matcher]
                untried = [value for value in self._postings.get(matcher.name, {})
                           if value not in known]  # fmt: skip
                if untried:
                    return Untried(matcher, untried)
                matches = known.__getitem__
            found = self._find(matcher, matches)
            ids = found if ids is None else np.intersect1d(ids, found, assume_unique=True)
            if not ids.size:
                return []
        chosen = self._places if ids is None else [self._places[i] for i in ids.tolist()]
        return [place for place in chosen if place is not None]

    def _find(self, matcher: Matcher, matches: Callable[[str], bool]) -> SeriesIds:
        values = self._postings.get(matcher.name, {})
        if matcher.matches(""):  # also the series that lack the label
            refused = [ids for value, ids in values.items() if not matches(value)]
            everything = np.arange(len(self._places), dtype=np.int64)
            return np.setdiff1d(everything, _union(refused), assume_unique=True)
        if matcher.operator == MatchOperator.EQUAL:
            return _union([values[matcher.value]] if matcher.value in values else [])
        return _union([ids for value, ids in values.items() if matches(value)])


def _union(postings: Sequence[array[int]]) -> SeriesIds:
    """Return the sorted ids of postings that have none in common."""
    if not postings:
        return np.empty(0, np.int64)
    arrays = [np.array(ids, dtype=np.int64) for ids in postings]
    return arrays[0] if len(arrays) == 1 else np.sort(np.concatenate(arrays))
