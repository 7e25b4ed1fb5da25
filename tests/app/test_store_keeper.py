from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import FakeClock

from sakshi.app.store_keeper import AHEAD_MS_MAX, StoreKeeper
from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.storage import (
    ImportBatch,
    ImportRefusal,
    SqliteStore,
    StorageConfig,
    StorageError,
)

DAY_MS = 86_400_000
IS_M = (Matcher("__name__", MatchOperator.EQUAL, "m"),)


class UncopyableStore(SqliteStore):
    """A store on a disk that has no room for a copy."""

    def backup(self, path: Path) -> None:
        raise StorageError(f"no room for {path}")


def fill(store: SqliteStore, at_ms: int, value: float) -> None:
    target = store.target(Labels({"job": "a"}))
    columns = target.columns([Labels({"__name__": "m", "job": "a"})])
    target.append(at_ms, columns, np.array([value]))
    store.commit()


def values(store: SqliteStore) -> list[float]:
    return [
        value
        for columns in store.select(IS_M, 0, 1 << 50)
        for value in columns.values[:, 0].tolist()
    ]


def test_a_snapshot_is_a_store_of_its_own(tmp_path: Path, clock: FakeClock) -> None:
    """What is committed is in it; what comes later is not."""
    store = SqliteStore(tmp_path / "samples", StorageConfig())
    fill(store, clock.now_ms(), 1.0)
    keeper = StoreKeeper(store, tmp_path / "snapshots", clock)

    name = keeper.snapshot()
    fill(store, clock.now_ms() + 1000, 2.0)

    assert name == "20231114T221320.000000Z"
    shutil.copytree(tmp_path / "snapshots" / name, tmp_path / "restored")
    copy = SqliteStore(tmp_path / "restored", StorageConfig())
    assert (values(copy), values(store)) == ([1.0], [1.0, 2.0])
    copy.close()
    store.close()


def test_a_snapshot_that_cannot_be_written_leaves_nothing(tmp_path: Path, clock: FakeClock) -> None:
    """No empty folder either."""
    store = UncopyableStore(tmp_path / "samples", StorageConfig())
    keeper = StoreKeeper(store, tmp_path / "snapshots", clock)

    with pytest.raises(StorageError):
        keeper.snapshot()

    store.close()
    assert list((tmp_path / "snapshots").iterdir()) == []


def test_deleted_samples_are_gone(tmp_path: Path, clock: FakeClock) -> None:
    """At once; cleaning afterwards takes nothing else."""
    store = SqliteStore(tmp_path / "samples", StorageConfig())
    fill(store, clock.now_ms(), 1.0)
    fill(store, clock.now_ms() + 1000, 2.0)
    keeper = StoreKeeper(store, tmp_path / "snapshots", clock)

    assert keeper.delete_series(IS_M, 0, clock.now_ms()) == 1
    keeper.clean_tombstones()

    assert values(store)[-1:] == [2.0]
    assert 1.0 not in values(store)
    store.close()


def batch(*moments: int) -> ImportBatch:
    labels = Labels({"__name__": "m", "job": "a"})
    places, values = np.zeros(len(moments), np.intp), np.full(len(moments), 0.5, np.float64)
    return ImportBatch([labels], places, np.array(moments, np.int64), values)


def test_what_would_be_forgotten_at_once_is_not_imported(tmp_path: Path, clock: FakeClock) -> None:
    """Counted from the newest sample; refused with what to raise, and the rest goes in."""
    store = SqliteStore(tmp_path / "samples", clock=clock)
    keeper = StoreKeeper(store, tmp_path / "snapshots", clock, retention_ms=DAY_MS)
    fill(store, clock.now_ms(), 1.0)

    outcome = keeper.import_samples(
        batch(0, clock.now_ms() - DAY_MS - 1, clock.now_ms() - DAY_MS, clock.now_ms() - 1)
    )

    assert (outcome.taken, dict(outcome.refused)) == (2, {ImportRefusal.TOO_OLD: 2})
    assert outcome.first == {
        ImportRefusal.TOO_OLD: (
            "this sakshi keeps 1d, back to 2023-11-13T22:13:20.000Z; "
            "raise storage.tsdb.retention.time first"
        )
    }
    store.close()


def test_1970_is_imported_where_nothing_is_newer(tmp_path: Path, clock: FakeClock) -> None:
    """What the whole import will bring counts, not only what it has brought by now."""
    store = SqliteStore(tmp_path / "samples", clock=clock)
    keeper = StoreKeeper(store, tmp_path / "snapshots", clock, retention_ms=DAY_MS)

    first = keeper.import_samples(batch(1, DAY_MS), newest_ms=DAY_MS + 2)
    second = keeper.import_samples(batch(2, DAY_MS + 2))
    later = keeper.import_samples(batch(), newest_ms=None)

    assert (first.taken, first.refused.total()) == (1, 1)
    assert (second.taken, second.refused.total()) == (2, 0)
    assert later.samples == 0
    store.close()


def test_the_future_is_not_imported(tmp_path: Path, clock: FakeClock) -> None:
    """A scrape would be refused until then; up to ten minutes are a clock that differs."""
    store = SqliteStore(tmp_path / "samples", clock=clock)
    keeper = StoreKeeper(store, tmp_path / "snapshots", clock)

    outcome = keeper.import_samples(
        batch(clock.now_ms() + AHEAD_MS_MAX, clock.now_ms() + AHEAD_MS_MAX + 1)
    )

    assert outcome.taken == 1
    assert outcome.first == {
        ImportRefusal.OUT_OF_BOUNDS: (
            "expected moments at most 10 minutes ahead of the clock here, "
            "found 1700000600001 ms since 1970"
        )
    }
    store.close()
