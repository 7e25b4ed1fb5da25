"""What every store promises of samples that come late, again, or from a wrong clock."""

from __future__ import annotations

import random

import numpy as np
import pytest
from tests.conftest import FakeClock
from tests.contract.sample import (
    EVERYTHING,
    HITS,
    MISSES,
    TARGET,
    UP,
    append,
    bits,
    read,
    samples,
)

from sakshi.storage import (
    DuplicateSampleError,
    OutOfOrderSampleError,
    Store,
)


def test_late_samples_inside_the_window_are_taken(patient_store: Store) -> None:
    """A series takes an older sample than its newest, wherever its newer ones lie."""
    target = patient_store.target(TARGET)
    for at_ms in range(0, 60_000, 2000):
        append(target, at_ms, {UP: at_ms})
        patient_store.commit()

    append(target, 51_000, {UP: 0.5, HITS: 7})
    append(target, 3000, {UP: 0.25})
    append(target, 0, {MISSES: 9})

    found = read(patient_store)
    expected = [(at_ms, float(at_ms)) for at_ms in range(0, 60_000, 2000)]
    assert found[UP] == samples(*sorted([*expected, (3000, 0.25), (51_000, 0.5)]))
    assert found[HITS] == samples((51_000, 7))
    assert found[MISSES] == samples((0, 9))


@pytest.mark.parametrize("late_ms", [60_001, 10**6])
def test_samples_behind_the_window_are_refused(
    patient_store: Store, clock: FakeClock, late_ms: int
) -> None:
    """The window counts from the target's newest sample; nothing of the row is kept."""
    clock.elapsed_ms = 10**6
    target = patient_store.target(TARGET)
    append(target, 10**6, {UP: 1})

    with pytest.raises(OutOfOrderSampleError):
        append(target, 10**6 - late_ms, {UP: 2, HITS: 2})

    append(target, 10**6 - 60_000, {UP: 3})
    assert read(patient_store) == {UP: samples((10**6 - 60_000, 3), (10**6, 1))}


def test_late_sample_with_another_value_is_a_duplicate(patient_store: Store) -> None:
    """Inside the window a moment has one value, too."""
    target = patient_store.target(TARGET)
    append(target, 0, {UP: 1})
    append(target, 1000, {UP: 2})

    with pytest.raises(DuplicateSampleError) as caught:
        append(target, 0, {UP: 3, HITS: 1})

    assert str(caught.value) == (
        'up{instance="a", job="chat"} already has another value at 2023-11-14T22:13:20.000Z'
    )
    assert read(patient_store) == {UP: samples((0, 1), (1000, 2))}


def test_repetition_of_what_left_memory_changes_nothing(store: Store) -> None:
    """A batch that is sent again is stored once, however long ago it came."""
    target = store.target(TARGET)
    for at_ms in range(0, 60_000, 1000):
        append(target, at_ms, {UP: at_ms, HITS: 1})
        store.commit()
    before = read(store)

    for at_ms in range(0, 60_000, 1000):
        append(target, at_ms, {HITS: 1, UP: at_ms})

    assert read(store) == before


@pytest.mark.parametrize("seed", range(6))
def test_batches_in_any_order_and_number_are_stored_once(patient_store: Store, seed: int) -> None:
    """Retries, reorders and duplicates leave what sending each batch once would."""
    chance = random.Random(seed)
    target = patient_store.target(TARGET)
    batches = [
        (at_ms, {name: float(at_ms) for name in (UP, HITS, MISSES) if chance.random() < 0.7})
        for at_ms in range(0, 60_000, 1000)
    ]
    sent = [batch for batch in batches for _ in range(chance.randrange(1, 4))]
    chance.shuffle(sent)

    for at_ms, batch in sent:
        append(target, at_ms, batch)
        if chance.random() < 0.5:
            patient_store.commit()

    assert read(patient_store) == {
        name: [(at_ms, bits(batch[name])) for at_ms, batch in batches if name in batch]
        for name in (UP, HITS, MISSES)
    }


@pytest.mark.parametrize("first_ms", [-5000, 0, 1, 86_400_000])
def test_an_empty_store_takes_any_timestamps(store: Store, first_ms: int) -> None:
    """Samples of 1970 are samples."""
    target = store.target(TARGET)
    for row in range(30):
        target.append(first_ms + row * 1000, target.columns([UP]), np.array([float(row)]))
        store.commit()

    (found,) = store.select([EVERYTHING], first_ms, first_ms + 30_000)

    assert found.timestamps.tolist() == [first_ms + row * 1000 for row in range(30)]
    assert found.values[:, 0].tolist() == list(range(30))
    assert store.statistics().oldest_ms == first_ms


def test_a_clock_that_was_ahead_drops_nothing(patient_store: Store, clock: FakeClock) -> None:
    """Once it is right again, samples are taken, though their series have some of years ahead."""
    target = patient_store.target(TARGET)
    ahead_ms = 10 * 365 * 86_400_000
    expected = []
    for second in range(60):
        is_wrong = 20 <= second < 40
        at_ms = second * 1000 + (ahead_ms if is_wrong else 0)
        clock.elapsed_ms = at_ms
        append(target, at_ms, {UP: second})
        patient_store.commit()
        expected.append((at_ms, float(second)))

    assert read(patient_store, end_ms=2 * ahead_ms) == {UP: samples(*sorted(expected))}
