"""The samples that a selector or a subquery reads, and how steps find theirs.

Columns that share timestamps are looked up together: one `searchsorted` gives the row of every step
for all of them. Holes break that, so columns with holes are first split by their pattern of holes:
within one pattern the rows that remain are dense again, and the same code serves both. Patterns are
few in practice (a failed scrape makes the same hole in all columns of its target).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sakshi.promql.engine import SeriesSamples, Vector
from sakshi.promql.errors import QueryEvaluationError
from sakshi.promql.vector import Indices, Nameless, Present, unmarked_names
from sakshi.storage.store import SeriesColumns, SeriesList, Timestamps, Values
from sakshi.storage.value import is_absent, is_stale

COPIED_PER_PART: Final = 65_536
"""Numbers that are copied in the time in which a target is gone through."""
COPIED_PER_NEWEST: Final = 8192
"""The same where nothing but the newest of a target's numbers is looked at."""
COPIED_CELLS_MAX: Final = 2_097_152  # numbers that are put together: 16 MiB, 3 ms
SCANNED_AT_ONCE: Final = 1_048_576  # numbers that are searched for holes; some milliseconds

Holes = NDArray[np.bool_]


def never_stop() -> None:
    """Let everything be computed to its end."""


@dataclass(frozen=True)
class Selection:
    """Samples of series.

    Args:
        series: n label sets: those of the parts, one part after the other.
        parts: columns, each with timestamps of its own.
        nameless: a subquery's series that lose their name, as in `Vector`.
    """

    series: SeriesList
    parts: Sequence[SeriesColumns]
    nameless: Nameless = False

    @property
    def cells(self) -> int:
        """How many numbers the parts hold."""
        return sum(part.values.size for part in self.parts)


@dataclass(frozen=True)
class DenseColumns:
    """Columns without holes.

    Args:
        columns: k positions in the selection's series.
        timestamps: shape (n,), int64, milliseconds, strictly increasing; n > 0.
        values: shape (n, k), float64; no `ABSENT` among them.
        may_be_stale: whether there may be stale markers among them.
    """

    columns: slice | Indices
    timestamps: Timestamps
    values: Values
    may_be_stale: bool = True

    def are_all_of(self, selection: Selection) -> bool:
        """Tell whether these are all columns of a selection."""
        return bool(self.values.shape[1] == len(selection.series))


def iter_dense(
    selection: Selection, after_ms: int, until_ms: int, *, keep_stale: bool
) -> Iterator[DenseColumns]:
    """Yield the samples in the left-open (after_ms, until_ms] as columns without holes.

    Args:
        selection: where the samples are.
        after_ms: exclusive.
        until_ms: inclusive.
        keep_stale: whether stale markers stay in the columns, to end their series, or are holes.
    """
    position = 0
    for part in selection.parts:
        first, end = part.timestamps.searchsorted((after_ms, until_ms), "right").tolist()
        columns = slice(position, position + len(part.series))
        position = columns.stop
        if first < end and columns.start < columns.stop:
            whole = DenseColumns(
                columns, part.timestamps[first:end], part.values[first:end], part.has_gaps
            )
            if not part.has_gaps:
                yield whole
                continue
            for dense in narrowed(whole, SCANNED_AT_ONCE):
                yield from _without_holes(dense, keep_stale)


def narrowed(dense: DenseColumns, cells_max: int) -> Iterator[DenseColumns]:
    """Yield runs of the columns that hold at most so many numbers, or are one column."""
    rows, count = dense.values.shape
    width = max(1, cells_max // rows)
    if width >= count:
        yield dense
        return
    for start in range(0, count, width):
        end = min(start + width, count)
        columns = dense.columns
        if isinstance(columns, slice):
            columns = slice(columns.start + start, columns.start + end)
        else:
            columns = columns[start:end]
        values = dense.values[:, start:end]
        yield DenseColumns(columns, dense.timestamps, values, dense.may_be_stale)


def _without_holes(dense: DenseColumns, keep_stale: bool) -> Iterator[DenseColumns]:
    if not np.isnan(dense.values).any():
        yield dense
        return
    assert isinstance(dense.columns, slice)
    holes = is_absent(dense.values)
    if not keep_stale:
        holes |= is_stale(dense.values)
    yield from _split_by_holes(dense.columns, dense.timestamps, dense.values, holes)


def _split_by_holes(
    columns: slice, timestamps: Timestamps, values: Values, holes: Holes
) -> Iterator[DenseColumns]:
    """Yield one `DenseColumns` for each pattern of holes that leaves a sample."""
    if not holes.any():
        yield DenseColumns(columns, timestamps, values)
        return
    packed = np.ascontiguousarray(np.packbits(holes, axis=0).T)
    patterns: dict[bytes, list[int]] = {}
    for index, pattern in enumerate(map(bytes, packed)):
        patterns.setdefault(pattern, []).append(index)
    for members in patterns.values():
        rows = np.flatnonzero(~holes[:, members[0]])
        if len(rows):
            indices = np.array(members, np.intp)
            yield DenseColumns(
                indices + columns.start, timestamps[rows], values[np.ix_(rows, indices)]
            )


def newest(
    selection: Selection,
    times: Timestamps,
    lookback_ms: int,
    *,
    ask_time: bool = False,
    check: Callable[[], None] = never_stop,
) -> Vector:
    """Return each series' newest sample in the left-open (t - lookback, t] of each step.

    A stale marker ends its series until the next sample. A NaN that was measured is a value.

    Args:
        selection: where the samples are.
        times: shape (steps,), increasing, in milliseconds; steps > 0.
        lookback_ms: above zero.
        ask_time: whether the samples' times, in seconds, are wanted instead of their values.
        check: called now and then: raises where the query must stop.
    """
    shape = (len(times), len(selection.series))
    values = np.zeros(shape)
    present: Present = np.zeros(shape, np.bool_)
    after_ms, until_ms = int(times[0]) - lookback_ms, int(times[-1])
    for dense in iter_dense(selection, after_ms, until_ms, keep_stale=True):
        check()
        rows = dense.timestamps.searchsorted(times, "right") - 1
        seen = (rows >= 0) & (dense.timestamps[rows] > times - lookback_ms)
        found = dense.values[rows]
        known = seen[:, None]
        if dense.may_be_stale:
            known = known & ~is_stale(found)
        if ask_time:
            found = np.broadcast_to(dense.timestamps[rows, None] / 1000, found.shape)
        if dense.are_all_of(selection) and known.all():
            return Vector(selection.series, found, None, selection.nameless)
        values[:, dense.columns], present[:, dense.columns] = found, known
    return Vector(selection.series, values, None if present.all() else present, selection.nameless)


def settled_samples(selection: Selection, after_ms: int, until_ms: int) -> list[SeriesSamples]:
    """Return `samples` less the metric names that a subquery's series lose.

    Raises:
        QueryEvaluationError: two series differ by nothing else.
    """
    found = samples(selection, after_ms, until_ms)
    if selection.nameless is False:
        return found
    series = selection.series
    settled = dict(zip(series, unmarked_names(series, selection.nameless), strict=True))
    found = [replace(item, labels=settled[item.labels]) for item in found]
    if len({item.labels for item in found}) != len(found):
        raise QueryEvaluationError("vector cannot contain metrics with the same labelset")
    return found


def samples(selection: Selection, after_ms: int, until_ms: int) -> list[SeriesSamples]:
    """Return the samples in the left-open (after_ms, until_ms] of each series that has any."""
    found: dict[int, SeriesSamples] = {}
    for dense in iter_dense(selection, after_ms, until_ms, keep_stale=False):
        columns = np.arange(len(selection.series))[dense.columns].tolist()
        for index, column in enumerate(columns):
            found[column] = SeriesSamples(
                selection.series[column], dense.timestamps, dense.values[:, index]
            )
    return [found[column] for column in sorted(found)]


class JoinedSeries:
    """Series lists that join those of several targets, the same one each time.

    What is derived from a list is remembered with it, so a selection over many targets must find
    the list that it had before. Safe to call from any thread.

    Args:
        entries_max: how many lists are kept; the one not used for longest goes.
    """

    def __init__(self, entries_max: int) -> None:
        self._entries_max = entries_max
        self._entries: OrderedDict[tuple[SeriesList, ...], SeriesList] = OrderedDict()
        self._lock = Lock()

    def select(
        self, parts: Sequence[SeriesColumns], copied_per_part: int = COPIED_PER_PART
    ) -> Selection:
        """Return the selection that these columns are.

        Targets that are scraped together have samples at the same moments. Where there is little of
        each, it takes longer to go from one to the next than to copy them into one.

        Args:
            parts: columns of targets.
            copied_per_part: how many numbers of each, on average, are little.
        """
        if len(parts) == 1:
            return Selection(parts[0].series, parts)
        joined = self._join(tuple(part.series for part in parts))
        cells = sum(part.values.size for part in parts)
        if cells <= min(COPIED_CELLS_MAX, copied_per_part * len(parts)):
            parts = [self._merge(run) for run in _runs_of_equal_times(parts)]
        return Selection(joined, parts)

    def _merge(self, parts: Sequence[SeriesColumns]) -> SeriesColumns:
        """Return columns that have the same moments, and no gaps, as one."""
        if len(parts) == 1:
            return parts[0]
        series = self._join(tuple(part.series for part in parts))
        values = np.concatenate([part.values for part in parts], axis=1)
        return SeriesColumns(series, parts[0].timestamps, values, has_gaps=False)

    def _join(self, key: tuple[SeriesList, ...]) -> SeriesList:
        with self._lock:
            joined = self._entries.get(key)
            if joined is None:
                joined = SeriesList(tuple(chain.from_iterable(key)))
                self._entries[key] = joined
                if len(self._entries) > self._entries_max:
                    self._entries.popitem(last=False)
            self._entries.move_to_end(key)
        return joined


def _runs_of_equal_times(parts: Sequence[SeriesColumns]) -> list[list[SeriesColumns]]:
    """Return the parts in runs: of neighbours without gaps that have the same moments."""
    runs: list[list[SeriesColumns]] = []
    for part in parts:
        last = runs[-1][-1] if runs else None
        if (
            last is not None
            and not (part.has_gaps or last.has_gaps)
            and np.array_equal(part.timestamps, last.timestamps)
        ):
            runs[-1].append(part)
        else:
            runs.append([part])
    return runs
