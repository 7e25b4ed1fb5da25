from __future__ import annotations

import math

import numpy as np

from sakshi.promql.histogram import bucket_quantiles

SEED = 5


def quantile_of(phi: float, counts: list[float], bounds: list[float]) -> float:
    """The definition, for one histogram whose last bound is +Inf."""
    rank = phi * counts[-1]
    if counts[-1] == 0:
        return math.nan
    bucket = next(index for index, count in enumerate(counts) if count >= rank)
    if bucket == len(counts) - 1:
        return bounds[-2]
    if bucket == 0 and bounds[0] <= 0:
        return bounds[0]
    lower = bounds[bucket - 1] if bucket else 0.0
    below = counts[bucket - 1] if bucket else 0.0
    share = np.float64(rank - below) / (counts[bucket] - below)
    return float(lower + (bounds[bucket] - lower) * share)


def test_quantiles_are_their_definition() -> None:
    """Any counts, buckets and quantiles: every number is that of the plain formula."""
    generator = np.random.default_rng(SEED)
    steps, histograms, width = 20, 10, 6
    phi = generator.random(steps)
    sizes = np.broadcast_to(generator.integers(2, width + 1, histograms), (steps, histograms))
    counts = generator.integers(0, 9, (steps, histograms, width)).astype(float).cumsum(axis=2)
    counts[0, 0] = 0
    bounds = np.sort(generator.uniform(-1, 5, (steps, histograms, width)), axis=2)
    for step, histogram in np.ndindex(steps, histograms):
        size = sizes[step, histogram]
        counts[step, histogram, size:] = counts[step, histogram, size - 1]
        bounds[step, histogram, size - 1 :] = np.inf

    with np.errstate(all="ignore"):
        found = bucket_quantiles(phi, counts, bounds, sizes)
        for step, histogram in np.ndindex(steps, histograms):
            size = sizes[step, histogram]
            wanted = quantile_of(
                float(phi[step]),
                counts[step, histogram, :size].tolist(),
                bounds[step, histogram, :size].tolist(),
            )
            assert np.isclose(found[step, histogram], wanted, rtol=1e-12, equal_nan=True), (
                f"seed {SEED}: step {step}, histogram {histogram}"
            )
