"""Raw samples from anything with Prometheus' HTTP API, the newest first.

A range selector, asked as an instant query, answers raw samples: `up[1h]` at a moment. Windows of
time are asked for one before the other, from the end to the start:

    start                                             end
      │ ◀── ( window ] ◀── ( window ] ◀── ( window ] ──┤     left-open: an edge belongs to one

Going backwards, what a server with a retention refuses comes last, and what is older need not be
asked for. How wide a window is follows from how many series it has, and how many samples theirs
had; where a server still says that it is too much, it is halved. Before Prometheus 3 a window had
both of its edges, so the left one is left out here.

The API hides stale markers, and answers native histograms as something else than numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from sakshi.cli.client import Client
from sakshi.model.duration import UNIT_MS
from sakshi.model.errors import SakshiError
from sakshi.model.labels import Labels
from sakshi.storage import ImportBatch

SAMPLES_MAX: Final = 250_000  # of an answer, about: 10 MB of JSON
WIDTH_MS_START: Final = UNIT_MS["h"]
WIDTH_MS_MAX: Final = 10 * 366 * UNIT_MS["d"]  # where there is nothing; Go's durations end at 292 y
WIDTH_MS_MIN: Final = 1_000  # a server that refuses a second of samples refuses for another reason
INTERVAL_MS_START: Final = 1_000  # of samples, until it is known: few scrape more often

_TOO_MUCH: Final = frozenset({"execution", "timeout", "unavailable"})


class SourceError(SakshiError):
    """The server answered with an error; the message is its own."""


@dataclass(frozen=True)
class Window:
    """What one window of time brought.

    Args:
        start_ms: exclusive.
        batch: its samples.
        histograms: that were answered and are no samples, with the name of the first series.
        first_histogram: empty where there is none.
    """

    start_ms: int
    batch: ImportBatch
    histograms: int = 0
    first_histogram: str = ""


@dataclass
class _Gathered:
    """The series of some answers, each once, with their samples."""

    series: dict[Labels, int] = field(default_factory=dict)
    places: list[np.ndarray[Any, Any]] = field(default_factory=list)
    timestamps: list[np.ndarray[Any, Any]] = field(default_factory=list)
    values: list[np.ndarray[Any, Any]] = field(default_factory=list)
    histograms: int = 0
    first_histogram: str = ""

    def add(self, metric: Mapping[str, str], found: Mapping[str, Any], after_ms: int) -> None:
        """Add the samples of a series that are newer than a moment."""
        labels = Labels(metric)
        if histograms := found.get("histograms"):
            self.histograms += len(histograms)
            self.first_histogram = self.first_histogram or str(labels)
        samples = found.get("values")
        if not samples or labels in self.series:  # another selector had it
            return
        place = self.series[labels] = len(self.series)
        timestamps = np.array([round(1000 * moment) for moment, _ in samples], np.int64)
        values = np.array([float(text) for _, text in samples])
        kept = timestamps > after_ms
        self.places.append(np.full(int(kept.sum()), place))
        self.timestamps.append(timestamps[kept])
        self.values.append(values[kept])

    def window(self, start_ms: int) -> Window:
        """Return what was gathered."""
        batch = ImportBatch(
            list(self.series),
            np.concatenate([np.empty(0, np.intp), *self.places]),
            np.concatenate([np.empty(0, np.int64), *self.timestamps]),
            np.concatenate([np.empty(0), *self.values]),
        )
        return Window(start_ms, batch, self.histograms, self.first_histogram)


class PrometheusSource:
    """Reads the samples of one server.

    Args:
        client: of the server.
        selectors: which series; those that several of them select come once.
        start_ms: inclusive.
        end_ms: inclusive.
        samples_max: a window should bring so many at most.
    """

    def __init__(
        self,
        client: Client,
        selectors: Sequence[str],
        start_ms: int,
        end_ms: int,
        samples_max: int = SAMPLES_MAX,
    ) -> None:
        self._client, self._selectors = client, selectors
        self._after_ms, self._end_ms = start_ms - 1, end_ms
        self._samples_max = samples_max
        self._interval_ms = float(INTERVAL_MS_START)

    def windows(self) -> Iterator[Window]:
        """Yield the windows from the end to the start; each sample is in exactly one.

        Raises:
            NoAnswerError: the server did not answer.
            SourceError: it refused.
        """
        end_ms, width_ms = self._end_ms, WIDTH_MS_START
        while end_ms > self._after_ms:
            width_ms = max(1, min(width_ms, end_ms - self._after_ms, WIDTH_MS_MAX))
            series = self._count(end_ms, width_ms)
            if series is None or self._guess(series, width_ms) > self._samples_max:
                narrower_ms = self._narrow(series, width_ms)
                if narrower_ms < width_ms:
                    width_ms = narrower_ms
                    continue
            window = (
                self._read(end_ms, width_ms) if series != 0 else Window(end_ms - width_ms, _NONE)
            )
            if window is None:
                width_ms //= 2
                continue
            yield window
            end_ms = window.start_ms
            if series:
                self._interval_ms = max(1.0, width_ms * series / max(len(window.batch), 1))
            if 4 * len(window.batch) <= self._samples_max:
                width_ms *= 2

    def _guess(self, series: int, width_ms: int) -> float:
        return series * max(1.0, width_ms / self._interval_ms)

    def _narrow(self, series: int | None, width_ms: int) -> int:
        """Return a width that should do; the least one that helps is a second."""
        if series is None:
            return max(width_ms // 2, 1)
        wanted = int(self._interval_ms * self._samples_max / series)
        return max(min(width_ms // 2, wanted), WIDTH_MS_MIN)

    def _count(self, end_ms: int, width_ms: int) -> int | None:
        """Return how many series a window has; None where that is too much to ask."""
        total = 0
        for selector in self._selectors:
            query = f"count(last_over_time({selector}[{width_ms}ms]))"
            result = self._ask(query, end_ms, width_ms)
            if result is None:
                return None
            total += int(result[0]["value"][1]) if result else 0
        return total

    def _read(self, end_ms: int, width_ms: int) -> Window | None:
        """Return the samples of a window; None where that is too much to ask."""
        gathered = _Gathered()
        for selector in self._selectors:
            result = self._ask(f"{selector}[{width_ms}ms]", end_ms, width_ms)
            if result is None:
                return None
            for found in result:
                gathered.add(found["metric"], found, end_ms - width_ms)
        return gathered.window(end_ms - width_ms)

    def _ask(self, query: str, at_ms: int, width_ms: int) -> Sequence[Any] | None:
        answer = self._client.ask("query", {"query": query, "time": f"{at_ms / 1000:.3f}"})
        if answer["status"] == "success":
            result: Sequence[Any] = answer["data"]["result"]
            return result
        if answer.get("errorType") in _TOO_MUCH and width_ms > WIDTH_MS_MIN:
            return None
        raise SourceError(f"{query}: {answer.get('error', 'failed')}")


_NONE: Final = ImportBatch((), np.empty(0, np.intp), np.empty(0, np.int64), np.empty(0))
