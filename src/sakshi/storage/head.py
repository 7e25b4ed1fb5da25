"""All targets and their series: what both stores share, and what answers a selection."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Mapping, Sequence
from typing import Final
from weakref import WeakMethod, WeakValueDictionary

import numpy as np

from sakshi.model.clock import Clock
from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher
from sakshi.storage.budget import SeriesBudget
from sakshi.storage.column import NEVER_MS
from sakshi.storage.config import StorageConfig
from sakshi.storage.deletion import DeletedRange
from sakshi.storage.history import History
from sakshi.storage.index import SeriesIndex
from sakshi.storage.journal import count_after, read_oldest
from sakshi.storage.past import Past
from sakshi.storage.selection import Group, PlanCache
from sakshi.storage.store import Progress, SeriesColumns, SeriesList, Watch, unwatched
from sakshi.storage.target import TargetHead
from sakshi.storage.window import Tally, read_group, read_shared

IDENTITY: Final = ("instance", "job")
"""The labels whose values make a target of series that come by themselves: as if it was scraped."""


class Head:
    """Targets by identity, their series by labels. Safe to use from any thread.

    Args:
        history: where rows are read that left memory.
        config: bounds the series, the plans that are kept, and how late a sample may be.
        clock: tells whether samples lie in the future.
    """

    def __init__(self, history: History, config: StorageConfig, clock: Clock) -> None:
        self.index = SeriesIndex()
        self.budget = SeriesBudget(config.series_max, config.target_series_max)
        self._history = history
        self._past = Past(history, config.out_of_order_ms, clock)
        self._lock = threading.Lock()
        self._targets: dict[int, TargetHead] = {}
        self._by_labels: dict[Labels, TargetHead] = {}
        self._retired: WeakValueDictionary[Labels, TargetHead] = WeakValueDictionary()
        self._wholes: dict[int, Group] = {}  # by target: all of its series
        self._next_id = 1
        self._plans = PlanCache(self.index, self._targets, config.plan_cache_series_max)

    def target(self, labels: Labels) -> TargetHead:
        """Return the target with this identity, a new one where it is not known."""
        with self._lock:
            target = self._by_labels.get(labels) or self._retired.get(labels)
            return target if target is not None else self._add(self._next_id, labels)

    def find_home(self, labels: Labels) -> TargetHead:
        """Return the target where a series is, or one by its job and instance where it is new."""
        found = self.index.find_target(labels)
        with self._lock:
            target = self._targets.get(found) if found is not None else None
        return target if target is not None else self.target(labels.only(IDENTITY))

    def retire(self, target: TargetHead) -> bool:
        """Forget a target of which nothing is left; tell whether it is so.

        Whoever holds it may append to it all the same: then it comes back.
        """
        with self._lock:
            if not target.retire():
                return False
            self._targets.pop(target.id, None)
            self._by_labels.pop(target.labels, None)
            self._wholes.pop(target.id, None)
            self._retired[target.labels] = target
            return True

    def restore_target(self, id: int, labels: Labels) -> TargetHead:
        """Take back a target, with its number, as the disk has it."""
        return self._add(id, labels)

    def reserve_target(self, id: int) -> None:
        """Never give this number to another target: its rows are on disk, its labels damaged."""
        self._next_id = max(self._next_id, id + 1)

    def find_target(self, id: int) -> TargetHead | None:
        """Return the target of a number; None where it is not known."""
        return self._targets.get(id)

    def targets(self) -> list[TargetHead]:
        """Return all targets, oldest first."""
        with self._lock:
            return list(self._targets.values())

    def select(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        watch: Watch = unwatched,
    ) -> Sequence[SeriesColumns]:
        """Return the samples of all series that meet every matcher: see `Querier`."""
        plan = self._plans.find(matchers, watch)
        tally = Tally(watch)
        found = [read_group(group, start_ms, end_ms, self._history, tally) for group in plan.groups]
        found += [
            read_shared(groups, start_ms, end_ms, self._history, tally) for groups in plan.shared
        ]
        return [columns for columns in found if columns is not None]

    def series(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        watch: Watch = unwatched,
    ) -> Sequence[Labels]:
        """Return the series that have samples in or near the range, sorted: see `Querier`."""
        plan = self._plans.find(matchers, watch)
        found: set[Labels] = set()
        for group in [*plan.groups, *(group for groups in plan.shared for group in groups)]:
            living = group.target.lives_within(group.columns, start_ms, end_ms).tolist()
            found.update(itertools.compress(group.series, living))
        return sorted(found)

    def progress(self, late_id: int) -> Progress:
        """Return how far samples are durable: see `Journal`."""
        moments = {target.labels: target.committed_ms for target in self.targets()}
        known = {labels: moment for labels, moment in moments.items() if moment != NEVER_MS}
        return Progress(known, late_id)

    def backlog(self, after: Mapping[Labels, int]) -> int:
        """Return about how many samples are newer: see `Journal`."""
        return sum(
            count_after(target, after.get(target.labels, NEVER_MS)) for target in self.targets()
        )

    def read_target(
        self, target: Labels, after_ms: int, end_ms: int, samples_max: int
    ) -> SeriesColumns | None:
        """Return the oldest rows of a target: see `Journal`."""
        with self._lock:
            found = self._by_labels.get(target)
        if found is None:
            return None
        group = self._whole(found)
        return read_oldest(group, after_ms, end_ms, samples_max, self._history)

    def _whole(self, target: TargetHead) -> Group:
        """Return all series of a target; the same object as long as they are the same."""
        columns, known = target.known_columns(), self._wholes.get(target.id)
        if known is not None and np.array_equal(known.columns, columns):
            return known
        series = SeriesList(target.labels_of(columns))
        group = self._wholes[target.id] = Group(target, columns, series, target.families(columns))
        return group

    def find_ranges(
        self, matchers: Sequence[Matcher], start_ms: int, end_ms: int
    ) -> list[tuple[TargetHead, list[DeletedRange]]]:
        """Return what a deletion would hide, by target."""
        places, _ = self.index.find(matchers)
        columns: dict[int, list[int]] = {}
        for place in places:
            columns.setdefault(place.target_id, []).append(place.column)
        found = [
            (target, target.find_ranges(np.array(numbers, np.intp), start_ms, end_ms))
            for id, numbers in columns.items()
            if (target := self._targets.get(id)) is not None
        ]
        return [(target, ranges) for target, ranges in found if ranges]

    def bounds(self) -> tuple[int | None, int | None]:
        """Return the timestamps of the oldest and the newest sample; None where there is none."""
        bounds = [target.bounds() for target in self.targets()]
        oldest = [moment for moment, _ in bounds if moment is not None]
        newest = [moment for _, moment in bounds if moment is not None]
        return min(oldest, default=None), max(newest, default=None)

    def oldest_spans_end_ms(self, share: float) -> int | None:
        """Return when the oldest spans end, so large a share of all; None where there is none."""
        tables = [target.view().spans.table[:, 2] for target in self.targets()]
        ends = np.sort(np.concatenate(tables)) if tables else np.empty(0, np.int64)
        count = min(math.ceil(share * ends.size), ends.size)
        return int(ends[count - 1]) if count else None

    def _add(self, id: int, labels: Labels) -> TargetHead:
        come_back = WeakMethod(self._come_back)  # a store that is closed is freed at once

        def call(target: TargetHead) -> None:
            if (found := come_back()) is not None:
                found(target)

        target = TargetHead(id, labels, self.index, self.budget, self._past, call)
        self._targets[id] = self._by_labels[labels] = target
        self._next_id = max(self._next_id, id + 1)
        return target

    def _come_back(self, target: TargetHead) -> None:
        with self._lock:
            self._targets[target.id] = self._by_labels[target.labels] = target
            self._retired.pop(target.labels, None)
            target.return_to_work()
