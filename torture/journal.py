"""What is written to a store under torture, step by step, and how what is left of it is judged.

A step is one commit. Which samples it brings follows from its number alone, so whoever reads the
store after an accident knows every bit that may be there: two targets with a row a second, of which

- some series stand still, some count, some are noise, some carry NaNs and zeros with a sign;
- one in three comes late, three steps after the moment that it belongs to;
- one ends (a stale marker) and comes back, every few rows;
- a new series begins every twenty rows.

Now and then a step also expires what is old. A sample is **lost** when its step was acknowledged,
it has not expired, and it is not there; it is **wrong** when it is there with other bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.storage import ABSENT, STALE_MARKER, StorageConfig, Store
from sakshi.storage.store import Columns, TargetAppender, Values

START_MS: Final = 1_700_000_000_000
PARTS: Final = 2
SERIES: Final = 30  # of each part, from the first row on
ROWS_PER_NEW_SERIES: Final = 20
LATE_STEPS: Final = 3
EXPIRY_STEPS: Final = 64  # between two expiries
KEPT_ROWS: Final = 200  # by an expiry
CONFIG: Final = StorageConfig(head_ms=20_000, seal_rows=10)

EVERYTHING: Final = Matcher("__name__", MatchOperator.NOT_EQUAL, "")

Bits = NDArray[np.uint64]


@dataclass
class Verdict:
    """What an inspection found; sums up by `+=`."""

    samples: int = 0
    lost: int = 0
    wrong: int = 0

    def __iadd__(self, other: Verdict) -> Verdict:
        """Count another inspection too."""
        self.samples += other.samples
        self.lost += other.lost
        self.wrong += other.wrong
        return self


@dataclass(frozen=True)
class Expected:
    """All samples of one part up to a step.

    Args:
        values: shape (rows, series), ABSENT where there is no sample.
        steps: shape (rows, series): which step brings the sample.
    """

    values: Values
    steps: NDArray[np.int64]


class Writer:
    """Takes the journal's steps on a store, from any step on.

    Args:
        store: open, and in `CONFIG`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._targets = [store.target(Labels({"part": str(part)})) for part in range(PARTS)]

    def append(self, step: int) -> None:
        """Append what a step brings; commit is the caller's."""
        for part, target in enumerate(self._targets):
            _append(target, part, step, ~_is_late(step))
            if step >= LATE_STEPS:
                _append(target, part, step - LATE_STEPS, _is_late(step - LATE_STEPS))

    def expire(self, step: int) -> None:
        """Expire what is old, where the step is one of those that do."""
        if step and step % EXPIRY_STEPS == 0:
            self._store.expire(START_MS + (step - KEPT_ROWS) * 1000)


def _append(target: TargetAppender, part: int, row: int, chosen: NDArray[np.bool_]) -> None:
    values = row_values(part, row)
    chosen = chosen & (values.view(np.uint64) != ABSENT.view(np.uint64))
    numbers = np.flatnonzero(chosen)
    if numbers.size:
        columns: Columns = target.columns([label(part, number) for number in numbers.tolist()])
        target.append(START_MS + row * 1000, columns, values[numbers])


def series_count(row: int) -> int:
    """Return how many series of a part have begun at a row."""
    return SERIES + row // ROWS_PER_NEW_SERIES


def label(part: int, number: int) -> Labels:
    """Return the label set of a series."""
    return Labels({"__name__": f"m{number % 5}", "n": str(number), "part": str(part)})


def row_values(part: int, row: int) -> Values:
    """Return the values of all series of a part at a row; ABSENT where one has no sample."""
    numbers = np.arange(series_count(row))
    values = (numbers * row + part).astype(np.float64)
    values[::3] = numbers[::3]
    noise = np.random.default_rng([part, row])
    values[1::6] = noise.random(values[1::6].size)
    values[4::6] = noise.choice([0.0, -0.0, np.nan, np.inf, 0.1], values[4::6].size)
    values[7] = (STALE_MARKER, ABSENT, ABSENT, row)[row % 4]
    return values


def _is_late(row: int) -> NDArray[np.bool_]:
    """Tell which series come late at a row: they have no sample of their own time before."""
    late: NDArray[np.bool_] = np.arange(series_count(row)) % 3 == 2
    return late


def expect(part: int, step: int) -> Expected:
    """Return every sample that the steps up to and including this one bring."""
    rows = step + 1
    values = np.full((rows, series_count(step)), ABSENT)
    steps = np.zeros(values.shape, np.int64)
    for row in range(rows):
        found = row_values(part, row)
        values[row, : found.size] = found
        steps[row, : found.size] = row + LATE_STEPS * _is_late(row)
    return Expected(values, steps)


class Judge:
    """Compares stores with the journal; remembers what it computed, for the next one.

    Args:
        step_max: the last step that any store can hold.
    """

    def __init__(self, step_max: int) -> None:
        self._expected = [expect(part, step_max) for part in range(PARTS)]
        self._numbers: dict[Labels, tuple[int, int]] = {
            label(part, number): (part, number)
            for part in range(PARTS)
            for number in range(series_count(step_max))
        }

    def inspect(self, store: Store, acknowledged: int, expired_by: int) -> Verdict:
        """Return what a store holds, against what it must hold.

        Args:
            store: as it came out of the accident.
            acknowledged: the last step whose commit returned; -1: none did.
            expired_by: the last step that may have run its expiry.
        """
        absent = ABSENT.view(np.uint64)
        oldest = expired_by // EXPIRY_STEPS * EXPIRY_STEPS - KEPT_ROWS
        verdict = Verdict()
        for found, expected in zip(self._read(store), self._expected, strict=True):
            wanted = expected.values.view(np.uint64)
            present = found != absent
            verdict.samples += int(present.sum())
            verdict.wrong += int((present & (found != wanted)).sum())
            due = (wanted != absent) & (expected.steps <= acknowledged)
            due[: max(0, oldest)] = False
            verdict.lost += int((due & ~present).sum())
        return verdict

    def last_step(self, store: Store) -> int:
        """Return the newest step of which the store holds anything; -1: it is empty."""
        newest_ms = store.statistics().newest_ms
        return -1 if newest_ms is None else (newest_ms - START_MS) // 1000

    def _read(self, store: Store) -> list[Bits]:
        found = [np.full(expected.values.shape, ABSENT) for expected in self._expected]
        for columns in store.select([EVERYTHING], 0, 1 << 60):
            rows = (columns.timestamps - START_MS) // 1000
            for index, labels in enumerate(columns.series):
                part, number = self._numbers[labels]
                found[part][rows, number] = columns.values[:, index]
        return [values.view(np.uint64) for values in found]


def iter_steps(first: int) -> Iterator[int]:
    """Yield the steps from one on, without end."""
    while True:
        yield first
        first += 1
