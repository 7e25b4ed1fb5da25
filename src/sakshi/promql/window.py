"""Range functions: what a series' samples in (t - range, t] amount to, for all steps at once.

A range function is a kernel over `Windows`: dense columns, and for each step the run of rows that
lies in its range. Windows overlap; nothing is copied. Columns with holes come as several `Windows`,
so a kernel never meets a hole, a stale marker, or a window with fewer samples than it asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np

from sakshi.promql.engine import Vector
from sakshi.promql.selection import DenseColumns, Selection, iter_dense, narrowed, never_stop
from sakshi.promql.vector import Indices
from sakshi.storage.store import Timestamps, Values

NARROW_COLUMNS: Final = 64  # measured: up to here one reduceat beats a loop over the steps
REDUCED_AT_ONCE: Final = 1_000_000  # numbers, a millisecond: then the deadline is looked at again
KERNEL_CELLS: Final = 1_048_576
"""Numbers that a kernel is given at once: one pass over them takes some milliseconds."""
TILE_CELLS: Final = 262_144
"""Numbers of a window that are sorted, or gone through several times, at once: some 15 ms."""


@dataclass(frozen=True)
class Windows:
    """The samples of k series in the range of each step.

    Args:
        timestamps: shape (n,), int64, milliseconds, strictly increasing.
        values: shape (n, k), float64, without holes and stale markers.
        first: shape (steps,): a window's first row.
        end: shape (steps,): one past its last row; above `first`.
        starts_ms: shape (steps,): the ranges' left edges, exclusive.
        ends_ms: shape (steps,): their right edges, inclusive.
        times_ms: shape (steps,): the evaluation times; differ from `ends_ms` by offset and @.
        check: to be called now and then: raises where the query must stop.
    """

    timestamps: Timestamps
    values: Values
    first: Indices
    end: Indices
    starts_ms: Timestamps
    ends_ms: Timestamps
    times_ms: Timestamps
    check: Callable[[], None] = never_stop

    @property
    def counts(self) -> Indices:
        """How many samples each window has, shape (steps,)."""
        return self.end - self.first

    def slices(self) -> Iterator[tuple[int, int]]:
        """Yield the windows' rows as pairs, for a loop over the steps that can be stopped."""
        for rows in zip(self.first.tolist(), self.end.tolist(), strict=True):
            self.check()
            yield rows

    def tiles(self) -> Iterator[tuple[int, slice, slice]]:
        """Yield step, rows and columns of windows, in pieces of at most TILE_CELLS numbers."""
        count = self.values.shape[1]
        for step, (start, end) in enumerate(self.slices()):
            width = max(1, TILE_CELLS // (end - start))
            for column in range(0, count, width):
                self.check()
                yield step, slice(start, end), slice(column, min(column + width, count))

    def column(self, step: int, column: int) -> Values:
        """The samples of one window of one series."""
        self.check()
        return self.values[self.first[step] : self.end[step], column]


Kernel: TypeAlias = Callable[..., Values]
"""Computes a range function: given `Windows`, each with as many samples as the function needs, and
its parameters, shape (steps,) each, it returns shape (steps, k) or what broadcasts to that.
"""


def evaluate_windows(
    kernel: Kernel,
    selection: Selection,
    ends_ms: Timestamps,
    range_ms: int,
    *,
    samples_min: int = 1,
    times_ms: Timestamps | None = None,
    parameters: Sequence[Values] = (),
    check: Callable[[], None] = never_stop,
) -> Vector:
    """Return a range function's value for each series at each step that has enough samples.

    Args:
        kernel: the function.
        selection: where the samples are.
        ends_ms: shape (steps,), increasing: right edges of the ranges, inclusive.
        range_ms: above zero; the left edge is exclusive.
        samples_min: a window with fewer has no value.
        times_ms: the evaluation times where they differ from `ends_ms`.
        parameters: passed to the kernel, shape (steps,) each.
        check: called now and then: raises where the query must stop.
    """
    shape = (len(ends_ms), len(selection.series))
    values, present = np.zeros(shape), np.zeros(shape, np.bool_)
    starts_ms = ends_ms - range_ms
    times_ms = ends_ms if times_ms is None else times_ms
    for dense in iter_dense(selection, int(starts_ms[0]), int(ends_ms[-1]), keep_stale=False):
        check()
        first = dense.timestamps.searchsorted(starts_ms, "right")
        end = dense.timestamps.searchsorted(ends_ms, "right")
        steps = (end - first >= samples_min).nonzero()[0]
        if not len(steps):
            continue
        edges = (first[steps], end[steps], starts_ms[steps], ends_ms[steps], times_ms[steps])
        given = [parameter[steps] for parameter in parameters]
        for part in narrowed(dense, KERNEL_CELLS):
            check()
            found = kernel(Windows(part.timestamps, part.values, *edges, check), *given)
            if len(steps) == len(ends_ms) and part.are_all_of(selection):
                whole = found if found.shape == shape else np.broadcast_to(found, shape)
                return Vector(selection.series, whole, None, selection.nameless)
            cells = cells_of(steps, part, len(ends_ms))
            values[cells], present[cells] = found, True
    return Vector(selection.series, values, None if present.all() else present, selection.nameless)


def pairs_of(windows: Windows, steps: Indices | slice = slice(None)) -> Windows:
    """Return windows over pairs of neighbours: row i stands between the samples i and i + 1.

    Args:
        windows: those of `steps` have two samples or more.
        steps: which windows.
    """
    return replace(
        windows,
        values=windows.values[:-1],
        first=windows.first[steps],
        end=windows.end[steps] - 1,
        starts_ms=windows.starts_ms[steps],
        ends_ms=windows.ends_ms[steps],
        times_ms=windows.times_ms[steps],
    )


def cells_of(steps: Indices, dense: DenseColumns, step_count: int) -> Any:
    """Return the index of these steps and columns in an array of all; slices where it can be."""
    columns = dense.columns
    if len(steps) == step_count:
        return (slice(None), columns)
    if isinstance(columns, slice):
        return (steps, columns)
    return np.ix_(steps, columns)


def reduce_windows(ufunc: np.ufunc, windows: Windows, values: Values | None = None) -> Values:
    """Return `ufunc.reduce` over each window's rows, shape (steps, k).

    Args:
        ufunc: of two arguments.
        windows: the rows.
        values: shape (n, k): what to reduce instead of the windows' own values.
    """
    rows = windows.values if values is None else values
    reduced = np.empty((len(windows.first), rows.shape[1]))
    if rows.shape[1] > NARROW_COLUMNS or len(windows.first) == 1:
        for step, (first, end) in enumerate(windows.slices()):
            ufunc.reduce(rows[first:end], axis=0, out=reduced[step])
        return reduced
    if windows.end[-1] == len(rows):  # reduceat takes no edge behind the last row
        rows = np.concatenate([rows, rows[-1:]])
    edges = np.empty(2 * len(windows.first), np.intp)
    edges[::2], edges[1::2] = windows.first, windows.end
    for steps in _batches(windows.counts * rows.shape[1]):
        windows.check()
        until = int(windows.end[steps.stop - 1]) + 1
        batch = edges[2 * steps.start : 2 * steps.stop]
        reduced[steps] = ufunc.reduceat(rows[:until], batch, axis=0)[::2]
    return reduced


def _batches(sizes: Indices) -> Iterator[slice]:
    """Yield runs of windows that have some REDUCED_AT_ONCE numbers together, or are one window."""
    batch = np.cumsum(sizes) // REDUCED_AT_ONCE
    edges = [0, *(np.flatnonzero(np.diff(batch)) + 1).tolist(), len(sizes)]
    yield from map(slice, edges, edges[1:])
