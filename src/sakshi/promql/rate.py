"""Range functions over a counter's or gauge's edges: rate, increase, delta, irate, idelta.

The samples of a window rarely touch the edges of its range. Where the gap to an edge is smaller
than 1.1 mean sample intervals, the growth is extended to the edge; otherwise by half an interval,
our guess of where the series began or ended. A counter is never extended below zero.

Source: prometheus/prometheus promql/functions.go, extrapolatedRate and instantValue.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from sakshi.promql.window import Windows, pairs_of, reduce_windows
from sakshi.storage.store import Values

EXTRAPOLATION_LIMIT: Final = (
    1.1  # of the mean sample interval; a wider gap is an edge of the series
)


def increase(windows: Windows) -> Values:
    """Return how much counters grew in each range, resets undone, in their own unit.

    Each window has two samples or more.
    """
    first = windows.values[windows.first]
    growth = windows.values[windows.end - 1] - first + _lost_in_resets(windows)
    return growth * _extrapolation(windows, first, growth)


def rate(windows: Windows) -> Values:
    """Return counters' growth a second over each range; two samples or more.

    Bit by bit Prometheus': a quantile of buckets that differ by nothing but a rounding error is the
    lower bound of one or of the other.
    """
    first = windows.values[windows.first]
    growth = windows.values[windows.end - 1] - first + _lost_in_resets(windows)
    seconds = (windows.ends_ms - windows.starts_ms)[:, None] / 1000
    return growth * (_extrapolation(windows, first, growth) / seconds)


def delta(windows: Windows) -> Values:
    """Return by how much gauges changed over each range; two samples or more."""
    change = windows.values[windows.end - 1] - windows.values[windows.first]
    return change * _extrapolation(windows, None, None)


def irate(windows: Windows) -> Values:
    """Return a counter's growth a second between the last two samples; two samples or more."""
    last, previous = windows.values[windows.end - 1], windows.values[windows.end - 2]
    growth = np.where(last < previous, last, last - previous)
    elapsed = windows.timestamps[windows.end - 1] - windows.timestamps[windows.end - 2]
    return growth / (elapsed[:, None] / 1000)


def idelta(windows: Windows) -> Values:
    """Return a gauge's change between the last two samples; two samples or more."""
    return windows.values[windows.end - 1] - windows.values[windows.end - 2]


def _lost_in_resets(windows: Windows) -> Values | float:
    """Return the sum of the values from which counters fell, shape (steps, k); 0 if none did."""
    falls = windows.values[1:] < windows.values[:-1]
    if not falls.any():
        return 0.0
    lost = np.zeros((len(windows.first), windows.values.shape[1]))
    fallen = np.flatnonzero(falls.any(axis=0))
    before = np.where(falls[:, fallen], windows.values[:-1, fallen], 0.0)
    lost[:, fallen] = reduce_windows(np.add, pairs_of(windows), before)
    return lost


def _extrapolation(windows: Windows, first: Values | None, growth: Values | None) -> Values:
    """Return what the growth between a window's first and last sample is to be multiplied by.

    Args:
        windows: each with two samples or more.
        first: shape (steps, k): counters' first values, which limit the way to the left; None:
            gauges.
        growth: shape (steps, k): how much the counters grew; None: gauges.

    Returns:
        Shape (steps, k), or (steps, 1) for gauges.
    """
    first_ms = windows.timestamps[windows.first]
    last_ms = windows.timestamps[windows.end - 1]
    sampled = (last_ms - first_ms) / 1000
    interval = sampled / (windows.counts - 1)
    gaps = np.array([first_ms - windows.starts_ms, windows.ends_ms - last_ms]) / 1000
    gaps = np.where(gaps >= interval * EXTRAPOLATION_LIMIT, interval / 2, gaps)
    sampled, left, right = sampled[:, None], gaps[0, :, None], gaps[1, :, None]
    if first is not None and growth is not None:
        to_zero = sampled * (first / growth)
        left = np.where((growth > 0) & (first >= 0), np.fmin(left, to_zero), left)
    return (sampled + left + right) / sampled
