"""Every store behaves like a dict, whatever is appended, expired, deleted and asked for."""

from __future__ import annotations

import random

import pytest
from tests.conftest import FakeClock
from tests.contract.sample import (
    EVERYTHING,
    START_MS,
    Samples,
    append,
    bits,
    read,
)

from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.storage import (
    STALE_MARKER,
    DuplicateSampleError,
    OutOfOrderSampleError,
    Store,
)

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


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 3911392613, None], ids=str)
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
