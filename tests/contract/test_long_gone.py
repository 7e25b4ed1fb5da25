"""What every store promises of series that are long gone."""

from __future__ import annotations

import numpy as np
from tests.contract.sample import (
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
    Store,
)

LONG_MS = 10 * 3_600_000


def forget_ended_series(store: Store, at_ms: int) -> None:
    """Append to another target, and expire everything older, twice, with a long time between."""
    other = store.target(Labels({"job": "other"}))
    for moment_ms in (at_ms, at_ms + LONG_MS):
        append(other, moment_ms, {series("other"): 1})
        store.commit()
        store.expire(START_MS + moment_ms)


def test_long_gone_series_make_room(bounded_store: Store) -> None:
    """The bound counts what is there, not what has been."""
    target = bounded_store.target(TARGET)
    append(target, 0, {HITS: 1})
    bounded_store.commit()
    forget_ended_series(bounded_store, LONG_MS)

    append(target, 3 * LONG_MS, {UP: 1, MISSES: 1})

    assert read(bounded_store, end_ms=4 * LONG_MS)[UP] == samples((3 * LONG_MS, 1))
    assert bounded_store.statistics().refused_series == 1


def test_a_target_of_which_nothing_is_left_is_forgotten(store: Store) -> None:
    """Neither memory nor the disk keeps it; whoever still holds it may append again."""
    target = store.target(TARGET)
    columns = target.columns([HITS, UP])
    target.append(START_MS, columns, np.array([1.0, 2.0]))
    store.commit()
    forget_ended_series(store, LONG_MS)
    assert store.statistics().targets == 1

    target.append(START_MS + 3 * LONG_MS, columns, np.array([3.0, 4.0]))
    store.commit()
    append(store.target(TARGET), 3 * LONG_MS + 1000, {UP: 5})

    found = read(store, end_ms=4 * LONG_MS)
    assert found[HITS] == samples((3 * LONG_MS, 3))
    assert found[UP] == samples((3 * LONG_MS, 4), (3 * LONG_MS + 1000, 5))
    assert store.statistics().targets == 2


def test_a_long_gone_series_keeps_its_column(lasting_store: Store) -> None:
    """Asked for anew, or held all the time: it is the same one."""
    target = lasting_store.target(TARGET)
    held = target.columns([HITS, MISSES]).tolist()
    append(target, 0, {HITS: 1, MISSES: 1})
    append(target, LONG_MS, {UP: 1})
    lasting_store.commit()
    forget_ended_series(lasting_store, LONG_MS)
    append(target, 3 * LONG_MS, {UP: 1})

    assert target.columns([MISSES, HITS]).tolist() == held[::-1]
    append(target, 3 * LONG_MS, {HITS: 2})
    assert read(lasting_store, end_ms=4 * LONG_MS)[HITS] == samples((3 * LONG_MS, 2))
