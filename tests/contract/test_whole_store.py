"""What every store promises as a whole: expiry, statistics, bounds, and its end."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from tests.contract.sample import (
    EVERYTHING,
    HITS,
    MISSES,
    START_MS,
    TARGET,
    UP,
    append,
    read,
    samples,
    series,
)

from sakshi.model.labels import Labels
from sakshi.storage import (
    OutOfOrderSampleError,
    SqliteStore,
    StorageConfig,
    Store,
)

# The store as a whole


def test_a_selection_is_watched_while_it_reads(store: Store) -> None:
    """It is told how many numbers it has read before it lays out more, and may be ended."""
    target = store.target(Labels({"job": "chat"}))
    columns = target.columns([Labels({"__name__": "a"}), Labels({"__name__": "b"})])
    for row in range(50):
        target.append(START_MS + row * 10_000, columns, np.array([row, -row], np.float64))
    store.commit()
    seen: list[int] = []

    store.select([], START_MS, START_MS + 1_000_000, seen.append)

    assert seen == sorted(seen)
    assert seen[-1] == 100

    def end(cells: int) -> None:
        if cells:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        store.select([], START_MS, START_MS + 1_000_000, end)


def test_expired_samples_go(row_store: Store) -> None:
    """What is older than the limit goes, what is younger stays, an empty series is forgotten."""
    target = row_store.target(TARGET)
    append(target, 0, {HITS: 1})
    for second in range(1, 40):
        append(target, second * 1000, {UP: second})
        row_store.commit()

    rows = row_store.expire(START_MS + 30_000)

    assert rows > 0
    assert read(row_store, start_ms=30_000) == {
        UP: samples(*((second * 1000, second) for second in range(30, 40)))
    }
    assert read(row_store, end_ms=20_000) == {}
    assert row_store.statistics().series == 1


def test_expired_series_comes_back(row_store: Store) -> None:
    """A column that was handed out before its series expired can still be appended to."""
    target = row_store.target(TARGET)
    columns = target.columns([HITS])
    target.append(START_MS, columns, np.array([1.0]))
    append(target, 50_000, {UP: 1})
    row_store.commit()
    row_store.expire(START_MS + 40_000)

    target.append(START_MS + 51_000, columns, np.array([2.0]))
    row_store.commit()

    assert read(row_store) == {HITS: samples((51_000, 2)), UP: samples((50_000, 1))}


def test_statistics_count(store: Store) -> None:
    """The statistics say what the store holds."""
    target = store.target(TARGET)
    append(target, 0, {UP: 1, HITS: 1})
    append(target, 5000, {UP: 1})

    statistics = store.statistics()

    assert (statistics.series, statistics.samples, statistics.targets) == (2, 3, 1)
    assert (statistics.oldest_ms, statistics.newest_ms) == (START_MS, START_MS + 5000)


def test_empty_store_is_empty(store: Store) -> None:
    """A store that nothing was appended to answers, with nothing."""
    store.commit()

    assert store.select([EVERYTHING], 0, 1 << 60) == []
    assert store.series([EVERYTHING], 0, 1 << 60) == []
    assert store.expire(1 << 60) == 0
    assert store.statistics().oldest_ms is None


def test_equal_labels_are_one_target(store: Store) -> None:
    """A target is known by its labels; what was appended through one appender, the other knows."""
    append(store.target(TARGET), 0, {UP: 1})

    with pytest.raises(OutOfOrderSampleError):
        append(store.target(Labels(dict(TARGET))), -1, {UP: 1})


def test_closing_twice_is_harmless(store: Store) -> None:
    """`close` may be called by whoever is last, and by everybody."""
    append(store.target(TARGET), 0, {UP: 1})

    store.close()
    store.close()


# Bounds


def test_new_series_beyond_the_bound_are_refused_and_the_others_go_on(bounded_store: Store) -> None:
    """A store has so many series; what is appended to others is dropped, not its neighbours."""
    target, other = bounded_store.target(TARGET), bounded_store.target(Labels({"job": "b"}))
    append(target, 0, {UP: 1, HITS: 1})
    late = Labels({"__name__": "late"})

    columns = target.columns([HITS, MISSES, UP])
    target.append(START_MS + 1000, columns, np.array([2.0, 2.0, 2.0]))
    target.append(START_MS + 2000, columns, np.array([3.0, 3.0, 3.0]))
    append(other, 3000, {late: 4.0})

    assert columns.tolist() == [1, -1, 0]
    assert read(bounded_store) == {
        UP: samples((0, 1), (1000, 2), (2000, 3)),
        HITS: samples((0, 1), (1000, 2), (2000, 3)),
    }
    assert bounded_store.statistics().refused_series == 2


def test_a_target_beyond_its_bound_takes_no_room_from_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its refusals are counted and named, once; another target's new series are admitted."""
    config = StorageConfig(series_max=4, target_series_max=2)
    with closing(SqliteStore(tmp_path, config)) as store:
        target, other = store.target(TARGET), store.target(Labels({"job": "b"}))

        assert target.columns([UP, HITS, MISSES]).tolist() == [0, 1, -1]
        assert target.columns([UP, HITS, MISSES]).tolist() == [0, 1, -1]
        assert other.columns([series("c"), series("d")]).tolist() == [0, 1]
        assert other.columns([series("e")]).tolist() == [-1]

        assert store.statistics().refusals == {TARGET: 2, Labels({"job": "b"}): 1}
        assert store.statistics().refused_series == 3
    assert [record.getMessage() for record in caplog.records] == [
        f"series=refused target_series_max=2 target={TARGET} first={MISSES}",
        f"series=refused target_series_max=2 target={Labels({'job': 'b'})} first={series('e')}",
    ]


def test_series_of_a_target_are_counted_again_after_a_restart(tmp_path: Path) -> None:
    """Its bound holds for what the disk has, too."""
    config = StorageConfig(target_series_max=2)
    with closing(SqliteStore(tmp_path, config)) as store:
        append(store.target(TARGET), 0, {UP: 1, HITS: 1})
        store.commit()

    with closing(SqliteStore(tmp_path, config)) as store:
        assert store.target(TARGET).columns([HITS, MISSES]).tolist() == [1, -1]
