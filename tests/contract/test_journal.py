"""What every store promises to whoever passes samples on: what became durable, in its order."""

from __future__ import annotations

import random

import numpy as np
from tests.conftest import FakeClock
from tests.contract.sample import (
    HITS,
    MISSES,
    START_MS,
    TARGET,
    UP,
    Samples,
    append,
    bits,
    read,
    samples,
)

from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.storage import STALE_MARKER, DuplicateSampleError, Store, is_absent


def follow(store: Store, after: dict[Labels, int] | None = None, samples_max: int = 3) -> Samples:
    """Read all rows up to where they are durable, a few at a time, as whoever passes them on."""
    found: Samples = {}
    for target, end_ms in store.progress().committed.items():
        after_ms = (after or {}).get(target, -(2**63))
        while columns := store.read_target(target, after_ms, end_ms, samples_max):
            assert columns.timestamps[0] > after_ms
            assert len(columns.timestamps) == 1 or columns.values.size <= samples_max
            after_ms = int(columns.timestamps[-1])
            for index, labels in enumerate(columns.series):
                column = columns.values[:, index]
                there = ~is_absent(column)
                moments = (columns.timestamps[there] - START_MS).tolist()
                values = column[there].view(np.uint64).tolist()
                found.setdefault(labels, []).extend(zip(moments, values, strict=True))
    return {labels: pairs for labels, pairs in found.items() if pairs}


def late(store: Store, after_id: int = 0) -> list[tuple[int, dict[Labels, int]]]:
    """Return the late samples of TARGET: the time since START_MS, value bits by series."""
    return [
        (
            one.timestamp_ms - START_MS,
            dict(zip(one.series, one.values.view(np.uint64).tolist(), strict=True)),
        )
        for one in store.late_samples(after_id, 1000)
        if one.target == TARGET
    ]


def test_what_is_durable_is_read_in_time_order(store: Store) -> None:
    """Every committed sample comes once, in the order of its target's times, bit by bit."""
    target = store.target(TARGET)
    for at_ms in range(0, 40_000, 1000):
        value = STALE_MARKER if at_ms == 20_000 else float(at_ms)
        append(target, at_ms, {UP: 1.0, HITS: value} if at_ms % 3000 else {UP: 1.0})
        store.commit()

    assert follow(store) == read(store)
    assert late(store) == []


def test_only_what_is_newer_is_read(store: Store) -> None:
    """A read goes on behind a moment, and ends at another, which it includes."""
    target = store.target(TARGET)
    for at_ms in range(0, 30_000, 1000):
        append(target, at_ms, {UP: float(at_ms)})
    store.commit()

    found = store.read_target(TARGET, START_MS + 4000, START_MS + 6000, 100)

    assert found is not None
    assert found.timestamps.tolist() == [START_MS + 5000, START_MS + 6000]
    assert store.read_target(TARGET, START_MS + 29_000, START_MS + 99_000, 100) is None
    assert store.read_target(Labels({"job": "other"}), 0, START_MS + 99_000, 100) is None


def test_what_is_not_committed_is_not_counted(lasting_store: Store) -> None:
    """Nobody passes on what a crash may take back."""
    target = lasting_store.target(TARGET)
    append(target, 0, {UP: 1.0})
    before = lasting_store.progress()
    lasting_store.commit()
    append(target, 1000, {UP: 1.0})

    assert before.committed == {}
    assert lasting_store.progress().committed == {TARGET: START_MS}
    assert follow(lasting_store) == {UP: samples((0, 1))}


def test_a_backlog_counts_what_is_newer(row_store: Store) -> None:
    """By rows and series: near enough to see how far somebody is behind."""
    store, target = row_store, row_store.target(TARGET)
    for at_ms in range(0, 30_000, 1000):
        append(target, at_ms, {UP: 1.0, HITS: 2.0})
    store.commit()

    assert store.backlog({TARGET: START_MS + 29_000}) == 0
    assert store.backlog({TARGET: START_MS + 27_000}) == 4
    assert store.backlog({}) == 60


def test_samples_behind_durable_rows_are_late(store: Store) -> None:
    """A new series' sample, and one that fills a row, come as late samples, once durable."""
    target = store.target(TARGET)
    append(target, 10_000, {UP: 1.0})
    store.commit()
    append(target, 5000, {HITS: 5.0})
    append(target, 10_000, {MISSES: 7.0})
    store.commit()
    append(target, 11_000, {UP: 1.0, HITS: 6.0})
    store.commit()

    assert late(store) == [(5000, {HITS: bits(5)}), (10_000, {MISSES: bits(7)})]
    assert follow(store, {TARGET: START_MS + 10_000}) == {
        UP: samples((11_000, 1)),
        HITS: samples((11_000, 6)),
    }


def test_late_samples_inside_the_window_are_late(patient_store: Store) -> None:
    """What `out_of_order_ms` lets in is not missed by whoever passes samples on."""
    target = patient_store.target(TARGET)
    for at_ms in (0, 20_000, 40_000):
        append(target, at_ms, {UP: 1.0})
        patient_store.commit()

    append(target, 30_000, {UP: 3.0})
    patient_store.commit()

    assert late(patient_store) == [(30_000, {UP: bits(3)})]
    assert follow(patient_store)[UP] == samples((0, 1), (20_000, 1), (30_000, 3), (40_000, 1))


def test_repetitions_are_not_late(store: Store) -> None:
    """What changed nothing is passed on once."""
    target = store.target(TARGET)
    append(target, 0, {UP: 1.0})
    append(target, 1000, {UP: 1.0})
    store.commit()
    append(target, 0, {UP: 1.0})
    store.commit()

    assert late(store) == []


def test_late_samples_are_read_behind_an_id_and_forgotten_up_to_it(store: Store) -> None:
    """Ids grow; what everybody has read goes, and its id does not come back."""
    target = store.target(TARGET)
    append(target, 10_000, {UP: 1.0})
    store.commit()
    for at_ms in (1000, 2000, 3000):
        append(target, at_ms, {HITS: float(at_ms)})
        store.commit()
    first, second = store.late_samples(0, 2)

    assert first.id < second.id < store.progress().late_id
    assert late(store, second.id) == [(3000, {HITS: bits(3000)})]
    last_id = store.progress().late_id
    store.forget_late(last_id)
    assert late(store) == []
    append(target, 4000, {HITS: 4.0})
    store.commit()
    assert store.progress().late_id > last_id
    assert late(store, last_id) == [(4000, {HITS: bits(4)})]


def test_late_samples_expire_and_are_deleted(store: Store) -> None:
    """As all samples: what nobody may see any more is not passed on either."""
    target = store.target(TARGET)
    append(target, 20_000, {UP: 1.0})
    store.commit()
    for at_ms in (1000, 2000, 3000):
        append(target, at_ms, {HITS: 1.0, MISSES: 2.0})
    store.commit()

    store.expire(START_MS + 1500)
    store.delete_series([Matcher("__name__", MatchOperator.EQUAL, "hits_total")], 0, 2**53)

    assert late(store) == [(2000, {MISSES: bits(2)}), (3000, {MISSES: bits(2)})]


def test_random_appends_are_passed_on_whole(patient_store: Store, clock: FakeClock) -> None:
    """Rows and late samples together are exactly what a selection sees, at every commit."""
    rng = random.Random(11)
    target = patient_store.target(TARGET)
    found: dict[Labels, dict[int, int]] = {}
    cursor: dict[Labels, int] = {}
    late_id = 0
    now_ms = 0
    for _ in range(60):
        now_ms += rng.choice([0, 1000, 1000])
        at_ms = now_ms - rng.choice([0, 0, 0, 1000, 7000, 30_000])
        chosen = rng.sample([UP, HITS, MISSES], rng.randint(1, 3))
        try:
            append(target, at_ms, {labels: float(rng.randint(0, 9)) for labels in chosen})
        except DuplicateSampleError:
            continue
        if rng.random() < 0.7:
            continue
        patient_store.commit()
        progress = patient_store.progress()
        for one in patient_store.late_samples(late_id, 1000):
            late_id = one.id
            if one.timestamp_ms <= cursor.get(TARGET, -(2**63)):
                for labels, value in zip(one.series, one.values.tolist(), strict=True):
                    found.setdefault(labels, {})[one.timestamp_ms - START_MS] = bits(value)
        for labels, pairs in follow(patient_store, cursor).items():
            found.setdefault(labels, {}).update(pairs)
        cursor = dict(progress.committed)
        assert {labels: sorted(pairs.items()) for labels, pairs in found.items()} == read(
            patient_store
        )
