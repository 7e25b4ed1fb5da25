"""How long a query waited and ran: what `stats` asks for."""

from __future__ import annotations

import orjson

from sakshi.model.clock import Clock


class QueryTimer:
    """Times one query, from where it is made.

    The engine prepares and evaluates in one, so that all of it counts as evaluation; how many
    samples it read is not known here.
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

    def add_to(self, data: bytes) -> bytes:
        """Return the data of an answer, a JSON object, with `stats`."""
        running = self._ended - self._began
        timings = {
            "evalTotalTime": running,
            "resultSortTime": 0.0,
            "queryPreparationTime": 0.0,
            "innerEvalTime": running,
            "execQueueTime": self._began - self._asked,
            "execTotalTime": running,
        }
        return data[:-1] + b',"stats":' + orjson.dumps({"timings": timings}) + b"}"
