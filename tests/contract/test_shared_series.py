"""What every store promises of series that several targets have: labels decide, not who appends.

A series that is scraped and pushed, too, lies in two targets where the scrape target has more
labels than `job` and `instance`.
"""

from __future__ import annotations

import random

import numpy as np
import pytest
from tests.contract.sample import EVERYTHING, START_MS, Samples, append, bits, read, samples

from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.storage import (
    STALE_MARKER,
    DuplicateSampleError,
    OutOfOrderSampleError,
    Store,
    TargetAppender,
)

LABELS = {"env": "production", "instance": "a", "job": "chat"}
HITS, MISSES = (Labels({"__name__": name, **LABELS}) for name in ("hits_total", "misses_total"))
STALE = float(STALE_MARKER)


def scraped_and_pushed(store: Store) -> tuple[TargetAppender, TargetAppender]:
    """Return the appenders of a scrape target, which is older, and of who pushes its series."""
    return store.target(Labels(LABELS)), store.target(Labels(LABELS).only(("instance", "job")))


def test_samples_of_both_are_one_series(store: Store) -> None:
    """Samples interleave by time, whoever brought them and however late."""
    scraped, pushed = scraped_and_pushed(store)
    append(scraped, 1000, {HITS: 1, MISSES: 10})
    append(scraped, 3000, {HITS: 3, MISSES: 30})
    append(pushed, 2000, {HITS: 2})
    append(pushed, 4000, {HITS: 4})

    assert read(store) == {
        HITS: samples((1000, 1), (2000, 2), (3000, 3), (4000, 4)),
        MISSES: samples((1000, 10), (3000, 30)),
    }
    assert store.series([EVERYTHING], START_MS, START_MS + 9000) == [HITS, MISSES]
    assert store.statistics().series == 2


def test_the_older_target_has_the_word(store: Store) -> None:
    """Where both have a moment, one value is answered: the older target's, unless it has ended."""
    scraped, pushed = scraped_and_pushed(store)
    append(scraped, 1000, {HITS: 1})
    append(scraped, 2000, {HITS: STALE})
    append(scraped, 3000, {HITS: STALE})
    append(pushed, 1000, {HITS: 100})
    append(pushed, 2000, {HITS: 200})
    append(pushed, 3000, {HITS: STALE})

    assert read(store) == {HITS: samples((1000, 1), (2000, 200), (3000, STALE))}


def test_each_range_has_what_either_has_in_it(store: Store) -> None:
    """A series that one target has no samples of in a range is the other's there."""
    scraped, pushed = scraped_and_pushed(store)
    append(scraped, 1000, {HITS: 1, MISSES: 10})
    append(pushed, 50_000, {HITS: 5, MISSES: 50})
    append(pushed, 90_000, {MISSES: 90})

    assert read(store, end_ms=9000) == {HITS: samples((1000, 1)), MISSES: samples((1000, 10))}
    assert read(store, start_ms=2000, end_ms=60_000) == {
        HITS: samples((50_000, 5)),
        MISSES: samples((50_000, 50)),
    }
    assert read(store, start_ms=60_000) == {MISSES: samples((90_000, 90))}
    assert read(store, start_ms=91_000) == {}


def test_shared_series_come_together(lasting_store: Store) -> None:
    """All series that two targets share are read at once, and keep their list."""
    scraped, pushed = scraped_and_pushed(lasting_store)
    for second in range(5):
        append(scraped, second * 1000, {HITS: second, MISSES: second})
        append(pushed, second * 1000 + 500, {MISSES: second, HITS: second})

    (first,) = lasting_store.select([EVERYTHING], START_MS, START_MS + 9000)
    append(scraped, 9000, {HITS: 9, MISSES: 9})
    (second_time,) = lasting_store.select([EVERYTHING], START_MS, START_MS + 9000)

    assert second_time.series is first.series
    assert len(first.series) == 2
    assert not first.has_gaps


def test_a_series_is_shared_from_the_moment_that_it_is(store: Store) -> None:
    """A selection that was asked for before finds the second target's samples, and a third's."""
    scraped, pushed = scraped_and_pushed(store)
    third = store.target(Labels({"rule_group": "third"}))
    append(scraped, 1000, {HITS: 1, MISSES: 10})
    assert read(store) == {HITS: samples((1000, 1)), MISSES: samples((1000, 10))}

    append(pushed, 2000, {MISSES: 20})
    assert read(store)[MISSES] == samples((1000, 10), (2000, 20))
    append(pushed, 3000, {HITS: 3})
    assert read(store)[HITS] == samples((1000, 1), (3000, 3))
    append(third, 4000, {HITS: 4})
    assert read(store) == {
        HITS: samples((1000, 1), (3000, 3), (4000, 4)),
        MISSES: samples((1000, 10), (2000, 20)),
    }


def test_deletion_and_expiry_take_both(store: Store) -> None:
    """What is deleted is gone, wherever it lies; what expires in one target leaves the other's."""
    scraped, pushed = scraped_and_pushed(store)
    append(scraped, 1000, {HITS: 1, MISSES: 10})
    append(pushed, 2000, {HITS: 2})
    append(pushed, 60_000, {HITS: 6, MISSES: 60})
    hits = Matcher("__name__", MatchOperator.EQUAL, "hits_total")

    store.delete_series([hits], START_MS, START_MS + 9000)
    assert read(store) == {
        HITS: samples((60_000, 6)),
        MISSES: samples((1000, 10), (60_000, 60)),
    }

    store.expire(START_MS + 30_000)
    assert read(store, start_ms=30_000) == {
        HITS: samples((60_000, 6)),
        MISSES: samples((60_000, 60)),
    }


def merged(targets: list[dict[Labels, dict[int, int]]], start_ms: int, end_ms: int) -> Samples:
    """Return what the targets have together: measured values first, then the older target's."""
    found: Samples = {}
    for labels in sorted({labels for target in targets for labels in target}):
        moments = sorted({at for target in targets for at in target.get(labels, {})})
        pairs = []
        for at_ms in moments:
            values = [
                target[labels][at_ms] for target in targets if at_ms in target.get(labels, {})
            ]
            measured = [value for value in values if value != bits(STALE)]
            pairs.append((at_ms, (measured or values)[0]))
        if within := [pair for pair in pairs if start_ms <= pair[0] <= end_ms]:
            found[labels] = within
    return found


@pytest.mark.parametrize("seed", [1, 2, 3], ids=str)
def test_targets_that_share_behave_like_dicts(store: Store, seed: int) -> None:
    """Under random appends, commits and reads, three targets answer as their dicts, merged."""
    chance = random.Random(seed)
    appenders = [store.target(Labels({"instance": str(number)})) for number in range(3)]
    models: list[dict[Labels, dict[int, int]]] = [{}, {}, {}]
    now_ms = 0
    for appender, model in zip(appenders, models, strict=True):  # a target is as old as its rows
        append(appender, 0, {HITS: 0.0})
        model[HITS] = {0: bits(0.0)}
    for _ in range(150):
        number, action = chance.randrange(3), chance.random()
        if action < 0.6:
            now_ms += chance.choice([0, 500, 1000])
            count = chance.randint(1, 4)
            row = {
                Labels({"__name__": chance.choice("abc"), "n": str(n)}): (
                    chance.choice([0.0, -0.0, 1.0, float("nan"), STALE])
                )
                for n in chance.sample(range(4), count)
            }
            try:
                append(appenders[number], now_ms, row)
            except (DuplicateSampleError, OutOfOrderSampleError):
                continue
            for labels, value in row.items():
                models[number].setdefault(labels, {})[now_ms] = bits(value)
        elif action < 0.75:
            store.commit()
        else:
            start_ms = now_ms - chance.randrange(60_000)
            end_ms = start_ms + chance.randrange(60_000)
            found = read(store, start_ms=start_ms, end_ms=end_ms)
            assert found == merged(models, start_ms, end_ms)

    assert np.sum([len(model) for model in models]) > 20, "the targets have series in common"
