"""Imports: samples of any time, beside and between those that are there."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import FakeClock

from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.storage import (
    STALE_MARKER,
    ImportBatch,
    ImportOutcome,
    ImportRefusal,
    OutOfOrderSampleError,
    SqliteStore,
    StorageConfig,
    is_absent,
)
from sakshi.storage.dense import ROWS_MAX, arrange

NOW_MS = 1_700_000_000_000
DAY_MS = 86_400_000
CONFIG = StorageConfig(head_ms=60_000, seal_rows=4)
EVERYTHING = [Matcher("__name__", MatchOperator.NOT_EQUAL, "")]

Samples = dict[Labels, dict[int, int]]
"""Value bits by moment, by series."""


def series(name: str, job: str = "chat", **labels: str) -> Labels:
    return Labels({"__name__": name, "job": job, "instance": "a", **labels})


UP, HITS = series("up"), series("hits_total")


def bits(value: float) -> int:
    return int(np.float64(value).view(np.uint64))


def batch(samples: Sequence[tuple[Labels, int, float]]) -> ImportBatch:
    known = list(dict.fromkeys(labels for labels, _, _ in samples))
    place = {labels: index for index, labels in enumerate(known)}
    return ImportBatch(
        known,
        np.array([place[labels] for labels, _, _ in samples], np.intp),
        np.array([moment for _, moment, _ in samples], np.int64),
        np.array([value for _, _, value in samples], np.float64),
    )


def take_in(store: SqliteStore, *samples: tuple[Labels, int, float]) -> ImportOutcome:
    return store.import_samples(batch(samples))


def append(store: SqliteStore, moment: int, values: Mapping[Labels, float]) -> None:
    target = store.target(next(iter(values)).only(("job", "instance")))
    target.append(moment, target.columns(list(values)), np.array(list(values.values())))


def read(store: SqliteStore) -> Samples:
    found: Samples = {}
    for columns in store.select(EVERYTHING, -(1 << 52), 1 << 52):
        assert (np.diff(columns.timestamps) > 0).all()
        for index, labels in enumerate(columns.series):
            assert labels not in found
            values = columns.values[:, index]
            there = ~is_absent(values)
            found[labels] = dict(
                zip(
                    columns.timestamps[there].tolist(),
                    np.ascontiguousarray(values).view(np.uint64)[there].tolist(),
                    strict=True,
                )
            )
    return {labels: samples for labels, samples in found.items() if samples}


class Folder:
    """A store that can be opened again, as after a kill -9: what was not committed is gone."""

    def __init__(self, path: Path, clock: FakeClock) -> None:
        self._path, self._clock = path, clock
        self.store = SqliteStore(path, CONFIG, clock=clock)

    def reopen(self) -> SqliteStore:
        self.store.close()
        self.store = SqliteStore(self._path, CONFIG, clock=self._clock)
        return self.store


@pytest.fixture
def folder(tmp_path: Path, clock: FakeClock) -> Iterator[Folder]:
    made = Folder(tmp_path, clock)
    yield made
    made.store.close()


def test_any_time_goes_in(folder: Folder) -> None:
    """1969, 1970, long before, between and beside: durable, bit by bit, in any order."""
    append(folder.store, NOW_MS - 120_000, {UP: 1.0, HITS: 5.0})
    append(folder.store, NOW_MS, {UP: 0.0})
    nan = float(np.uint64(0x7FF8_0000_0000_1234).view(np.float64))
    outcome = take_in(
        folder.store,
        (UP, NOW_MS - 60_000, 7.0),
        (HITS, 0, -0.0),
        (UP, -DAY_MS, nan),
        (UP, NOW_MS - DAY_MS, STALE_MARKER),
        (HITS, NOW_MS - 60_000, 8.0),
        (series("new", "other"), 1, 3.0),
        (HITS, NOW_MS, 9.0),
        (HITS, NOW_MS + 1, 10.0),
    )
    expected = {
        UP: {
            -DAY_MS: bits(nan),
            NOW_MS - DAY_MS: bits(STALE_MARKER),
            NOW_MS - 120_000: bits(1.0),
            NOW_MS - 60_000: bits(7.0),
            NOW_MS: bits(0.0),
        },
        HITS: {
            0: bits(-0.0),
            NOW_MS - 120_000: bits(5.0),
            NOW_MS - 60_000: bits(8.0),
            NOW_MS: bits(9.0),
            NOW_MS + 1: bits(10.0),
        },
        series("new", "other"): {1: bits(3.0)},
    }

    assert outcome == ImportOutcome(taken=8)
    assert read(folder.store) == expected
    assert read(folder.reopen()) == expected


def test_a_repetition_changes_nothing(folder: Folder) -> None:
    """Nothing is doubled: what is there is counted as known, in chunks, in memory, in the batch."""
    samples = [(UP, NOW_MS - DAY_MS + step, float(step)) for step in range(0, 1000, 10)]
    append(folder.store, NOW_MS, {UP: 1.0})
    samples.append((UP, NOW_MS, 1.0))

    assert take_in(folder.store, *samples) == ImportOutcome(taken=100, known=1)
    before = read(folder.store)
    assert take_in(folder.store, *samples, *samples) == ImportOutcome(known=202)
    assert read(folder.reopen()) == before


def test_another_value_is_refused_by_name_and_the_rest_goes_in(folder: Folder) -> None:
    """What is there stays: in chunks, in memory; of two in one batch the first counts."""
    take_in(folder.store, (UP, 1000, 1.0))
    append(folder.store, NOW_MS, {UP: 1.0})

    outcome = take_in(
        folder.store,
        (UP, 1000, 2.0),
        (UP, NOW_MS, 2.0),
        (HITS, 1000, 3.0),
        (HITS, 1000, 4.0),
        (HITS, 1000, 3.0),
    )

    assert (outcome.taken, outcome.known) == (1, 1)
    assert dict(outcome.refused) == {ImportRefusal.DUPLICATE: 3}
    assert outcome.first[ImportRefusal.DUPLICATE] == (
        'up{instance="a", job="chat"} already has another value at 1970-01-01T00:00:01.000Z'
    )
    assert read(folder.store) == {
        UP: {1000: bits(1.0), NOW_MS: bits(1.0)},
        HITS: {1000: bits(3.0)},
    }


def test_what_was_deleted_is_refused(folder: Folder) -> None:
    """It would lie hidden in the deleted range; its neighbours are taken."""
    take_in(folder.store, (UP, 1000, 1.0), (UP, 2000, 2.0), (UP, 3000, 3.0))
    folder.store.delete_series(EVERYTHING, 1500, 2500)

    outcome = take_in(
        folder.store, (UP, 1400, 1.4), (UP, 2100, 2.1), (UP, 2000, 2.0), (UP, 2100, 2)
    )

    assert (outcome.taken, outcome.known, outcome.refused.total()) == (1, 0, 3)
    assert outcome.first == {
        ImportRefusal.DELETED: (
            'the samples of up{instance="a", job="chat"} were deleted at 1970-01-01T00:00:02.000Z'
        )
    }
    assert list(read(folder.store)[UP]) == [1000, 1400, 3000]


def test_series_beyond_the_bound_are_refused(tmp_path: Path, clock: FakeClock) -> None:
    """Counted, the first by name; those that there is room for go in."""
    store = SqliteStore(tmp_path, StorageConfig(series_max=1), clock=clock)
    outcome = take_in(store, (UP, 1, 1.0), (HITS, 1, 1.0), (HITS, 2, 1.0))
    store.close()

    assert outcome.taken == 1
    assert outcome.refused == {ImportRefusal.TOO_MANY_SERIES: 2}
    assert outcome.first[ImportRefusal.TOO_MANY_SERIES] == (
        'there are too many series for hits_total{instance="a", job="chat"}: '
        "raise storage.series_max"
    )


def test_a_series_keeps_its_target(folder: Folder) -> None:
    """What a rule group recorded is continued where it lies, so that no moment has two values."""
    rules = folder.store.target(Labels({"rule_group": "kpi"}))
    rules.append(5000, rules.columns([UP]), np.array([1.0]))

    outcome = take_in(folder.store, (UP, 5000, 2.0), (UP, 4000, 2.0))

    assert (outcome.taken, outcome.refused.total()) == (1, 1)
    assert read(folder.store) == {UP: {4000: bits(2.0), 5000: bits(1.0)}}
    assert folder.store.statistics().targets == 1


def test_appending_keeps_its_laws_beside_an_import(folder: Folder) -> None:
    """What is scraped may not be late, only what is imported; and a scrape goes on behind it."""
    take_in(folder.store, (UP, NOW_MS - 10, 1.0))
    with pytest.raises(OutOfOrderSampleError):
        append(folder.store, NOW_MS - 11, {UP: 1.0})
    append(folder.store, NOW_MS - 20, {HITS: 1.0})  # has none that is newer
    append(folder.store, NOW_MS, {UP: 2.0, HITS: 2.0})

    expected = {
        UP: {NOW_MS - 10: bits(1.0), NOW_MS: bits(2.0)},
        HITS: {NOW_MS - 20: bits(1.0), NOW_MS: bits(2.0)},
    }
    assert read(folder.store) == expected
    assert read(folder.reopen()) == expected


def test_months_behind_a_target_that_stopped_become_chunks(folder: Folder) -> None:
    """Rows in memory that nothing follows are sealed first: nothing need wait behind them."""
    append(folder.store, NOW_MS - 30 * DAY_MS, {UP: 1.0})
    take_in(folder.store, *((UP, NOW_MS - 29 * DAY_MS + step, 1.0) for step in range(2000)))

    view = folder.store.target(UP.only(("job", "instance"))).view()  # type: ignore[attr-defined]
    assert view.rows.timestamps.size == 0
    assert [span.row_count for span in view.spans.within(0, NOW_MS)] == [1, 512, 512, 512, 464]


def test_what_is_older_than_memory_seals_nothing(folder: Folder) -> None:
    """A long import beside a scrape makes no chunk of each of its rows."""
    for step in range(3):
        append(folder.store, NOW_MS - 300_000 + step, {UP: 1.0})
    take_in(folder.store, (UP, NOW_MS - 300_001, 1.0))
    view = folder.store.target(UP.only(("job", "instance"))).view()  # type: ignore[attr-defined]

    assert view.rows.timestamps.size == 3


def test_nothing_is_imported_at_no_cost(folder: Folder) -> None:
    """An empty batch is no error."""
    assert take_in(folder.store) == ImportOutcome()


@pytest.mark.parametrize("seed", range(4))
def test_a_store_with_imports_is_a_dictionary(folder: Folder, clock: FakeClock, seed: int) -> None:
    """Under any order of scrapes, imports, commits, restarts and expiry."""
    chance = random.Random(seed)
    names = [series(name, job) for name in ("a", "b", "c") for job in ("x", "y")]
    model: Samples = {}
    now_ms = NOW_MS
    for _ in range(120):
        act = chance.random()
        if act < 0.5:
            now_ms += chance.choice([1, 1000, 20_000])
            clock.move(now_ms - clock.now_ms())
            job = chance.choice("xy")
            chosen = [one for one in names if one["job"] == job and chance.random() < 0.7]
            values = {labels: chance.choice([1.0, 2.5, STALE_MARKER]) for labels in chosen}
            if values:
                append(folder.store, now_ms, values)
            for labels, value in values.items():
                model.setdefault(labels, {})[now_ms] = bits(value)
        elif act < 0.75:
            spread = chance.choice([10, 100_000, DAY_MS])
            samples = [
                (chance.choice(names), now_ms - chance.randrange(spread), chance.choice([1.0, 2.5]))
                for _ in range(chance.choice([1, 5, 60]))
            ]
            expected = ImportOutcome()
            for labels, moment, value in samples:
                known = model.setdefault(labels, {}).setdefault(moment, -1)
                if known == -1:
                    model[labels][moment] = bits(value)
                    expected.taken += 1
                elif known == bits(value):
                    expected.known += 1
                else:
                    expected.refuse(ImportRefusal.DUPLICATE, "")
            outcome = folder.store.import_samples(batch(samples))
            assert (outcome.taken, outcome.known) == (expected.taken, expected.known)
            assert outcome.refused == expected.refused
        elif act < 0.9:
            folder.store.commit()
        else:
            folder.reopen()
        assert read(folder.store) == {k: dict(sorted(v.items())) for k, v in model.items()}


@pytest.mark.slow
def test_scrapes_and_late_samples_go_on_during_an_import(tmp_path: Path, clock: FakeClock) -> None:
    """Nothing is lost or doubled, before a restart and after it, however the threads interleave."""
    config = StorageConfig(head_ms=2_000, seal_rows=3, out_of_order_ms=DAY_MS)
    store = SqliteStore(tmp_path, config, clock=clock)
    late, past = series("late"), series("past")
    ended = threading.Event()
    scraped: list[int] = []

    def scrape() -> None:
        chance = random.Random(1)
        while not ended.is_set():
            moment = NOW_MS - 60_000 + 100 * len(scraped)
            append(store, moment, {UP: 1.0, HITS: 2.0})
            scraped.append(moment)
            append(store, moment - 50 - 100 * chance.randrange(30), {late: 3.0})
            if len(scraped) % 7 == 0:
                store.commit()

    thread = threading.Thread(target=scrape)
    thread.start()
    imported = []
    for turn in range(60):
        newest = NOW_MS - 60_000 + 100 * len(scraped)
        moments = [newest - 17 - 100 * step - turn for step in range(0, 90, 3)]
        outcome = take_in(store, *((past, moment, 4.0) for moment in moments))
        assert (outcome.taken + outcome.known, outcome.refused.total()) == (len(moments), 0)
        imported += moments
    ended.set()
    thread.join()
    found = read(store)
    store.close()
    store = SqliteStore(tmp_path, config, clock=clock)
    again = read(store)
    store.close()

    assert list(found[UP]) == list(found[HITS]) == scraped
    assert list(found[past]) == sorted(set(imported))
    assert len(found[late]) > 0
    assert again == found


def test_what_is_alike_stands_together() -> None:
    """Series of one scrape are one matrix, though one came late; strangers stand alone."""
    scraped = np.arange(0, 10_000, 10)
    runs = {0: scraped, 1: scraped, 2: scraped[300:], 3: scraped + 3, 4: scraped * 7 + 4}
    columns = np.concatenate([np.full(run.size, column) for column, run in runs.items()])
    moments = np.concatenate(list(runs.values()))

    found = list(arrange(columns, moments, moments.astype(float)))

    assert [rows.columns.tolist() for rows in found] == [[0, 1, 2]] * 2 + [[3]] * 2 + [[4]] * 2
    assert max(rows.timestamps.size for rows in found) == ROWS_MAX
    samples = {
        (int(column), int(moment), value)
        for rows in found
        for moment, row in zip(rows.timestamps, rows.values, strict=True)
        for column, value in zip(rows.columns, row.tolist(), strict=True)
        if value == value
    }
    expected = set(zip(columns.tolist(), moments.tolist(), moments.astype(float), strict=True))
    assert samples == expected


def test_nothing_makes_no_matrix() -> None:
    """An empty import has no rows."""
    nothing = np.empty(0, np.int64)
    assert list(arrange(nothing, nothing, np.empty(0))) == []
