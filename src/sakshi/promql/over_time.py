"""Range functions that summarise a window: *_over_time, changes, resets.

NaN is a value: it poisons sums and means, and loses against any number in minimum and maximum.

Source: prometheus/prometheus promql/functions.go, the functions of the same names.
"""

from __future__ import annotations

import numpy as np

from sakshi.promql.quantile import quantiles
from sakshi.promql.summation import means, repair_sums
from sakshi.promql.window import Windows, pairs_of, reduce_windows
from sakshi.storage.store import Values


def total(windows: Windows) -> Values:
    """Return the sum of each window, as exact as in twice the precision."""
    return repair_sums(
        reduce_windows(np.add, windows),
        windows.values,
        lambda: reduce_windows(np.add, windows, np.abs(windows.values)),
        windows.column,
    )


def mean(windows: Windows) -> Values:
    """Return the mean of each window; finite samples have a finite mean."""
    return means(total(windows), count(windows), windows.values, windows.column)


def minimum(windows: Windows) -> Values:
    """Return the least number of each window; NaN where it has none."""
    return reduce_windows(np.fmin, windows)


def maximum(windows: Windows) -> Values:
    """Return the greatest number of each window; NaN where it has none."""
    return reduce_windows(np.fmax, windows)


def count(windows: Windows) -> Values:
    """Return how many samples each window has."""
    return windows.counts[:, None].astype(np.float64)


def last(windows: Windows) -> Values:
    """Return the newest sample of each window."""
    return windows.values[windows.end - 1]


def first(windows: Windows) -> Values:
    """Return the oldest sample of each window."""
    return windows.values[windows.first]


def one(windows: Windows) -> Values:
    """Return 1 for each window that has a sample."""
    return np.ones((len(windows.first), 1))


def variance(windows: Windows) -> Values:
    """Return the population variance of each window."""
    result = np.empty((len(windows.first), windows.values.shape[1]))
    for step, rows, columns in windows.tiles():
        # Relative to the first sample: equal samples then have a variance of exactly 0.
        values = windows.values[rows, columns]
        result[step, columns] = np.var(values - values[0], axis=0)
    return result


def deviation(windows: Windows) -> Values:
    """Return the population standard deviation of each window."""
    return np.sqrt(variance(windows))


def quantile(windows: Windows, phi: Values) -> Values:
    """Return the phi-quantile of each window."""
    result = np.empty((len(windows.first), windows.values.shape[1]))
    for step, rows, columns in windows.tiles():
        values = windows.values[rows, columns]
        asked = np.broadcast_to(phi[step], values.shape[1:])
        result[step, columns] = quantiles(asked, values)
    return result


def absolute_deviation(windows: Windows) -> Values:
    """Return the median absolute deviation of each window."""
    result = np.empty((len(windows.first), windows.values.shape[1]))
    for step, rows, columns in windows.tiles():
        values = windows.values[rows, columns]
        half = np.full(values.shape[1], 0.5)
        result[step, columns] = quantiles(half, np.abs(values - quantiles(half, values)))
    return result


def time_of_first(windows: Windows) -> Values:
    """Return when the oldest sample of each window was taken, in seconds."""
    return windows.timestamps[windows.first][:, None] / 1000


def time_of_last(windows: Windows) -> Values:
    """Return when the newest sample of each window was taken, in seconds."""
    return windows.timestamps[windows.end - 1][:, None] / 1000


def time_of_minimum(windows: Windows) -> Values:
    """Return when each window was last at its least number, in seconds."""
    return _time_of(windows, minimum(windows))


def time_of_maximum(windows: Windows) -> Values:
    """Return when each window was last at its greatest number, in seconds."""
    return _time_of(windows, maximum(windows))


def _time_of(windows: Windows, extremes: Values) -> Values:
    """Return when each window was last at these values; its first sample's time if all are NaN."""
    result = np.empty(extremes.shape)
    for step, (start, end) in enumerate(windows.slices()):
        found = (windows.values[start:end] == extremes[step])[::-1]
        rows = np.where(found.any(axis=0), end - 1 - found.argmax(axis=0), end - 1)
        result[step] = windows.timestamps[rows] / 1000
    return result


def changes(windows: Windows) -> Values:
    """Return how often the value changed within each window; from NaN to NaN is no change."""
    before, after = windows.values[:-1], windows.values[1:]
    changed = (before != after) & ~(np.isnan(before) & np.isnan(after))
    return _count_pairs(windows, changed.astype(np.float64))


def resets(windows: Windows) -> Values:
    """Return how often the value fell within each window."""
    return _count_pairs(windows, (windows.values[1:] < windows.values[:-1]).astype(np.float64))


def _count_pairs(windows: Windows, marks: Values) -> Values:
    """Return the sum of marks that stand between two samples of a window.

    Args:
        windows: one sample or more each.
        marks: shape (n - 1, k): row i stands between the samples i and i + 1.
    """
    result = np.zeros((len(windows.first), windows.values.shape[1]))
    steps = np.flatnonzero(windows.counts > 1)
    if len(steps):
        result[steps] = reduce_windows(np.add, pairs_of(windows, steps), marks)
    return result
