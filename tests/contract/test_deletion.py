"""What every store promises of deletions."""

from __future__ import annotations

from tests.contract.sample import (
    EVERYTHING,
    HITS,
    START_MS,
    TARGET,
    UP,
    append,
    bits,
    read,
    samples,
)

from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.storage import (
    Store,
    TargetAppender,
)

UP_ONLY = Matcher("__name__", MatchOperator.EQUAL, "up")


def filled(store: Store) -> TargetAppender:
    target = store.target(TARGET)
    for at_ms in range(0, 40_000, 1000):
        append(target, at_ms, {UP: at_ms, HITS: at_ms})
        store.commit()
    return target


def test_deleted_samples_are_gone(store: Store) -> None:
    """A deletion hides a closed range of the series that it names, and nothing else."""
    target = filled(store)

    assert store.delete_series([UP_ONLY], START_MS + 5000, START_MS + 30_000) == 1

    kept = [at_ms for at_ms in range(0, 40_000, 1000) if not 5000 <= at_ms <= 30_000]
    assert read(store) == {
        UP: samples(*((at_ms, at_ms) for at_ms in kept)),
        HITS: samples(*((at_ms, at_ms) for at_ms in range(0, 40_000, 1000))),
    }
    append(target, 41_000, {UP: 41})
    assert read(store)[UP][-1] == (41_000, bits(41))


def test_deleted_series_is_listed_no_more_and_may_come_back(store: Store) -> None:
    """A series without a sample is unknown; what is appended afterwards is there."""
    target = filled(store)

    assert store.delete_series([UP_ONLY], -(2**62), 2**62) == 1

    assert store.series([EVERYTHING], 0, 2**62) == [HITS]
    assert UP not in read(store)
    assert store.delete_series([UP_ONLY], -(2**62), 2**62) == 0
    for at_ms in range(40_000, 60_000, 1000):
        append(target, at_ms, {UP: 1, HITS: 1})
        store.commit()
    assert read(store)[UP] == samples(*((at_ms, 1) for at_ms in range(40_000, 60_000, 1000)))
    assert store.series([EVERYTHING], 0, 2**62) == [HITS, UP]


def test_deletion_before_the_first_commit_holds(store: Store) -> None:
    """It makes no difference whether the disk has seen the samples."""
    append(store.target(TARGET), 0, {UP: 1, HITS: 1})

    store.delete_series([UP_ONLY], START_MS, START_MS)

    assert read(store) == {HITS: samples((0, 1))}


def test_deleted_samples_stay_deleted_until_they_expire(store: Store) -> None:
    """Expiry forgets a deletion together with its samples, never before them."""
    filled(store)
    store.delete_series([UP_ONLY], START_MS + 5000, START_MS + 10_000)

    for before_ms in (7000, 11_000, 12_000, 20_000):
        store.expire(START_MS + before_ms)
        found = {at_ms for at_ms, _ in read(store)[UP]}
        assert not found & set(range(5000, 11_000, 1000))
