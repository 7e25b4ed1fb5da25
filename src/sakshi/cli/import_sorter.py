"""Samples in any order, put into batches that are good to store: a target after the other, by time.

A file may hold series after series, or moment after moment, and any number of samples. They are
gathered in memory; each time it is full, they are sorted and written to a file without a name, a
run. At the end all runs are merged. So memory does not grow with the import, and each batch
brings a target many rows, none of which a later batch brings again.

    add ──▶ memory ──full──▶ sort ──▶ run, run, run ──merge──▶ batches
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sakshi.model.labels import Labels
from sakshi.storage import ImportBatch
from sakshi.storage.head import IDENTITY

RUN_SAMPLES: Final = 1_000_000  # 32 MB, three times while they are sorted
BATCH_SAMPLES: Final = 250_000  # a store takes them in within 0.1 s
BATCH_SERIES: Final = 50_000  # a batch is sent with their labels

Places = NDArray[np.intp]
Moments = NDArray[np.int64]


@dataclass(frozen=True)
class Run:
    """Samples sorted by target, then by time: four arrays of shape (n,)."""

    targets: NDArray[np.int64]
    timestamps: Moments
    places: Places
    values: NDArray[np.float64]

    def part(self, begin: int, end: int) -> Run:
        """Return samples [begin, end)."""
        chosen = slice(begin, end)
        return Run(
            self.targets[chosen],
            self.timestamps[chosen],
            self.places[chosen],
            self.values[chosen],
        )


class SampleSorter:
    """Gathers samples, and gives them back in batches.

    Args:
        series: the number of each series that is added; grows while samples come.
        folder: where runs are written.
        run_samples: as many are in memory.
        batch_samples: a batch has so many, or a little more.
    """

    def __init__(
        self,
        series: dict[Labels, int],
        folder: Path,
        run_samples: int = RUN_SAMPLES,
        batch_samples: int = BATCH_SAMPLES,
    ) -> None:
        self.count = 0
        self.oldest_ms: int | None = None
        self.newest_ms: int | None = None
        self._series = series
        self._folder = folder
        self._run_samples, self._batch_samples = run_samples, batch_samples
        self._targets: dict[Labels, int] = {}
        self._target_of: list[int] = []
        self._waiting: list[tuple[Places, Moments, NDArray[np.float64]]] = []
        self._waiting_count = 0
        self._runs: list[Run] = []
        self._mappings: list[mmap.mmap] = []

    def add(self, places: Places, timestamps: Moments, values: NDArray[np.float64]) -> None:
        """Take samples: three arrays of shape (n,), n at least 1."""
        oldest, newest = int(timestamps.min()), int(timestamps.max())
        self.oldest_ms = oldest if self.oldest_ms is None else min(self.oldest_ms, oldest)
        self.newest_ms = newest if self.newest_ms is None else max(self.newest_ms, newest)
        self.count += timestamps.size
        self._waiting.append((places, timestamps, values))
        self._waiting_count += timestamps.size
        if self._waiting_count >= self._run_samples:
            self._runs.append(self._write(self._sort()))

    def batches(self) -> Iterator[ImportBatch]:
        """Yield all samples; nothing may be added any more."""
        if self._waiting:
            self._runs.append(self._sort())
        series = list(self._series)
        parts: list[Run] = []
        for stretch in self._stretches():
            parts += stretch
            if sum(part.timestamps.size for part in parts) >= self._batch_samples:
                yield from _make_batches(parts, series)
                parts = []
                self._let_go()
        if parts:
            yield from _make_batches(parts, series)

    def _stretches(self) -> Iterator[list[Run]]:
        """Yield all samples by target, of a large one a stretch of time after the other."""
        for target in range(len(self._targets)):
            runs = [
                run.part(*run.targets.searchsorted([target, target + 1]).tolist())
                for run in self._runs
            ]
            runs = [run for run in runs if run.timestamps.size]
            while runs:
                ends = _find_ends(runs, self._batch_samples)
                yield [run.part(0, end) for run, end in zip(runs, ends, strict=True)]
                rest = zip(runs, ends, strict=True)
                runs = [run.part(end, run.timestamps.size) for run, end in rest]
                runs = [run for run in runs if run.timestamps.size]

    def _sort(self) -> Run:
        places, timestamps, values = map(np.concatenate, zip(*self._waiting, strict=True))
        self._waiting, self._waiting_count = [], 0
        for labels in list(self._series)[len(self._target_of) :]:
            identity = labels.only(IDENTITY)
            self._target_of.append(self._targets.setdefault(identity, len(self._targets)))
        targets = np.array(self._target_of, np.int64)[places]
        order = np.lexsort((timestamps, targets))
        return Run(targets[order], timestamps[order], places[order], values[order])

    def _write(self, run: Run) -> Run:
        """Return the run as a mapping of a file, which is gone as soon as nobody maps it."""
        arrays = (run.targets, run.timestamps, run.places, run.values)
        return Run(*(self._map(array) for array in arrays))

    def _map(self, array: NDArray[Any]) -> NDArray[Any]:
        with tempfile.TemporaryFile(dir=self._folder) as file:
            array.tofile(file)
            file.flush()
            mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        mapping.madvise(mmap.MADV_RANDOM)  # a few samples are looked at, and then a stretch
        self._mappings.append(mapping)
        return np.frombuffer(mapping, array.dtype)

    def _let_go(self) -> None:
        """Keep in memory nothing of the runs: what is asked for next is read again."""
        for mapping in self._mappings:
            mapping.madvise(mmap.MADV_DONTNEED)


def _find_ends(runs: list[Run], count_max: int) -> list[int]:
    """Return how many samples of each run make the next batch: all up to one moment."""
    low = min(int(run.timestamps[0]) for run in runs)
    high = max(int(run.timestamps[-1]) for run in runs)
    while low < high:  # the last moment until which there are few enough; at least the first
        middle = (low + high + 1) // 2
        if sum(int(run.timestamps.searchsorted(middle, "right")) for run in runs) <= count_max:
            low = middle
        else:
            high = middle - 1
    return [int(run.timestamps.searchsorted(low, "right")) for run in runs]


def _make_batches(parts: list[Run], series: list[Labels]) -> Iterator[ImportBatch]:
    """Yield a batch with the series that it has; several, where those are very many."""
    places = np.concatenate([part.places for part in parts])
    timestamps = np.concatenate([part.timestamps for part in parts])
    values = np.concatenate([part.values for part in parts])
    distinct, positions = np.unique(places, return_inverse=True)
    for first in range(0, distinct.size, BATCH_SERIES):
        chosen = (positions >= first) & (positions < first + BATCH_SERIES)
        named = [series[place] for place in distinct[first : first + BATCH_SERIES].tolist()]
        yield ImportBatch(named, positions[chosen] - first, timestamps[chosen], values[chosen])
