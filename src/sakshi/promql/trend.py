"""Range functions that follow a window's trend: deriv, predict_linear, exponential smoothing.

Source: prometheus/prometheus promql/functions.go, linearRegression and its double exponential
    smoothing (Holt-Winters without seasons).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sakshi.promql.window import Windows
from sakshi.storage.store import Values


def slope(windows: Windows) -> Values:
    """Return the slope of each window's line, a second; two samples or more."""
    result = np.empty((len(windows.first), windows.values.shape[1]))
    for step, (start, end) in enumerate(windows.slices()):
        seconds = (windows.timestamps[start:end] - windows.timestamps[start]) / 1000
        result[step] = _fit(seconds, windows.values[start:end])[0]
    return result


def prediction(windows: Windows, ahead_seconds: Values) -> Values:
    """Return where each window's line is so many seconds after the evaluation time.

    Two samples or more each.
    """
    result = np.empty((len(windows.first), windows.values.shape[1]))
    for step, (start, end) in enumerate(windows.slices()):
        seconds = (windows.timestamps[start:end] - windows.times_ms[step]) / 1000
        inclination, level = _fit(seconds, windows.values[start:end])
        result[step] = inclination * ahead_seconds[step] + level
    return result


def smoothed(windows: Windows, smoothing: Values, trend: Values) -> Values:
    """Return where double exponential smoothing of each window arrives.

    Two samples or more each.

    Args:
        windows: the samples.
        smoothing: shape (steps,), between 0 and 1, both exclusive: the weight of new samples.
        trend: the same for the trend: the weight of new differences.
    """
    result = np.empty((len(windows.first), windows.values.shape[1]))
    for step, (start, end) in enumerate(windows.slices()):
        values, weight, turn = windows.values[start:end], smoothing[step], trend[step]
        level, slope_ = values[0], values[1] - values[0]
        previous = np.zeros_like(level)
        for row in range(1, len(values)):
            windows.check()
            if row > 1:
                slope_ = turn * (level - previous) + (1 - turn) * slope_
            previous, level = level, weight * values[row] + (1 - weight) * (level + slope_)
        result[step] = level
    return result


def _fit(seconds: NDArray[np.float64], values: Values) -> tuple[Values, Values]:
    """Return slope and value at second 0 of the least-squares lines, shape (k,) each.

    A constant has slope 0 exactly; an infinite one has no line, and NaN stands for it. Sums are
    taken as Prometheus takes them, compensated, so that what cancels there cancels here.
    """
    count = len(seconds)
    x = seconds[:, None]
    sum_x, sum_y = _sum(x), _sum(values)
    spread = _sum(x * x) - sum_x * sum_x / count
    inclination = (_sum(x * values) - sum_x * sum_y / count) / spread
    level = sum_y / count - inclination * sum_x / count
    constant = (values == values[0]).all(axis=0)
    flat = np.where(np.isinf(values[0]), np.nan, values[0])
    return np.where(constant, flat - flat, inclination), np.where(constant, flat, level)


def _sum(values: Values) -> Values:
    """Return sums over the rows, rounded once: the longer numbers stand for compensation."""
    total: Values = values.sum(axis=0, dtype=np.longdouble).astype(np.float64)
    return total
