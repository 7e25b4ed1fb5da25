"""A store without a disk: for tests, and for what needs no yesterday."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from sakshi.model.clock import Clock, SystemClock
from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher
from sakshi.storage.config import StorageConfig
from sakshi.storage.head import Head
from sakshi.storage.history import NoHistory
from sakshi.storage.late import MemoryLate
from sakshi.storage.store import (
    LateSamples,
    Progress,
    SeriesColumns,
    StoreStatistics,
    TargetAppender,
    Watch,
    unwatched,
)


class MemoryStore:
    """A `Store` that keeps every row in memory until it expires."""

    def __init__(
        self,
        config: StorageConfig = StorageConfig(),  # noqa: B008 - immutable
        clock: Clock = SystemClock(),  # noqa: B008 - has no state
    ) -> None:
        self._config = config
        self._head = Head(NoHistory(), config, clock)
        self._late = MemoryLate()
        self._committing = threading.Lock()

    def target(self, labels: Labels) -> TargetAppender:
        """Return the appender of a target: see `Appender`."""
        return self._head.target(labels)

    def commit(self) -> None:
        """Count everything as durable: memory is all that this store has."""
        with self._committing:
            for target in self._head.targets():
                taken = target.take()
                if taken is not None:
                    if self._config.keeps_late:
                        self._late.add(target, target.late(taken))
                    target.confirm(taken)

    def select(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        watch: Watch = unwatched,
    ) -> Sequence[SeriesColumns]:
        """Return the samples of all series that meet every matcher: see `Querier`."""
        return self._head.select(matchers, start_ms, end_ms, watch)

    def series(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        watch: Watch = unwatched,
    ) -> Sequence[Labels]:
        """Return the series that have samples in or near the range, sorted: see `Querier`."""
        return self._head.series(matchers, start_ms, end_ms, watch)

    def progress(self) -> Progress:
        """Return how far samples are durable: see `Journal`."""
        return self._head.progress(self._late.last_id)

    def backlog(self, after: Mapping[Labels, int]) -> int:
        """Return about how many durable samples are newer: see `Journal`."""
        return self._head.backlog(after)

    def read_target(
        self, target: Labels, after_ms: int, end_ms: int, samples_max: int
    ) -> SeriesColumns | None:
        """Return the oldest rows of a target: see `Journal`."""
        return self._head.read_target(target, after_ms, end_ms, samples_max)

    def late_samples(self, after_id: int, count_max: int) -> Sequence[LateSamples]:
        """Return late samples: see `Journal`."""
        return self._late.read(after_id, count_max)

    def forget_late(self, id: int) -> None:
        """Forget late samples up to an id: see `Journal`."""
        with self._committing:
            self._late.forget(id)

    def expire(self, before_ms: int) -> int:
        """Forget samples older than `before_ms`; return how many rows went."""
        rows = 0
        with self._committing:
            self._late.expire(before_ms)
        for target in self._head.targets():
            rows += target.expire(before_ms)
            target.forget_series(before_ms)
            target.forget_deletions(before_ms)
            self._head.retire(target)
        return rows

    def delete_series(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> int:
        """Delete samples; return of how many series: see `Store`."""
        found = self._head.find_ranges(matchers, start_ms, end_ms)
        for target, ranges in found:
            target.delete(ranges)
        return sum(len(ranges) for _, ranges in found)

    def statistics(self) -> StoreStatistics:
        """Return what the store holds."""
        targets = self._head.targets()
        oldest_ms, newest_ms = self._head.bounds()
        return StoreStatistics(
            series=len(self._head.index),
            samples=sum(target.samples for target in targets),
            targets=len(targets),
            oldest_ms=oldest_ms,
            newest_ms=newest_ms,
            refused_series=self._head.budget.refused,
            refusals=self._head.budget.refusals(),
        )

    def close(self) -> None:
        """Return at once: there is nothing to release."""
