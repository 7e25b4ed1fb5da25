"""How long a query waited and ran, and what it read: `stats`, in Prometheus' words."""

from __future__ import annotations

from typing import Any, Final

import orjson

from sakshi.model.clock import Clock
from sakshi.promql.engine import QueryResult

PER_STEP: Final = "all"
"""The value of `stats` that asks for each step's samples, too."""


class QueryTimer:
    """Times one query, from where it is made.

    The engine prepares and evaluates in one, so that all of it counts as evaluation.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked = self._began = self._ended = clock.monotonic()

    def begin(self) -> None:
        """Note that it runs."""
        self._began = self._ended = self._clock.monotonic()

    def end(self) -> None:
        """Note that it has its answer."""
        self._ended = self._clock.monotonic()

    def timings(self) -> dict[str, float]:
        """Return what took how long, in seconds."""
        running = self._ended - self._began
        return {
            "evalTotalTime": running,
            "resultSortTime": 0.0,
            "queryPreparationTime": 0.0,
            "innerEvalTime": running,
            "execQueueTime": self._began - self._asked,
            "execTotalTime": running,
        }


def add_statistics(data: bytes, timer: QueryTimer, result: QueryResult, *, per_step: bool) -> bytes:
    """Return the data of an answer, a JSON object, with `stats`.

    Args:
        data: of the answer.
        timer: knows how long it took.
        result: knows what was read, where that was counted.
        per_step: whether what was read for each step is wanted.
    """
    stats: dict[str, Any] = {"timings": timer.timings()}
    if result.statistics is not None:
        counts = result.statistics.samples_per_step.tolist()
        samples: dict[str, Any] = {}
        if per_step:
            steps = [step / 1000 for step in result.steps.tolist()]
            samples["totalQueryableSamplesPerStep"] = list(zip(steps, counts, strict=True))
        samples["totalQueryableSamples"] = sum(counts)
        samples["peakSamples"] = result.statistics.samples_held
        stats["samples"] = samples
    return data[:-1] + b',"stats":' + orjson.dumps(stats) + b"}"
