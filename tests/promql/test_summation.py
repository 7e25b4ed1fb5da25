from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sakshi.promql.quantile import quantiles
from sakshi.promql.summation import means, repair_sums

SEED = 13


def repaired(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums of rows, repaired."""
    sums = values.sum(axis=1, keepdims=True)
    return repair_sums(
        sums,
        values,
        lambda: np.abs(values).sum(axis=1, keepdims=True),
        lambda row, _: values[row],
    )


def test_sums_that_nearly_cancel_are_exact() -> None:
    """Plain addition loses digits where terms nearly cancel; the repaired sum does not."""
    generator = np.random.default_rng(SEED)
    large = generator.uniform(-1e15, 1e15, (50, 20))
    values = np.concatenate([large, -large, generator.random((50, 3))], axis=1)

    found = repaired(values)

    assert found[:, 0].tolist() == [math.fsum(row) for row in values.tolist()], f"seed {SEED}"


def test_sums_of_terms_that_are_not_finite_stay_as_they_are() -> None:
    """NaN and infinities are carried, never repaired."""
    values = np.array(
        [[1.0, np.nan, -1.0], [np.inf, 1.0, -1.0], [-np.inf, np.inf, 0.0], [1e308, -1e308, 1e300]]
    )

    with np.errstate(all="ignore"):
        found = repaired(values)[:, 0]

    assert np.isnan(found[[0, 2]]).all()
    assert found[1] == np.inf


def test_mean_of_finite_terms_is_finite() -> None:
    """A sum that overflows has a mean all the same; one of infinities has not."""
    values = np.array([[1.7e308, 1.7e308], [np.inf, 1e308], [np.nan, 1e308]])
    with np.errstate(over="ignore"):
        sums = values.sum(axis=1, keepdims=True)

    found = means(sums, np.array([[2.0]]), values, lambda row, _: values[row])

    assert found[:2, 0].tolist() == [1.7e308, np.inf]
    assert np.isnan(found[2, 0])


def test_quantiles_are_interpolated_between_ranks() -> None:
    """Each column has its own quantile; NaN ranks below every number."""
    generator = np.random.default_rng(SEED)
    values = generator.random((9, 40))
    values[generator.random(values.shape) < 0.2] = np.nan
    phi = generator.random(40)

    found = quantiles(phi, values)

    for column in range(40):
        ranked = sorted(values[:, column].tolist(), key=lambda x: (not math.isnan(x), x))
        rank = phi[column] * 8
        lower, weight = int(rank), rank - int(rank)
        wanted = ranked[lower] * (1 - weight) + ranked[min(8, lower + 1)] * weight
        assert np.isclose(found[column], wanted, equal_nan=True), f"seed {SEED}"
