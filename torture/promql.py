"""Random PromQL, asked of the evaluator and of a real Prometheus: `tests/promql` at length.

Each thousand expressions has a seed of its own, which is told where one of them differs, and
samples that lie on or beside the edges of ranges. What `tests/promql/comparison.py` explains is no
difference. The negative control is an evaluator whose lookback is a second too long.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.peers import PrometheusPeer
from tests.promql.comparison import BESIDE, INTERVAL_MS, ON_EDGES, ROWS, START_MS, compare
from tests.promql.expression import ExpressionGenerator
from tests.promql.service_samples import service_samples

from sakshi.model.clock import SystemClock
from sakshi.promql import LocalEngine
from sakshi.promql.local import LOOKBACK_MS
from sakshi.storage import MemoryStore
from torture.progress import Progress

EXPRESSIONS_OF_A_SEED: Final = 1000
EXPRESSIONS_BETWEEN_TELLS: Final = 100
WRONG_MS: Final = 1000


class PromqlTorture:
    """Thousands of expressions.

    Args:
        folder: is emptied.
        chance: makes the seeds.
        is_late: run the negative control.
    """

    def __init__(self, folder: Path, chance: random.Random, *, is_late: bool = False) -> None:
        self._folder = folder.resolve()
        self._chance = chance
        self._lookback_ms = LOOKBACK_MS + WRONG_MS * is_late

    def run(self, progress: Progress, rounds: int, tell: Callable[[], None]) -> None:
        """Count until so many expressions were compared; `tell` is called now and then."""
        while progress.rounds < rounds:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True)
            count = min(EXPRESSIONS_OF_A_SEED, rounds - progress.rounds)
            self._compare(progress, count, self._chance.randrange(1 << 32), tell)

    def _compare(self, progress: Progress, count: int, seed: int, tell: Callable[[], None]) -> None:
        moments = self._chance.choice((BESIDE, ON_EDGES))
        store = MemoryStore()
        instances = service_samples(seed, START_MS, INTERVAL_MS, ROWS, moments.phases_ms)
        for instance in instances:
            instance.append_to(store)
        engine = LocalEngine(store, SystemClock(), lookback_ms=self._lookback_ms)
        generator = ExpressionGenerator(seed, experimental=True)
        text = "".join(instance.open_metrics() for instance in instances) + "# EOF\n"
        with PrometheusPeer(self._folder).serving(text) as peer:
            for number in range(count):
                began = time.perf_counter()
                outcome = compare(engine, peer, generator.vector(), moments)
                progress.rounds += 1
                progress.samples += outcome.has_answer
                progress.seconds += time.perf_counter() - began
                if outcome.difference:
                    place = "on edges" if moments is ON_EDGES else "beside edges"
                    progress.find(f"seed {seed}, {place}: {outcome.query}\n  {outcome.difference}")
                if number % EXPRESSIONS_BETWEEN_TELLS == 0:
                    tell()
