from __future__ import annotations

import gc
from functools import partial

import numpy as np
import pytest
from tests.promql.notation import append_series, parse_series

from sakshi.model.clock import SystemClock
from sakshi.model.labels import Labels
from sakshi.promql import LocalEngine
from sakshi.promql.memo import DERIVED_LABELS_MAX, DERIVED_MAX, LABELS_ALWAYS, derive
from sakshi.promql.vector import Relabeling
from sakshi.storage import MemoryStore
from sakshi.storage.store import SeriesList


def named(count: int, prefix: str = "") -> SeriesList:
    return SeriesList([Labels({"a": f"{prefix}{number}"}) for number in range(count)])


def relabeled(count: int, prefix: str) -> Relabeling:
    return Relabeling.of(list(named(count, prefix)))


def label_sets_reached(series: SeriesList) -> int:
    """Count the label sets in all memos that are reached from a list, each list once."""
    pending, seen, count = [series], {id(series)}, 0
    while pending:
        for value in pending.pop().memo.values():
            if isinstance(value, Relabeling) and id(value.series) not in seen:
                seen.add(id(value.series))
                count += len(value.series)
                pending.append(value.series)
    return count


def test_what_was_derived_is_found_again() -> None:
    """The same key gives the same object, another key another one."""
    series = named(2)

    first = derive(series, "key", lambda: Relabeling.of(list(named(2, "x"))))

    assert derive(series, "key", lambda: Relabeling.of([])) is first
    assert derive(series, "other", lambda: Relabeling.of([])) is not first


def test_the_number_of_what_is_remembered_is_bounded() -> None:
    """One derivation after the other leaves a handful."""
    series = named(1)

    for number in range(10 * DERIVED_MAX):
        derive(series, number, lambda: np.zeros(1))

    assert len(series.memo) <= DERIVED_MAX


@pytest.mark.parametrize(("count", "chains"), [(5, 60), (500, 12)])
def test_nested_derivations_are_bounded_together(count: int, chains: int) -> None:
    """A chain of lists, each derived from the one before it, is remembered up to a size."""
    root = named(count)
    for number in range(chains):
        series = root
        for depth in range(chains):
            build = partial(relabeled, count, f"{number}-{depth}-")
            series = derive(series, f"{number}-{depth}", build).series

    assert label_sets_reached(root) <= DERIVED_LABELS_MAX * count + LABELS_ALWAYS


def test_a_list_that_was_forgotten_with_its_root_is_no_longer_charged_to_it() -> None:
    """A query that runs while memos are emptied goes on; what it derives counts anew."""
    root = named(10)
    orphan = derive(root, "orphan", lambda: Relabeling.of(list(named(10, "o")))).series
    for number in range(2 * LABELS_ALWAYS // 10):
        derive(root, number, lambda: Relabeling.of(list(named(10, "x"))))

    derived = derive(orphan, "late", lambda: Relabeling.of(list(named(10, "l"))))

    assert derive(orphan, "late", lambda: Relabeling.of([])) is derived


def test_nested_label_replace_does_not_pile_up() -> None:
    """Hundreds of different queries, each of several functions around each other."""
    store = MemoryStore()
    append_series(store, [parse_series(f'x{{i="{number}"}} 1x2') for number in range(100)], 10_000)
    engine = LocalEngine(store, SystemClock())

    for number in range(200):
        query = "x"
        for depth in range(6):
            query = f'label_replace({query}, "l{depth}", "{number}", "i", ".*")'
        engine.instant(query, 10_000)

    gc.collect()
    (part,) = store.select([], 0, 10_000)
    assert label_sets_reached(part.series) <= DERIVED_LABELS_MAX * 100 + LABELS_ALWAYS
