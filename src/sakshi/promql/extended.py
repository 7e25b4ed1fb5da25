"""Ranges that look at the samples around their edges: `x[5m] anchored`, `x[5m] smoothed`.

    samples    ●─────┼──●─────●─────●──┼────●
                   start              end
    anchored   ├─────────●─────●─────┤        from the last sample at or before the start
    smoothed         ├──●─────●─────●──┤      from the line's value at the start to that at the end

What lies around is looked for as far as the lookback. Nothing is extrapolated: growth over the
range is the difference of its edges, resets undone. A `smoothed` selector without a range is the
line's value at the evaluation time.

Source:
    https://prometheus.io/docs/prometheus/latest/feature_flags/#extended-range-selectors
    prometheus/prometheus promql/functions.go, extendedRate and extendFloats
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from sakshi.promql import over_time
from sakshi.promql.ast import Extension
from sakshi.promql.engine import SeriesSamples, Vector
from sakshi.promql.selection import (
    Selection,
    iter_dense,
    narrowed,
    never_stop,
    samples,
)
from sakshi.promql.vector import Indices
from sakshi.promql.window import KERNEL_CELLS, Windows, cells_of, pairs_of, reduce_windows
from sakshi.storage.store import Timestamps, Values

ExtendedKernel: TypeAlias = Callable[[Windows, Extension], Values]
"""Computes a function of windows that may hold a sample at or before their start and, where they
are smoothed, one after their end; returns shape (steps, k)."""


def evaluate_extended(
    kernel: ExtendedKernel,
    selection: Selection,
    ends_ms: Timestamps,
    range_ms: int,
    *,
    extension: Extension,
    lookback_ms: int,
    check: Callable[[], None] = never_stop,
) -> Vector:
    """Return a function's value for each series at each step whose range has a sample.

    Args:
        kernel: the function.
        selection: where the samples are, those around the ranges included.
        ends_ms: shape (steps,), increasing: right edges of the ranges, inclusive.
        range_ms: above zero; the left edge is exclusive.
        extension: which samples around a range belong to its window.
        lookback_ms: how far from the range they may lie.
        check: called now and then: raises where the query must stop.
    """
    shape = (len(ends_ms), len(selection.series))
    values, present = np.zeros(shape), np.zeros(shape, np.bool_)
    starts_ms = ends_ms - range_ms
    after_ms, until_ms = int(starts_ms[0]) - lookback_ms, int(ends_ms[-1]) + lookback_ms
    for dense in iter_dense(selection, after_ms, until_ms, keep_stale=False):
        check()
        first, end = _rows(dense.timestamps, starts_ms, ends_ms, extension, lookback_ms)
        steps = np.flatnonzero(first < end)
        if not len(steps):
            continue
        edges = (first[steps], end[steps], starts_ms[steps], ends_ms[steps], ends_ms[steps])
        for part in narrowed(dense, KERNEL_CELLS):
            check()
            cells = cells_of(steps, part, len(ends_ms))
            values[cells] = kernel(Windows(part.timestamps, part.values, *edges, check), extension)
            present[cells] = True
    return Vector(selection.series, values, None if present.all() else present, selection.nameless)


def _rows(
    timestamps: Timestamps,
    starts_ms: Timestamps,
    ends_ms: Timestamps,
    extension: Extension,
    lookback_ms: int,
) -> tuple[Indices, Indices]:
    """Return first row and end of each window; no rows where it has no value."""
    last = len(timestamps) - 1
    first = np.searchsorted(timestamps, starts_ms, "right")
    end = np.searchsorted(timestamps, ends_ms, "right")
    before = np.maximum(first - 1, 0)
    has_before = (first > 0) & (timestamps[before] > starts_ms - lookback_ms)
    if extension is Extension.SMOOTHED:
        following = np.minimum(end, last)
        reaches = (end > 0) & (timestamps[np.maximum(end - 1, 0)] == ends_ms)
        has_after = (end <= last) & (timestamps[following] <= ends_ms + lookback_ms) & ~reaches
        usable = (end > first) | (has_before & has_after)
        end = end + has_after
    else:
        usable = end > first
    first = np.where(has_before, before, first)
    return first, np.where(usable, end, first)


def increase(windows: Windows, extension: Extension) -> Values:
    """Return how much counters grew in each range, resets undone, in their own unit."""
    left, right = _edges(windows, extension, is_counter=True)
    return right - left + _lost_in_resets(windows, left, right)


def rate(windows: Windows, extension: Extension) -> Values:
    """Return by how much counters grew a second in each range."""
    return increase(windows, extension) / ((windows.ends_ms - windows.starts_ms)[:, None] / 1000)


def delta(windows: Windows, extension: Extension) -> Values:
    """Return by how much gauges changed over each range."""
    left, right = _edges(windows, extension, is_counter=False)
    return right - left


def changes(windows: Windows, extension: Extension) -> Values:
    """Return how often the value changed since a range's left edge."""
    return over_time.changes(windows)


def resets(windows: Windows, extension: Extension) -> Values:
    """Return how often the value fell since a range's left edge."""
    return over_time.resets(windows)


def _edges(windows: Windows, extension: Extension, *, is_counter: bool) -> tuple[Values, Values]:
    """Return the values at both edges, shape (steps, k): where smoothed, those of the line."""
    last = windows.end - 1
    left, right = windows.values[windows.first], windows.values[last]
    if extension is Extension.SMOOTHED:
        several = windows.first < last
        early = np.flatnonzero(several & (windows.timestamps[windows.first] < windows.starts_ms))
        late = np.flatnonzero(several & (windows.timestamps[last] > windows.ends_ms))
        starts, ends = windows.starts_ms[early], windows.ends_ms[late]
        left[early] = _between(windows, windows.first[early], starts, is_counter)
        right[late] = _between(windows, last[late] - 1, ends, is_counter)
    return left, right


def _between(windows: Windows, rows: Indices, moments_ms: Timestamps, is_counter: bool) -> Values:
    """Return the values of the lines from each row to the next; a counter that fell began at 0."""
    before, after = windows.values[rows], windows.values[rows + 1]
    if is_counter:
        before = np.where(after < before, 0.0, before)
    elapsed = (moments_ms - windows.timestamps[rows])[:, None]
    width = (windows.timestamps[rows + 1] - windows.timestamps[rows])[:, None]
    return np.asarray(before + (after - before) * elapsed / width)


def _lost_in_resets(windows: Windows, left: Values, right: Values) -> Values:
    """Return the sum of the values from which counters fell, from edge to edge."""
    values, last = windows.values, windows.end - 1
    first = windows.first + (windows.timestamps[windows.first] <= windows.starts_ms)
    end = windows.end - (windows.timestamps[last] >= windows.ends_ms)
    inside = (first < end)[:, None]
    newest = np.where(inside, values[np.maximum(end - 1, 0)], left)
    oldest = np.where(inside, values[np.minimum(first, last)], left)
    lost = np.where(oldest < left, left, 0.0) + np.where(right < newest, newest, 0.0)
    steps = np.flatnonzero(end - first > 1)
    if len(steps):
        inner = pairs_of(replace(windows, first=first, end=end), steps)
        falls = np.where(values[1:] < values[:-1], values[:-1], 0.0)
        lost[steps] += reduce_windows(np.add, inner, falls)
    return lost


def extended_samples(
    selection: Selection, start_ms: int, end_ms: int, extension: Extension, lookback_ms: int
) -> list[SeriesSamples]:
    """Return the samples of a range with its edges, of each series that has any in it."""
    until_ms = end_ms + (lookback_ms if extension is Extension.SMOOTHED else 0)
    found = []
    for series in samples(selection, start_ms - lookback_ms, until_ms):
        times, column = series.timestamps, series.values[:, None]
        edges = np.array([start_ms], np.int64), np.array([end_ms], np.int64)
        first, end = _rows(times, *edges, extension, lookback_ms)
        if first[0] >= end[0]:
            continue
        windows = Windows(times, column, first, end, *edges, edges[1])
        left, right = _edges(windows, extension, is_counter=False)
        inside = (times > start_ms) & (times < end_ms)
        found.append(
            SeriesSamples(
                series.labels,
                np.concatenate([edges[0], times[inside], edges[1]]),
                np.concatenate([left[0], series.values[inside], right[0]]),
            )
        )
    return found


def smoothed(
    selection: Selection,
    times_ms: Timestamps,
    lookback_ms: int,
    *,
    check: Callable[[], None] = never_stop,
) -> Vector:
    """Return the value at each step of the line through a series' samples.

    It ends with the last sample, whose value is kept for as long as the lookback, and has no value
    before the first one.
    """
    shape = (len(times_ms), len(selection.series))
    values, present = np.zeros(shape), np.zeros(shape, np.bool_)
    after_ms, until_ms = int(times_ms[0]) - lookback_ms, int(times_ms[-1]) + lookback_ms
    for dense in iter_dense(selection, after_ms, until_ms, keep_stale=False):
        check()
        moments, last = dense.timestamps, len(dense.timestamps) - 1
        rows = np.searchsorted(moments, times_ms, "right") - 1
        known = (rows >= 0) & (moments[np.maximum(rows, 0)] > times_ms - lookback_ms)
        following = np.minimum(rows + 1, last)
        between = known & (rows < last) & (moments[following] <= times_ms + lookback_ms)
        found = dense.values[np.maximum(rows, 0)]
        lines = np.flatnonzero(between & (moments[np.maximum(rows, 0)] < times_ms))
        windows = Windows(moments, dense.values, rows, rows, times_ms, times_ms, times_ms)
        found[lines] = _between(windows, rows[lines], times_ms[lines], is_counter=False)
        values[:, dense.columns] = found
        present[:, dense.columns] = known[:, None]
    return Vector(selection.series, values, None if present.all() else present)
