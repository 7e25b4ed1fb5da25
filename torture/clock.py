"""A wall clock that steps: ten years, an hour, a leap second, ahead and back, under scrapes.

One target is scraped every fifteen seconds by an `Ingester`, on a store with chunks, through
restarts and retention. Beside it a dictionary follows the rules:

- a sample is taken where its series has none at or after its time, or where the newest one lies
  more than ten minutes in the future (the clock was ahead, and has come back);
- a row whose `up` is not taken is dropped whole;
- a series that a row does not have, and the row before had, gets a stale marker;
- for an hour after a step of more than five minutes nothing is forgotten.

The negative control is an ingester that waits until the clock gets there again.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np
from prometheus_client import CollectorRegistry

from sakshi.app.retention import JUMP_MS, Retention
from sakshi.exposition import Layout
from sakshi.model.labels import Labels
from sakshi.scrape.ingest import Ingester
from sakshi.scrape.metrics import ScrapeMetrics
from sakshi.scrape.target import ScrapeConfig
from sakshi.storage import STALE_MARKER, SqliteStore, StorageConfig, is_absent
from sakshi.storage.past import AHEAD_MS
from sakshi.storage.store import Columns, Values
from torture.progress import Progress

START_MS: Final = 1_700_000_000_000
INTERVAL_MS: Final = 15_000
SCRAPES: Final = 480  # of a schedule: two hours
HOUR_MS: Final = 3_600_000
STEPS_MS: Final = (
    10 * 365 * 24 * HOUR_MS, -HOUR_MS, HOUR_MS, -1000, 1000, -299_000, 299_000, -24 * HOUR_MS,
)  # fmt: skip
STEP_RATIOS: Final = (0.003, 0.05)  # of scrapes, in a schedule: the clock steps before them
RIGHT_RATIO: Final = 0.5  # of steps: it is right again
RESTART_RATIO: Final = 0.02
FAILURE_RATIO: Final = 0.1
LOOK_SCRAPES: Final = 4  # between two looks of the retention: a minute
RETENTION_MS: Final = HOUR_MS // 2
CONFIG: Final = StorageConfig(head_ms=120_000, seal_rows=10, retention_ms=RETENTION_MS)
TARGET: Final = Labels({"instance": "a:1", "job": "chat"})
STALE_BITS: Final = int(np.float64(STALE_MARKER).view(np.uint64))


class SteppingClock:
    """Is wrong by `offset_ms`; its monotonic hand is always right."""

    def __init__(self) -> None:
        self.elapsed_ms = 0
        self.offset_ms = 0

    @property
    def true_ms(self) -> int:
        """What it should show."""
        return START_MS + self.elapsed_ms

    def now_ms(self) -> int:
        """Return what it shows."""
        return self.true_ms + self.offset_ms

    def monotonic(self) -> float:
        """Return the seconds since the start."""
        return self.elapsed_ms / 1000

    async def sleep(self, seconds: float) -> None:
        """Pass the time at once."""
        self.elapsed_ms += round(seconds * 1000)


class Forgetting:
    """Has a store forget once a minute, and finds where it does though the clock is in doubt.

    Args:
        clock: steps.
    """

    def __init__(self, clock: SteppingClock) -> None:
        self._clock = clock
        self._retention = Retention(RETENTION_MS, clock, clock.now_ms)  # scrapes go on
        self._offset_ms = clock.offset_ms
        self._trusted_ms = 0

    def look(self, store: SqliteStore, progress: Progress) -> int:
        """Forget; return before when, 0 where nothing is forgotten."""
        clock = self._clock
        if abs(clock.offset_ms - self._offset_ms) > JUMP_MS:
            self._trusted_ms = clock.elapsed_ms + HOUR_MS
        self._offset_ms = clock.offset_ms
        before_ms = self._retention.before_ms()
        if before_ms is None:
            return 0
        if clock.elapsed_ms < self._trusted_ms:
            progress.find(f"samples before {before_ms} go at {clock.true_ms}")
        store.expire(before_ms)
        return before_ms


class WaitingIngester(Ingester):
    """Drops everything until the clock gets there again."""

    def _append_row(self, timestamp_ms: int, columns: Columns, values: Values) -> bool:
        if self._newest_ms is not None and timestamp_ms < self._newest_ms:
            return False
        return super()._append_row(timestamp_ms, columns, values)


class Model:
    """What a store must have: bits by time, by metric name."""

    def __init__(self) -> None:
        self.samples: dict[str, dict[int, int]] = {}
        self.live: set[str] = set()

    def scrape(self, at_ms: int, values: dict[str, float]) -> None:
        """Take a row; `up` is among the values."""
        if not self._takes("up", at_ms, values["up"]):
            return
        gone = self.live - values.keys()
        self.live = values.keys() - {"up"}
        row = {name: _bits(value) for name, value in values.items()}
        for name, bits in (row | dict.fromkeys(gone, STALE_BITS)).items():
            if self._is_open(name, at_ms):
                self.samples.setdefault(name, {}).setdefault(at_ms, bits)

    def _takes(self, name: str, at_ms: int, value: float) -> bool:
        known = self.samples.get(name, {}).get(at_ms)
        return self._is_open(name, at_ms) if known is None else known == _bits(value)

    def _is_open(self, name: str, at_ms: int) -> bool:
        newest_ms = max(self.samples.get(name, {}), default=at_ms - 1)
        return at_ms > newest_ms or newest_ms > at_ms + AHEAD_MS


class ClockTorture:
    """Schedules of steps, each on a store of its own.

    Args:
        folder: is emptied.
        chance: decides when the clock steps, and how far.
        is_waiting: run the negative control.
        scrapes: of a schedule.
    """

    def __init__(
        self,
        folder: Path,
        chance: random.Random,
        *,
        is_waiting: bool = False,
        scrapes: int = SCRAPES,
    ) -> None:
        self._folder = folder
        self._chance = chance
        self._scrapes = scrapes
        self._make = WaitingIngester if is_waiting else Ingester

    def run(self, progress: Progress, rounds: int, tell: Callable[[], None]) -> None:
        """Count until so many schedules were followed; `tell` is called after each."""
        while progress.rounds < rounds:
            begin = time.perf_counter()
            shutil.rmtree(self._folder, ignore_errors=True)
            self._follow(progress)
            progress.rounds += 1
            progress.seconds += time.perf_counter() - begin
            tell()

    def _follow(self, progress: Progress) -> None:
        clock, model, scrape = SteppingClock(), Model(), 0
        step_ratio = self._chance.choice(STEP_RATIOS)
        retention, forgotten_ms = Forgetting(clock), 0
        while scrape < self._scrapes:
            with closing(SqliteStore(self._folder, CONFIG, clock=clock)) as store:
                target = self._target(store)
                model.live = set()
                while scrape < self._scrapes:
                    self._step(clock, step_ratio)
                    self._scrape(clock.now_ms(), scrape, target, model)
                    store.commit()
                    progress.acknowledged += 1
                    if scrape % LOOK_SCRAPES == 0:
                        forgotten_ms = max(forgotten_ms, retention.look(store, progress))
                    scrape += 1
                    clock.elapsed_ms += INTERVAL_MS
                    if self._chance.random() < RESTART_RATIO:
                        break
        with closing(SqliteStore(self._folder, CONFIG, clock=clock)) as store:
            _judge(progress, store, model, forgotten_ms)

    def _target(self, store: SqliteStore) -> Ingester:
        config = ScrapeConfig("chat", INTERVAL_MS, INTERVAL_MS)
        metrics = ScrapeMetrics(CollectorRegistry())
        return self._make(TARGET, config, store.target(TARGET), metrics)

    def _step(self, clock: SteppingClock, step_ratio: float) -> None:
        if self._chance.random() >= step_ratio:
            return
        if clock.offset_ms and self._chance.random() < RIGHT_RATIO:
            clock.offset_ms = 0
        else:  # a few odd milliseconds: no two scrapes at the same moment
            clock.offset_ms = self._chance.choice(STEPS_MS) + self._chance.randrange(1, 999)

    def _scrape(self, at_ms: int, number: int, target: Ingester, model: Model) -> None:
        if self._chance.random() < FAILURE_RATIO:
            target.fail(at_ms, 0.5)
            model.scrape(at_ms, {"up": 0.0})
            return
        values = {f"x{part}": float(number) for part in range(6) if self._chance.random() < 0.8}
        body = "".join(f"{name} {value}\n" for name, value in values.items()).encode()
        layout = Layout.learn(body)
        target.accept(at_ms, layout, layout.learned, 0.25)
        model.scrape(at_ms, values | {"up": 1.0})


def _judge(progress: Progress, store: SqliteStore, model: Model, forgotten_ms: int) -> None:
    found: dict[str, dict[int, int]] = {}
    for columns in store.select([], -(1 << 60), 1 << 60):
        bits = columns.values.view(np.uint64)
        for column, labels in enumerate(columns.series):
            there = np.flatnonzero(~is_absent(columns.values[:, column])).tolist()
            found[labels.name] = {
                int(columns.timestamps[row]): int(bits[row, column]) for row in there
            }
    for name, samples in model.samples.items():
        ours = found.get(name, {})
        kept = {at_ms: bits for at_ms, bits in samples.items() if at_ms >= forgotten_ms}
        progress.samples += len(kept)
        progress.lost += len(kept.keys() - ours.keys())
        progress.wrong += sum(samples.get(at_ms) != bits for at_ms, bits in ours.items())


def _bits(value: float) -> int:
    return int(np.float64(value).view(np.uint64))
