"""Range functions over a counter's or gauge's edges: rate, increase, delta, irate, idelta.

The samples of a window rarely touch the edges of its range. Where the gap to an edge is smaller
than 1.1 mean sample intervals, the growth is extended to the edge; otherwise by half an interval,
our guess of where the series began or ended. A counter is never extended below zero.

Source: prometheus/prometheus promql/functions.go, extrapolatedRate and instantValue.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np

from sakshi.promql.window import Windows, pairs_of, reduce_windows
from sakshi.storage.store import Values

EXTRAPOLATION_LIMIT: Final = (
    1.1  # of the mean sample interval; a wider gap is an edge of the series
)

Edge: TypeAlias = Values | float
"""A number for each window or cell; one number where there is one window."""


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


def _extrapolation(windows: Windows, first: Values | None, growth: Values | None) -> Edge:
    """Return what the growth between a window's first and last sample is to be multiplied by.

    Args:
        windows: each with two samples or more.
        first: shape (steps, k): counters' first values, which limit the way to the left; None:
            gauges.
        growth: shape (steps, k): how much the counters grew; None: gauges.

    Returns:
        Shape (steps, k), or what broadcasts to it for gauges.
    """
    sampled, left, right = _edges(windows)
    if first is not None and growth is not None:
        to_zero = sampled * (first / growth)
        left = np.where((growth > 0) & (first >= 0), np.fmin(left, to_zero), left)
    return (sampled + left + right) / sampled


def _edges(windows: Windows) -> tuple[Edge, Edge, Edge]:
    """Return how many seconds a window's samples span, and how far to go beyond them on each side.

    Shape (steps, 1) each; plain numbers for one step: rules and tiles ask for no more, and
    arithmetic on them takes a tenth.
    """
    if len(windows.first) == 1:
        return _edges_of_one(windows)
    first_ms, last_ms = windows.timestamps[windows.first], windows.timestamps[windows.end - 1]
    sampled = (last_ms - first_ms) / 1000
    interval = sampled / (windows.counts - 1)
    gaps = np.array([first_ms - windows.starts_ms, windows.ends_ms - last_ms]) / 1000
    gaps = np.where(gaps >= interval * EXTRAPOLATION_LIMIT, interval / 2, gaps)
    return sampled[:, None], gaps[0, :, None], gaps[1, :, None]


def _edges_of_one(windows: Windows) -> tuple[float, float, float]:
    first, end = int(windows.first[0]), int(windows.end[0])
    first_ms, last_ms = int(windows.timestamps[first]), int(windows.timestamps[end - 1])
    sampled = (last_ms - first_ms) / 1000
    interval = sampled / (end - first - 1)
    gaps = (first_ms - int(windows.starts_ms[0])) / 1000, (int(windows.ends_ms[0]) - last_ms) / 1000
    left, right = (interval / 2 if gap >= interval * EXTRAPOLATION_LIMIT else gap for gap in gaps)
    return sampled, left, right
