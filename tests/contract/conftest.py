"""The stores that tests/contract holds to the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import FakeClock

from sakshi.model.clock import Clock, SystemClock
from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher
from sakshi.storage import (
    LateSamples,
    MemoryStore,
    Progress,
    SeriesColumns,
    SqliteStore,
    StorageConfig,
    Store,
    StoreStatistics,
    TargetAppender,
)
from sakshi.storage.store import Columns, Values, Watch, unwatched

START_MS = 1_700_000_000_000
SEALING_SOON = StorageConfig(head_ms=10_000, seal_rows=2)


class ReopenedStore:
    """A SqliteStore that is closed and opened before each question."""

    def __init__(self, folder: Path, config: StorageConfig, clock: Clock) -> None:
        self.store = SqliteStore(folder, config, clock=clock)
        self._clock = clock
        self._folder = folder
        self._config = config

    def target(self, labels: Labels) -> TargetAppender:
        return ReopenedAppender(self, labels)

    def commit(self) -> None:
        self.store.commit()

    def select(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        watch: Watch = unwatched,
    ) -> Sequence[SeriesColumns]:
        self._reopen()
        return self.store.select(matchers, start_ms, end_ms, watch)

    def series(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        watch: Watch = unwatched,
    ) -> Sequence[Labels]:
        self._reopen()
        return self.store.series(matchers, start_ms, end_ms, watch)

    def progress(self) -> Progress:
        self._reopen()
        return self.store.progress()

    def backlog(self, after: Mapping[Labels, int]) -> int:
        self._reopen()
        return self.store.backlog(after)

    def read_target(
        self, target: Labels, after_ms: int, end_ms: int, samples_max: int
    ) -> SeriesColumns | None:
        self._reopen()
        return self.store.read_target(target, after_ms, end_ms, samples_max)

    def late_samples(self, after_id: int, count_max: int) -> Sequence[LateSamples]:
        self._reopen()
        return self.store.late_samples(after_id, count_max)

    def forget_late(self, id: int) -> None:
        self._reopen()
        self.store.forget_late(id)

    def expire(self, before_ms: int) -> int:
        self._reopen()
        return self.store.expire(before_ms)

    def delete_series(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> int:
        self._reopen()
        return self.store.delete_series(matchers, start_ms, end_ms)

    def statistics(self) -> StoreStatistics:
        return self.store.statistics()

    def close(self) -> None:
        self.store.close()

    def _reopen(self) -> None:
        self.store.commit()
        self.store.close()
        self.store = SqliteStore(self._folder, self._config, clock=self._clock)


class ReopenedAppender:
    """Finds its target, and the columns that it handed out, in the store that is open now."""

    def __init__(self, owner: ReopenedStore, labels: Labels) -> None:
        self._owner = owner
        self._labels = labels
        self._series: list[Labels] = []

    def columns(self, series: Sequence[Labels]) -> Columns:
        self._series += [labels for labels in series if labels not in self._series]
        return np.array([self._series.index(labels) for labels in series], np.intp)

    def append(self, timestamp_ms: int, columns: Columns, values: Values) -> None:
        target = self._owner.store.target(self._labels)
        series = [self._series[column] for column in columns.tolist()]
        target.append(timestamp_ms, target.columns(series), values)


OPEN_THROUGHOUT = ["in memory", "on disk", "on disk, sealing soon"]
REOPENED = ["reopened", "reopened, sealing soon", "reopened from its log"]
BY_ROWS = [*OPEN_THROUGHOUT, "reopened from its log"]  # others have sealed all, in larger pieces


def open_store(
    kind: str, folder: Path, out_of_order_ms: int = 0, clock: Clock | None = None
) -> Store:
    config = SEALING_SOON if "sealing soon" in kind else StorageConfig()
    config = replace(config, out_of_order_ms=out_of_order_ms, keeps_late=True)
    if kind == "reopened from its log":
        config = replace(config, close_seconds_max=0)
    clock = clock or SystemClock()
    if kind == "in memory":
        return MemoryStore(config, clock)
    if kind in REOPENED:
        return ReopenedStore(folder, config, clock)
    return SqliteStore(folder, config, clock=clock)


@pytest.fixture(params=[*OPEN_THROUGHOUT, *REOPENED])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = open_store(request.param, tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture(params=BY_ROWS)
def row_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """For laws about single rows that expire: sealed ones go together, once all are old."""
    opened = open_store(request.param, tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture(params=OPEN_THROUGHOUT)
def lasting_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """For laws about objects and threads, which a store that is reopened cannot keep."""
    opened = open_store(request.param, tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START_MS)


@pytest.fixture(params=[*OPEN_THROUGHOUT, *REOPENED])
def patient_store(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock
) -> Iterator[Store]:
    """A store that takes samples which are a minute late; its clock is the fixture `clock`."""
    opened = open_store(request.param, tmp_path / "data", 60_000, clock)
    yield opened
    opened.close()


@pytest.fixture(params=["in memory", "on disk"])
def bounded_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store with room for two series."""
    config = StorageConfig(series_max=2)
    in_memory = request.param == "in memory"
    opened = MemoryStore(config) if in_memory else SqliteStore(tmp_path / "data", config)
    yield opened
    opened.close()
