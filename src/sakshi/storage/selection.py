"""Selections: which columns of which targets a set of matchers means, found once and kept.

A query comes again and again, with other times. Its **plan** lists the columns to read, a group for
each target, and the groups hold the `SeriesList`s that are handed out: as long as no series is new
that meets the matchers, the same objects. New series are tried against the plan's matchers one by
one; only a match, or the removal of series, makes a new plan, and even that keeps the groups that
did not change.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, matches_all
from sakshi.storage.index import IndexVersion, SeriesIndex, SeriesPlace
from sakshi.storage.matrix import MatrixView, Slots, as_slots
from sakshi.storage.store import Columns, SeriesList, Watch, unwatched
from sakshi.storage.target import TargetHead

SUBSETS_MAX = 8  # for each group: queries over different ranges see different ended series


@dataclass(eq=False)
class Group:
    """Columns of one target that a selection reads together, those of a family side by side."""

    target: TargetHead
    columns: Columns
    series: SeriesList
    families: Columns
    _subsets: dict[bytes, Group] = field(default_factory=dict)
    _slots: tuple[tuple[int, int], Slots, bool] | None = None

    def subset(self, chosen: NDArray[np.bool_]) -> Group:
        """Return the group of some of the columns; the same object for the same columns."""
        key = np.packbits(chosen).tobytes()
        subset = self._subsets.get(key)
        if subset is None:
            labels = [self.series[index] for index in np.flatnonzero(chosen).tolist()]
            subset = Group(
                self.target, self.columns[chosen], SeriesList(labels), self.families[chosen]
            )
            if len(self._subsets) >= SUBSETS_MAX:
                self._subsets = {}
            self._subsets[key] = subset
        return subset

    def slots(self, rows: MatrixView) -> tuple[Slots, bool]:
        """Return where the columns stand in these rows (-1: nowhere), and whether all do."""
        width = rows.columns.size
        known = self._slots
        if known is None or known[0] != (rows.layout, width):
            slots = rows.slots(self.columns)
            complete = bool((slots >= 0).all())
            known = ((rows.layout, width), as_slots(slots) if complete else slots, complete)
            self._slots = known
        return known[1], known[2]


@dataclass(frozen=True)
class Plan:
    """What to read for a set of matchers.

    Args:
        groups: each series of these is in one target only.
        shared: series that several targets have: a group of each, oldest first, of the same series.
        seen: the index that this was found in.
    """

    groups: Sequence[Group]
    shared: Sequence[Sequence[Group]]
    seen: IndexVersion
    size: int


class PlanCache:
    """The plans of recent selections. Safe to use from any thread.

    Args:
        index: of all series.
        targets: by number; it grows while this reads it.
        series_max: the plans kept have so many series together, at most.
    """

    def __init__(
        self, index: SeriesIndex, targets: Mapping[int, TargetHead], series_max: int
    ) -> None:
        self._index = index
        self._targets = targets
        self._series_max = series_max
        self._lock = threading.Lock()
        self._plans: dict[tuple[Matcher, ...], Plan] = {}  # least recently used first
        self._size = 0

    def find(self, matchers: Sequence[Matcher], watch: Watch = unwatched) -> Plan:
        """Return what these matchers mean now; `watch` may end the search."""
        key = tuple(matchers)
        with self._lock:
            old = self._plans.pop(key, None)
            if old is not None:
                self._plans[key] = old  # most recently used
        if old is not None and old.seen == self._index.version:
            return old
        plan = self._renew(key, old, watch)
        self._keep(key, plan)
        return plan

    def _renew(self, key: tuple[Matcher, ...], old: Plan | None, watch: Watch) -> Plan:
        if old is not None:
            added = self._index.added_since(old.seen)
            if added is not None and not any(matches_all(key, new.labels) for new in added[0]):
                return Plan(old.groups, old.shared, added[1], old.size)
        places, seen = self._index.find(key, watch)
        known = {} if old is None else {group.target.id: group for group in old.groups}
        alone: dict[int, list[SeriesPlace]] = {}
        shared: dict[tuple[int, ...], list[Sequence[SeriesPlace]]] = {}
        is_simple = len({place.labels for place in places}) == len(places)  # nearly always
        for found in ([place] for place in places) if is_simple else _by_series(places):
            if len(found) == 1:
                alone.setdefault(found[0].target_id, []).append(found[0])
            else:
                shared.setdefault(tuple(place.target_id for place in found), []).append(found)
        groups = [self._group(id, found, known.get(id)) for id, found in alone.items()]
        return Plan(groups, self._shared(shared, old), seen, len(places) + 1)

    def _group(self, target_id: int, places: list[SeriesPlace], old: Group | None) -> Group:
        target = self._targets[target_id]
        columns = np.array([place.column for place in places], np.intp)
        families = target.families(columns)
        order = np.lexsort((columns, families))
        columns = columns[order]
        if old is not None and np.array_equal(old.columns, columns):
            return old
        series = SeriesList([places[index].labels for index in order.tolist()])
        return Group(target, columns, series, families[order])

    def _shared(
        self,
        shared: Mapping[tuple[int, ...], Sequence[Sequence[SeriesPlace]]],
        old: Plan | None,
    ) -> Sequence[Sequence[Group]]:
        """Return a group of each target, for each set of targets that have series in common."""
        known = {
            tuple(group.target.id for group in groups): groups
            for groups in (old.shared if old is not None else ())
        }
        found = []
        for target_ids, series in shared.items():
            groups = known.get(target_ids)
            oldest = self._group(
                target_ids[0], [places[0] for places in series], groups[0] if groups else None
            )
            if groups and oldest is groups[0]:
                found.append(groups)
            else:
                found.append([oldest, *self._beside(oldest, target_ids, series)])
        return found

    def _beside(
        self, oldest: Group, target_ids: Sequence[int], series: Sequence[Sequence[SeriesPlace]]
    ) -> Iterator[Group]:
        """Yield the groups of the other targets that have the series of the oldest."""
        by_labels = {places[0].labels: places for places in series}
        ordered = [by_labels[labels] for labels in oldest.series]
        for position in range(1, len(target_ids)):
            columns = np.array([places[position].column for places in ordered], np.intp)
            target = self._targets[target_ids[position]]
            yield Group(target, columns, oldest.series, oldest.families)

    def _keep(self, key: tuple[Matcher, ...], plan: Plan) -> None:
        with self._lock:
            old = self._plans.pop(key, None)
            self._plans[key] = plan
            self._size += plan.size - (old.size if old is not None else 0)
            while self._size > self._series_max and len(self._plans) > 1:
                self._size -= self._plans.pop(next(iter(self._plans))).size


def _by_series(places: Iterable[SeriesPlace]) -> Iterable[Sequence[SeriesPlace]]:
    """Return the places of each series, the oldest target's first."""
    found: dict[Labels, Sequence[SeriesPlace]] = {}
    for place in places:
        others = found.get(place.labels)
        found[place.labels] = (place,) if others is None else _sorted([*others, place])
    return found.values()


def _sorted(places: Iterable[SeriesPlace]) -> Sequence[SeriesPlace]:
    return sorted(places, key=lambda place: place.target_id)
