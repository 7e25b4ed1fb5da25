from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from sakshi.model.labels import Labels
from sakshi.promql import rate
from sakshi.promql.selection import Selection
from sakshi.promql.window import evaluate_windows
from sakshi.storage import ABSENT, STALE_MARKER, SeriesColumns, SeriesList, is_absent, is_stale

SEED = 3


def increase_of(times: list[int], values: list[float], start_ms: int, end_ms: int) -> float:
    """The definition, for one series and one window: the model that the kernels are held to."""
    growth = values[-1] - values[0]
    growth += sum(before for before, after in pairwise(values) if after < before)
    sampled = times[-1] - times[0]
    interval = sampled / (len(times) - 1)
    left, right = float(times[0] - start_ms), float(end_ms - times[-1])
    if left >= 1.1 * interval:
        left = interval / 2
    if growth > 0 and values[0] >= 0:
        left = min(left, sampled * values[0] / growth)
    if right >= 1.1 * interval:
        right = interval / 2
    return growth * (sampled + left + right) / sampled


def random_columns(
    generator: np.random.Generator, rows: int, count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    times = np.cumsum(generator.integers(500, 3000, rows))
    values = generator.integers(0, 30, (rows, count)).astype(float).cumsum(axis=0)
    for column in range(count):
        for row in generator.integers(1, rows, 2):
            values[row:, column] -= values[row, column] - generator.integers(0, 5)
    holes = generator.random((rows, count))
    values[holes < 0.1] = ABSENT
    values[holes > 0.97] = STALE_MARKER
    values[:, 0] = np.arange(rows) * 2.0
    return times, values


@pytest.mark.parametrize("count", [3, 100], ids=["few columns", "many columns"])
@pytest.mark.parametrize("steps", [1, 25], ids=["one step", "many steps"])
def test_increase_is_its_definition_for_any_window(count: int, steps: int) -> None:
    """Columns with holes, resets and stale markers: every number is that of the plain formula."""
    generator = np.random.default_rng(SEED)
    times, values = random_columns(generator, 60, count)
    series = SeriesList([Labels({"c": str(column)}) for column in range(count)])
    selection = Selection(series, [SeriesColumns(series, times, values)])
    ends = np.linspace(int(times[-1]) // 3, int(times[-1]) + 4000, steps).astype(np.int64)
    range_ms = 20_000

    with np.errstate(all="ignore"):  # as the engine does
        vector = evaluate_windows(rate.increase, selection, ends, range_ms, samples_min=2)

    present = np.ones(vector.values.shape, bool) if vector.present is None else vector.present
    for (step, column), is_present in np.ndenumerate(present):
        start, end = int(ends[step]) - range_ms, int(ends[step])
        kept = ~is_absent(values[:, column]) & ~is_stale(values[:, column])
        kept &= (times > start) & (times <= end)
        assert is_present == (kept.sum() >= 2), f"seed {SEED}"
        if is_present:
            wanted = increase_of(times[kept].tolist(), values[kept, column].tolist(), start, end)
            found = float(vector.values[step, column])
            assert math.isclose(found, wanted, rel_tol=1e-12, abs_tol=1e-12), f"seed {SEED}"
