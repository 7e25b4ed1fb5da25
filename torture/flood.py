"""A target that makes a million series a minute, beside one that behaves.

Both are scraped by an `Ingester` on one store. The flood brings ten thousand new series with each
scrape, and none of the old ones; as soon as its own bound is reached, its new series are refused
and counted. The other target gets a new series with each scrape: all of it must be there, without a
gap, and memory must not grow any more. The negative control has no bound for a single target.
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

from sakshi.exposition import Layout
from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.scrape.ingest import Ingester
from sakshi.scrape.metrics import ScrapeMetrics
from sakshi.scrape.target import ScrapeConfig
from sakshi.storage import SqliteStore, StorageConfig, is_absent
from torture.progress import Progress

START_MS: Final = 1_700_000_000_000
INTERVAL_MS: Final = 600  # a million new series in a hundred scrapes: a minute
NEW_SERIES: Final = 10_000  # with each scrape
OLD_SERIES: Final = 100  # of the target that behaves
WARM_SCRAPES: Final = 20  # until memory is weighed: the flood's bound is reached in four
MEMORY_BYTES_MAX: Final = 64 << 20  # more than then
FLOOD: Final = Labels({"instance": "flood:1", "job": "flood"})
CALM: Final = Labels({"instance": "calm:1", "job": "calm"})


class FloodTorture:
    """Scrapes of both targets.

    Args:
        folder: is emptied.
        chance: decides about values.
        is_open: run the negative control.
        new_series: of the flood, with each scrape; four and ten times as many are the bounds.
    """

    def __init__(
        self,
        folder: Path,
        chance: random.Random,
        *,
        is_open: bool = False,
        new_series: int = NEW_SERIES,
    ) -> None:
        self._folder = folder
        self._chance = chance
        self._new_series = new_series
        self._config = StorageConfig(
            series_max=10 * new_series,
            target_series_max=(10 if is_open else 4) * new_series,
            head_ms=10_000,
            seal_rows=10,
        )

    def run(self, progress: Progress, rounds: int, tell: Callable[[], None]) -> None:
        """Count until so many scrapes of both were made; `tell` is called after each."""
        shutil.rmtree(self._folder, ignore_errors=True)
        first, warm_bytes = progress.rounds, 0
        with closing(SqliteStore(self._folder, self._config)) as store:
            flood, calm = _ingester(FLOOD, store), _ingester(CALM, store)
            while progress.rounds < rounds:
                began = time.perf_counter()
                row = progress.rounds - first
                at_ms = START_MS + row * INTERVAL_MS
                tag = self._chance.getrandbits(64)
                _scrape(flood, at_ms, [f'f{{x="{tag:x}-{n}"}} 1' for n in range(self._new_series)])
                _scrape(calm, at_ms, [f'c{{n="{n}"}} {row}' for n in range(OLD_SERIES + row)])
                store.commit()
                progress.acknowledged += 1
                progress.rounds += 1
                if row == WARM_SCRAPES:
                    warm_bytes = _memory_bytes()
                progress.seconds += time.perf_counter() - began
                tell()
            self._judge(progress, store, rounds - first)
            if warm_bytes and _memory_bytes() > warm_bytes + MEMORY_BYTES_MAX:
                progress.find(f"{warm_bytes >> 20} MiB became {_memory_bytes() >> 20}")

    def _judge(self, progress: Progress, store: SqliteStore, rows: int) -> None:
        matcher = Matcher("__name__", MatchOperator.EQUAL, "c")
        found = {
            int(labels.get("n", "")): columns.values[~is_absent(columns.values[:, column]), column]
            for columns in store.select([matcher], START_MS, START_MS + rows * INTERVAL_MS)
            for column, labels in enumerate(columns.series)
        }
        for number in range(OLD_SERIES + rows - 1):
            expected = np.arange(max(0, number - OLD_SERIES + 1), rows, dtype=np.float64)
            ours = found.get(number, np.empty(0))
            progress.samples += expected.size
            progress.lost += expected.size - ours.size
            progress.wrong += ours.size == expected.size and not np.array_equal(ours, expected)
        statistics = store.statistics()
        refused = statistics.refusals.get(FLOOD, 0)
        wanted = rows * self._new_series - self._config.target_series_max
        if not wanted <= refused <= wanted + 100:
            progress.find(f"{refused} refusals of the flood are counted, {wanted} were expected")
        if statistics.series > self._config.series_max:
            progress.find(f"{statistics.series} series")


def _ingester(target: Labels, store: SqliteStore) -> Ingester:
    config = ScrapeConfig(target.get("job", ""), INTERVAL_MS, INTERVAL_MS)
    return Ingester(target, config, store.target(target), ScrapeMetrics(CollectorRegistry()))


def _scrape(ingester: Ingester, at_ms: int, lines: list[str]) -> None:
    layout = Layout.learn("\n".join([*lines, ""]).encode())
    ingester.accept(at_ms, layout, layout.learned, 0.1)


def _memory_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
