"""What every store promises to those who read: at once, whole, and never changing."""

from __future__ import annotations

import threading

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
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.storage import (
    SeriesColumns,
    Store,
)


def test_accepted_samples_are_visible_at_once(store: Store) -> None:
    """A select that begins after an append returned sees it, committed or not."""
    target = store.target(TARGET)

    for second in range(5):
        append(target, second * 1000, {UP: second})
        assert read(store, start_ms=second * 1000) == {UP: samples((second * 1000, second))}


def test_arrays_handed_out_never_change(store: Store) -> None:
    """Whatever is appended later, a reader's arrays stay as they were."""
    target = store.target(TARGET)
    append(target, 0, {UP: 1})
    append(target, 2000, {UP: 2})
    (columns,) = store.select([EVERYTHING], START_MS, START_MS + 9000)
    timestamps, values = columns.timestamps.copy(), columns.values.copy()

    append(target, 2000, {HITS: 1})
    append(target, 1000, {MISSES: 4})
    for second in range(3, 300):
        append(target, second * 1000, {UP: second, series("late", n=str(second)): 1})
        store.commit()
    store.expire(START_MS + 250_000)

    assert columns.timestamps.tolist() == timestamps.tolist()
    assert columns.values.tobytes() == values.tobytes()


def test_same_selection_yields_the_same_series_list(lasting_store: Store) -> None:
    """While no series of it is new, a selection's series are the same object, memo and all."""
    target = lasting_store.target(TARGET)
    matcher = Matcher("__name__", MatchOperator.REGEX, "up|hits_total")
    append(target, 0, {UP: 1, HITS: 1})
    (first,) = lasting_store.select([matcher], START_MS, START_MS + 99_000)

    for second in range(1, 40):
        append(target, second * 1000, {UP: 1, HITS: 1, MISSES: 1})
        lasting_store.commit()
    (second_time,) = lasting_store.select([matcher], START_MS + 30_000, START_MS + 99_000)
    append(target, 40_000, {UP: 1, series("hits_total", code="500"): 1})
    (third_time,) = lasting_store.select([matcher], START_MS, START_MS + 99_000)

    assert second_time.series is first.series
    assert third_time.series is not first.series
    assert len(third_time.series) == 3


MATCHED = [
    series("up", zone="east"),
    series("up", zone="west"),
    series("up"),
    series("hits_total", zone="east"),
]


@pytest.mark.parametrize(
    ("matchers", "expected"),
    [
        pytest.param([("__name__", "=", "up")], [0, 1, 2], id="name"),
        pytest.param([("__name__", "=", "up"), ("zone", "=", "east")], [0], id="two labels"),
        pytest.param([("zone", "=", "")], [2], id="absent label equals the empty value"),
        pytest.param([("zone", "!=", "")], [0, 1, 3], id="present label"),
        pytest.param([("zone", "!=", "east")], [1, 2], id="not equal includes the absent"),
        pytest.param([("zone", "=~", "e.*|west")], [0, 1, 3], id="regex"),
        pytest.param([("zone", "=~", "eas")], [], id="regex is anchored"),
        pytest.param([("zone", "=~", ".*")], [0, 1, 2, 3], id="regex that matches the absent"),
        pytest.param([("zone", "!~", "e.*")], [1, 2], id="negative regex includes the absent"),
        pytest.param([("zone", "!~", ".+")], [2], id="negative regex of everything"),
        pytest.param([("__name__", "=~", "up|hits.*"), ("zone", "=", "east")], [0, 3], id="names"),
        pytest.param([("color", "=", "")], [0, 1, 2, 3], id="a label that no series has"),
        pytest.param([("color", "=", "red")], [], id="a value that no series has"),
        pytest.param([], [0, 1, 2, 3], id="no matcher"),
    ],
)
def test_matchers_choose_series(
    store: Store, matchers: list[tuple[str, str, str]], expected: list[int]
) -> None:
    """Every matcher must hold; an absent label has the empty value."""
    target = store.target(TARGET)
    append(target, 0, dict.fromkeys(MATCHED, 1.0))
    conditions = [Matcher(name, MatchOperator(sign), value) for name, sign, value in matchers]

    found = store.select(conditions, START_MS, START_MS)

    chosen = sorted(MATCHED[index] for index in expected)
    assert sorted(labels for columns in found for labels in columns.series) == chosen
    assert store.series(conditions, START_MS, START_MS) == chosen


def find_torn(columns: SeriesColumns) -> str:
    """Say what is wrong with rows that hold the second they were written at, in every column."""
    seconds = (columns.timestamps - START_MS) / 1000
    if not (columns.values == seconds[:, None]).all():
        return f"a row with other values than its own: {columns}"
    if (np.diff(seconds) != 1).any():
        return f"a row is missing: {columns}"
    return ""


def test_readers_and_appenders_run_together(lasting_store: Store) -> None:
    """Threads that select while others append and commit see whole rows in order."""
    names = [series("work", part=str(part)) for part in range(20)]
    done = threading.Event()
    torn: set[str] = set()

    def write(instance: str) -> None:
        target = lasting_store.target(Labels({"instance": instance}))
        columns = target.columns([labels.updated({"instance": instance}) for labels in names])
        for second in range(300):
            target.append(START_MS + second * 1000, columns, np.full(len(names), float(second)))

    def check() -> None:
        while not done.is_set():
            torn.update(map(find_torn, lasting_store.select([EVERYTHING], START_MS, 1 << 60)))

    def commit() -> None:
        while not done.is_set():
            lasting_store.commit()

    writers = [threading.Thread(target=write, args=(str(number),)) for number in range(3)]
    others = [threading.Thread(target=work) for work in (check, check, commit)]
    for thread in [*writers, *others]:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in others:
        thread.join()

    assert torn <= {""}
    found = read(lasting_store)
    assert len(found) == 60
    assert all(len(values) == 300 for values in found.values())
