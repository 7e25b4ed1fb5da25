"""The stores that tests/contract/test_store.py holds to the contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher
from sakshi.storage import (
    MemoryStore,
    SeriesColumns,
    SqliteStore,
    StorageConfig,
    Store,
    StoreStatistics,
    TargetAppender,
)
from sakshi.storage.store import Columns, Values

SEALING_SOON = StorageConfig(head_ms=10_000, seal_rows=2)


class ReopenedStore:
    """A SqliteStore that is closed and opened before each question."""

    def __init__(self, folder: Path, config: StorageConfig) -> None:
        self.store = SqliteStore(folder, config)
        self._folder = folder
        self._config = config

    def target(self, labels: Labels) -> TargetAppender:
        return ReopenedAppender(self, labels)

    def commit(self) -> None:
        self.store.commit()

    def select(
        self, matchers: Sequence[Matcher], start_ms: int, end_ms: int
    ) -> Sequence[SeriesColumns]:
        self._reopen()
        return self.store.select(matchers, start_ms, end_ms)

    def series(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Sequence[Labels]:
        self._reopen()
        return self.store.series(matchers, start_ms, end_ms)

    def expire(self, before_ms: int) -> int:
        self._reopen()
        return self.store.expire(before_ms)

    def statistics(self) -> StoreStatistics:
        return self.store.statistics()

    def close(self) -> None:
        self.store.close()

    def _reopen(self) -> None:
        self.store.commit()
        self.store.close()
        self.store = SqliteStore(self._folder, self._config)


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
REOPENED = ["reopened", "reopened, sealing soon"]


def open_store(kind: str, folder: Path) -> Store:
    config = SEALING_SOON if "sealing soon" in kind else StorageConfig()
    if kind == "in memory":
        return MemoryStore()
    return ReopenedStore(folder, config) if kind in REOPENED else SqliteStore(folder, config)


@pytest.fixture(params=[*OPEN_THROUGHOUT, *REOPENED])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = open_store(request.param, tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture(params=OPEN_THROUGHOUT)
def lasting_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """For laws about objects and threads, which a store that is reopened cannot keep."""
    opened = open_store(request.param, tmp_path / "data")
    yield opened
    opened.close()
