"""What every store promises: the laws of storage/store.py, held by each implementation."""

from __future__ import annotations

import random
import struct
import threading

import numpy as np
import pytest
from tests.conftest import FakeClock

from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.storage import (
    ABSENT,
    STALE_MARKER,
    DuplicateSampleError,
    OutOfOrderSampleError,
    SeriesColumns,
    Store,
    TargetAppender,
    is_absent,
)

START_MS = 1_700_000_000_000
TARGET = Labels({"job": "chat", "instance": "a"})
EVERYTHING = Matcher("__name__", MatchOperator.NOT_EQUAL, "")

Samples = dict[Labels, list[tuple[int, int]]]


def series(name: str, **labels: str) -> Labels:
    return Labels({"__name__": name, **TARGET, **labels})


UP, HITS, MISSES = series("up"), series("hits_total"), series("misses_total")


def bits(value: float) -> int:
    """A value's 64 bits: NaNs compare, and zeros have a sign."""
    return int(np.float64(value).view(np.uint64))


def append(target: TargetAppender, at_ms: int, samples: dict[Labels, float]) -> None:
    columns = target.columns(list(samples))
    target.append(START_MS + at_ms, columns, np.array(list(samples.values())))


def read(
    store: Store, *matchers: Matcher, start_ms: int = -(10**6), end_ms: int = 10**7
) -> Samples:
    """Return (time since START_MS, value bits) of each series that has a sample in the range."""
    found: Samples = {}
    for columns in store.select(matchers or [EVERYTHING], START_MS + start_ms, START_MS + end_ms):
        assert columns.values.shape == (len(columns.timestamps), len(columns.series))
        assert len(columns.timestamps) > 0
        assert (np.diff(columns.timestamps) > 0).all()
        for index, labels in enumerate(columns.series):
            assert labels not in found, "a series appears once"
            column = columns.values[:, index]
            there = ~is_absent(column)
            moments = (columns.timestamps[there] - START_MS).tolist()
            values = column[there].view(np.uint64).tolist()
            if moments:
                found[labels] = list(zip(moments, values, strict=True))
    return found


def samples(*pairs: tuple[int, float]) -> list[tuple[int, int]]:
    return [(at_ms, bits(value)) for at_ms, value in pairs]


# Values and their times


def test_samples_come_back(store: Store) -> None:
    """What was appended is selected, series by series."""
    target = store.target(TARGET)

    append(target, 0, {UP: 1.0, HITS: 10.0})
    append(target, 1000, {UP: 1.0, HITS: 12.0})

    assert read(store) == {UP: samples((0, 1), (1000, 1)), HITS: samples((0, 10), (1000, 12))}


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(0x8000_0000_0000_0000, id="minus zero"),
        pytest.param(0x7FF0_0000_0000_0000, id="infinity"),
        pytest.param(0xFFF0_0000_0000_0000, id="minus infinity"),
        pytest.param(0x7FF8_0000_0000_0001, id="the usual NaN"),
        pytest.param(0xFFF8_DEAD_BEEF_0001, id="a NaN with a payload"),
        pytest.param(0x7FF0_0000_0000_0001, id="a signalling NaN"),
        pytest.param(0x7FF0_0000_0000_0002, id="the stale marker"),
        pytest.param(0x0000_0000_0000_0001, id="the smallest number"),
        pytest.param(0x7FEF_FFFF_FFFF_FFFF, id="the largest number"),
    ],
)
def test_values_keep_their_bits(store: Store, pattern: int) -> None:
    """No value passes through arithmetic on its way."""
    target = store.target(TARGET)
    value = np.frombuffer(struct.pack("<Q", pattern))

    for at_ms in range(0, 30_000, 1000):
        target.append(START_MS + at_ms, target.columns([UP]), value)
        store.commit()

    assert read(store) == {UP: [(at_ms, pattern) for at_ms in range(0, 30_000, 1000)]}


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "expected"),
    [
        pytest.param(1000, 2000, [1000, 2000], id="both ends are inclusive"),
        pytest.param(1001, 2999, [2000], id="between samples"),
        pytest.param(2000, 2000, [2000], id="one moment"),
        pytest.param(-5000, 0, [0], id="before the first"),
        pytest.param(29_000, 99_000, [29_000], id="after the last"),
        pytest.param(1001, 1999, [], id="where no sample is"),
        pytest.param(30_000, 99_000, [], id="after all"),
        pytest.param(2000, 1000, [], id="an end before the start"),
    ],
)
def test_ranges_are_closed(store: Store, start_ms: int, end_ms: int, expected: list[int]) -> None:
    """A range has the samples at both of its ends."""
    target = store.target(TARGET)
    for at_ms in range(0, 30_000, 1000):
        append(target, at_ms, {UP: at_ms})
        store.commit()

    found = read(store, start_ms=start_ms, end_ms=end_ms)

    assert found == ({UP: samples(*((at, at) for at in expected))} if expected else {})


def test_series_without_rows_are_left_out(store: Store) -> None:
    """A series that has no sample in the range brings no columns without rows."""
    target = store.target(TARGET)
    target.columns([MISSES])

    append(target, 0, {UP: 1})

    assert store.select([EVERYTHING], START_MS + 1, START_MS + 10) == []
    assert read(store) == {UP: samples((0, 1))}
    assert store.series([EVERYTHING], START_MS, START_MS) == [UP]


# Late, missing and ended series


def test_each_range_has_the_series_that_live_in_it(store: Store) -> None:
    """However many ranges are asked for, each sees its own series and no other."""
    target = store.target(TARGET)
    for row in range(20):
        append(target, row * 1000, {series(f"m{row}"): 1})
        store.commit()

    for row in range(20):
        at_ms = row * 1000
        found = read(store, start_ms=at_ms, end_ms=at_ms)
        assert found == {series(f"m{row}"): samples((at_ms, 1))}


def test_hole_is_no_sample(store: Store) -> None:
    """Whoever appends ABSENT has appended nothing, wherever the row lies later."""
    target = store.target(TARGET)
    for row in range(20):
        append(target, row * 1000, {UP: float(ABSENT)})
        store.commit()

    assert read(store) == {}


def test_late_series_gets_a_new_column(store: Store) -> None:
    """A series that comes later is absent before; the columns that were there keep their place."""
    target = store.target(TARGET)
    before = target.columns([UP, HITS]).tolist()
    for second in range(20):
        append(target, second * 1000, {UP: 1, HITS: second})

    for second in range(20, 40):
        append(target, second * 1000, {UP: 1, HITS: second, MISSES: second})

    assert target.columns([UP, HITS]).tolist() == before
    found = read(store)
    assert found[MISSES] == samples(*((second * 1000, second) for second in range(20, 40)))
    assert found[HITS] == samples(*((second * 1000, second) for second in range(40)))


def test_gaps_are_announced(store: Store) -> None:
    """`has_gaps` is true wherever a selected row lacks a sample."""
    target = store.target(TARGET)
    append(target, 0, {UP: 1, HITS: 1})
    append(target, 1000, {UP: 1})
    append(target, 2000, {UP: 1, HITS: 3})

    (columns,) = store.select([Matcher("__name__", MatchOperator.EQUAL, "hits_total")], 0, 1 << 60)

    assert columns.has_gaps
    assert columns.values[:, 0].view(np.uint64).tolist() == [bits(1), bits(ABSENT), bits(3)]


def test_stale_marker_is_a_gap(store: Store) -> None:
    """A selection with a stale marker announces gaps; the marker ends the series."""
    target = store.target(TARGET)
    append(target, 0, {HITS: 1})
    append(target, 1000, {HITS: float(STALE_MARKER)})

    (columns,) = store.select([EVERYTHING], START_MS, START_MS + 5000)

    assert columns.has_gaps
    assert read(store)[HITS][-1] == (1000, bits(STALE_MARKER))


def test_measured_nan_is_no_gap(store: Store) -> None:
    """A NaN that was measured is a value like any other."""
    target = store.target(TARGET)
    append(target, 0, {HITS: float("nan")})
    append(target, 1000, {HITS: float("nan")})

    (columns,) = store.select([EVERYTHING], START_MS, START_MS + 5000)

    assert not columns.has_gaps


def test_whole_columns_have_no_gaps(store: Store) -> None:
    """Where every row has every selected series, `has_gaps` is False."""
    target = store.target(TARGET)
    for second in range(40):
        append(target, second * 1000, {UP: 1, HITS: second})
        store.commit()

    found = store.select([EVERYTHING], START_MS, START_MS + 40_000)

    assert [columns.has_gaps for columns in found] == [False]


def test_series_that_comes_back_continues(store: Store) -> None:
    """A series that ended, and whose samples left memory, goes on in its column."""
    target = store.target(TARGET)
    column = target.columns([HITS])
    append(target, 0, {UP: 1, HITS: 1})
    append(target, 1000, {UP: 1, HITS: float(STALE_MARKER)})
    for second in range(2, 40):
        append(target, second * 1000, {UP: 1})
        store.commit()
    assert HITS not in read(store, start_ms=2000)

    target.append(START_MS + 40_000, column, np.array([7.0]))

    assert read(store)[HITS] == samples((0, 1), (1000, float(STALE_MARKER)), (40_000, 7))


# Order


def test_older_sample_is_refused(store: Store) -> None:
    """A sample older than its series' newest is out of order; nothing of its row is kept."""
    target = store.target(TARGET)
    append(target, 1000, {HITS: 1})

    with pytest.raises(OutOfOrderSampleError) as caught:
        append(target, 500, {UP: 1, HITS: 0})

    assert str(caught.value) == (
        'hits_total{instance="a", job="chat"} has a sample at 2023-11-14T22:13:21.000Z, '
        "which is newer than the one given for 2023-11-14T22:13:20.500Z"
    )
    assert read(store) == {HITS: samples((1000, 1))}


def test_other_value_at_the_same_moment_is_refused(store: Store) -> None:
    """A moment has one value; nothing of the row that brings another is kept."""
    target = store.target(TARGET)
    append(target, 0, {HITS: 1})

    with pytest.raises(DuplicateSampleError) as caught:
        append(target, 0, {UP: 1, HITS: 2})

    assert str(caught.value) == (
        'hits_total{instance="a", job="chat"} already has another value at 2023-11-14T22:13:20.000Z'
    )
    assert read(store) == {HITS: samples((0, 1))}


def test_zero_and_minus_zero_are_different_values(store: Store) -> None:
    """Repetition is judged by bits."""
    target = store.target(TARGET)
    append(target, 0, {HITS: 0.0})

    with pytest.raises(DuplicateSampleError):
        append(target, 0, {HITS: -0.0})


def test_repetition_changes_nothing(store: Store) -> None:
    """A batch that is sent again is stored once, also after newer ones, and whatever its order."""
    target = store.target(TARGET)
    append(target, 0, {UP: 1, HITS: float("nan")})
    append(target, 0, {HITS: float("nan"), UP: 1})
    append(target, 1000, {UP: 1, HITS: 2})

    append(target, 0, {HITS: float("nan"), UP: 1})
    append(target, 1000, {UP: 1})

    assert read(store) == {
        UP: samples((0, 1), (1000, 1)),
        HITS: samples((0, float("nan")), (1000, 2)),
    }


def test_appends_at_one_moment_are_one_row(store: Store) -> None:
    """Columns that come one after the other for the same moment share a row."""
    target = store.target(TARGET)
    append(target, 0, {UP: 1})
    store.commit()

    append(target, 0, {HITS: 5})
    append(target, 0, {MISSES: 6})

    (columns,) = store.select([EVERYTHING], START_MS, START_MS)
    assert columns.values.shape == (1, 3)
    assert read(store) == {UP: samples((0, 1)), HITS: samples((0, 5)), MISSES: samples((0, 6))}


def test_row_of_the_past_is_inserted(store: Store) -> None:
    """A row may lie before the target's newest, if the series that it names have nothing newer."""
    target = store.target(TARGET)
    for second in range(0, 60, 2):
        append(target, second * 1000, {UP: 1})
        store.commit()

    append(target, 5000, {HITS: 5})
    append(target, 6000, {HITS: 6, MISSES: 7})
    store.commit()

    found = read(store)
    assert found[HITS] == samples((5000, 5), (6000, 6))
    assert found[MISSES] == samples((6000, 7))
    assert found[UP] == samples(*((second * 1000, 1) for second in range(0, 60, 2)))


def test_series_of_two_targets_is_one(store: Store) -> None:
    """A series that moved from one target to another appears once, with all its samples."""
    first, second = store.target(TARGET), store.target(Labels({"rule_group": "new"}))
    append(first, 0, {UP: 1, HITS: 1})
    append(first, 1000, {UP: 1, HITS: float(STALE_MARKER)})
    append(second, 1000, {HITS: 2})
    append(second, 2000, {HITS: 3})

    assert read(store) == {
        UP: samples((0, 1), (1000, 1)),
        HITS: samples((0, 1), (1000, 2), (2000, 3)),
    }
    assert store.series([EVERYTHING], START_MS, START_MS + 5000) == [HITS, UP]
    hits = Matcher("__name__", MatchOperator.EQUAL, "hits_total")
    assert read(store, hits, end_ms=500) == {HITS: samples((0, 1))}
    assert read(store, hits, start_ms=1500) == {HITS: samples((2000, 3))}
    assert read(store, hits, start_ms=500, end_ms=900) == {}


# Readers


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


# The store as a whole


def test_expired_samples_go(store: Store) -> None:
    """What is older than the limit goes, what is younger stays, an empty series is forgotten."""
    target = store.target(TARGET)
    append(target, 0, {HITS: 1})
    for second in range(1, 40):
        append(target, second * 1000, {UP: second})
        store.commit()

    rows = store.expire(START_MS + 30_000)

    assert rows > 0
    assert read(store, start_ms=30_000) == {
        UP: samples(*((second * 1000, second) for second in range(30, 40)))
    }
    assert read(store, end_ms=20_000) == {}
    assert store.statistics().series == 1


def test_expired_series_comes_back(store: Store) -> None:
    """A column that was handed out before its series expired can still be appended to."""
    target = store.target(TARGET)
    columns = target.columns([HITS])
    target.append(START_MS, columns, np.array([1.0]))
    append(target, 50_000, {UP: 1})
    store.commit()
    store.expire(START_MS + 40_000)

    target.append(START_MS + 51_000, columns, np.array([2.0]))
    store.commit()

    assert read(store) == {HITS: samples((51_000, 2)), UP: samples((50_000, 1))}


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


# Everything at once, against a model


class Model:
    """A store as a dict: what each series has, and what may be asked for."""

    def __init__(self) -> None:
        self.series: dict[Labels, dict[int, int]] = {}
        self.expired_ms = -(10**9)

    def append(self, at_ms: int, row: dict[Labels, float]) -> type[Exception] | None:
        for labels, value in row.items():
            known = self.series.get(labels, {})
            newest = max(known, default=-(10**9))
            if newest < at_ms or known.get(at_ms) == bits(value):
                continue
            return DuplicateSampleError if newest == at_ms else OutOfOrderSampleError
        for labels, value in row.items():
            self.series.setdefault(labels, {})[at_ms] = bits(value)
        return None

    def read(self, name: str, start_ms: int, end_ms: int) -> Samples:
        found = {}
        for labels, values in self.series.items():
            within = sorted((at, v) for at, v in values.items() if start_ms <= at <= end_ms)
            if within and (not name or labels.name == name):
                found[labels] = within
        return found


VALUES = [0.0, -0.0, 1.0, 2.5, 1e300, float("inf"), float("nan"), float(STALE_MARKER)]


@pytest.mark.parametrize("seed", [1, 2, 3, 4, None], ids=str)
def test_store_behaves_like_a_dict(store: Store, seed: int | None) -> None:
    """Under random appends, repetitions, commits, expiries and reads, store and dict agree."""
    seed = random.SystemRandom().getrandbits(32) if seed is None else seed  # a new one each time
    print(f"seed={seed}")  # noqa: T201 - shown when the test fails
    chance = random.Random(seed)
    model = Model()
    targets = [store.target(Labels({"instance": str(number)})) for number in range(2)]
    names = ["alpha", "beta", "gamma"]
    now_ms = 0

    for _ in range(150):
        action = chance.random()
        if action < 0.6:
            number = chance.randrange(2)
            size = chance.randint(1, 8)
            row = {
                Labels({"__name__": chance.choice(names), "i": str(number), "n": str(n)}): (
                    chance.choice(VALUES)
                )
                for n in chance.sample(range(12), size)
            }
            now_ms += chance.choice([0, 0, 100, 1000, 1000, 1500])
            at_ms = now_ms - chance.choice([0, 0, 0, 0, 50, 1000, 3000])
            expected = model.append(at_ms, row)
            if expected is None:
                append(targets[number], at_ms, row)
            else:
                with pytest.raises((DuplicateSampleError, OutOfOrderSampleError)):
                    append(targets[number], at_ms, row)
        elif action < 0.8:
            store.commit()
        elif action < 0.82:
            model.expired_ms = max(model.expired_ms, now_ms - 20_000)
            store.expire(START_MS + model.expired_ms)
        else:
            name = chance.choice(["", *names])
            start_ms = max(now_ms - chance.randrange(60_000), model.expired_ms)
            end_ms = start_ms + chance.randrange(60_000)
            matchers = [Matcher("__name__", MatchOperator.EQUAL, name)] if name else [EVERYTHING]
            found = read(store, *matchers, start_ms=start_ms, end_ms=end_ms)
            assert found == model.read(name, start_ms, end_ms)


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


# Late samples


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


# Deletion

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


# Series that are long gone

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


# Late samples and deletions, against a model


class LateModel:
    """A store that takes late samples and deletes some, as a dict."""

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._series: dict[Labels, dict[int, int]] = {}
        self._newest: dict[str, int] = {}  # by target
        self._ranges: list[tuple[str, int, int]] = []
        self._deleted: set[tuple[Labels, int]] = set()
        self._open: set[tuple[Labels, int]] = set()  # came late into a range that was deleted

    def append(
        self, target: str, at_ms: int, row: dict[Labels, float]
    ) -> type[DuplicateSampleError | OutOfOrderSampleError] | None:
        is_young = at_ms >= self._newest.get(target, at_ms) - self._window_ms
        for labels, value in row.items():
            known = self._series.get(labels, {})
            newest = max(known, default=-(10**9))
            is_new = newest < at_ms or (at_ms not in known and is_young)
            if not is_new and known.get(at_ms) != bits(value):
                is_other = newest == at_ms or is_young
                return DuplicateSampleError if is_other else OutOfOrderSampleError
        for labels, value in row.items():
            known = self._series.setdefault(labels, {})
            if at_ms not in known and self._is_in_deleted_range(labels, at_ms):
                self._open.add((labels, at_ms))
            known[at_ms] = bits(value)
        self._newest[target] = max(at_ms, self._newest.get(target, at_ms))
        return None

    def delete(self, name: str, start_ms: int, end_ms: int) -> None:
        self._ranges.append((name, start_ms, end_ms))
        for labels, known in self._series.items():
            if labels.name == name:
                gone = {(labels, at_ms) for at_ms in known if start_ms <= at_ms <= end_ms}
                self._deleted |= gone
                self._open -= gone

    def read(self, start_ms: int, end_ms: int) -> Samples:
        return self.decided(
            {
                labels: [
                    (at_ms, value)
                    for at_ms, value in sorted(known.items())
                    if start_ms <= at_ms <= end_ms and (labels, at_ms) not in self._deleted
                ]
                for labels, known in self._series.items()
            }
        )

    def decided(self, found: Samples) -> Samples:
        """Leave out the samples that a store may show or not."""
        left = {
            labels: [pair for pair in pairs if (labels, pair[0]) not in self._open]
            for labels, pairs in found.items()
        }
        return {labels: pairs for labels, pairs in left.items() if pairs}

    def _is_in_deleted_range(self, labels: Labels, at_ms: int) -> bool:
        return any(name == labels.name and a <= at_ms <= b for name, a, b in self._ranges)


@pytest.mark.parametrize("seed", [1, 2, 3, None], ids=str)
def test_late_samples_and_deletions_behave_like_a_dict(
    patient_store: Store, clock: FakeClock, seed: int | None
) -> None:
    """Whatever comes late, again or differently, and whatever is deleted, store and dict agree."""
    seed = random.SystemRandom().getrandbits(32) if seed is None else seed  # a new one each time
    print(f"seed={seed}")  # noqa: T201 - shown when the test fails
    chance = random.Random(seed)
    clock.elapsed_ms = 10**7
    model = LateModel(60_000)
    names = ["alpha", "beta"]
    now_ms = 0

    for _ in range(150):
        action = chance.random()
        if action < 0.6:
            target = chance.choice("ab")
            row = {
                Labels({"__name__": chance.choice(names), "t": target, "n": str(n)}): (
                    chance.choice(VALUES)
                )
                for n in chance.sample(range(6), chance.randint(1, 4))
            }
            now_ms += chance.choice([0, 1000, 1000, 2000])
            at_ms = now_ms - chance.choice([0, 0, 0, 1000, 10_000, 40_000, 61_000, 90_000])
            expected = model.append(target, at_ms, row)
            appender = patient_store.target(Labels({"t": target}))
            if expected is None:
                append(appender, at_ms, row)
            else:
                with pytest.raises(expected):
                    append(appender, at_ms, row)
        elif action < 0.8:
            patient_store.commit()
        elif action < 0.85:
            name, start_ms = chance.choice(names), now_ms - chance.randrange(100_000)
            end_ms = start_ms + chance.choice([0, 10_000, 10**6])
            model.delete(name, start_ms, end_ms)
            matcher = Matcher("__name__", MatchOperator.EQUAL, name)
            patient_store.delete_series([matcher], START_MS + start_ms, START_MS + end_ms)
        else:
            start_ms = now_ms - chance.randrange(100_000)
            end_ms = start_ms + chance.randrange(60_000)
            found = read(patient_store, start_ms=start_ms, end_ms=end_ms)
            assert model.decided(found) == model.read(start_ms, end_ms)


# Passing on: what became durable, in its order


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


def test_a_backlog_counts_what_is_newer(store: Store) -> None:
    """By rows and series: near enough to see how far somebody is behind."""
    target = store.target(TARGET)
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
