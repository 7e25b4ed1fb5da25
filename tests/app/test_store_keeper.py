from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import FakeClock

from sakshi.app.store_keeper import StoreKeeper
from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.storage import SqliteStore, StorageConfig, StorageError

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
