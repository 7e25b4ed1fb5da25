"""Quantiles and shares of classic histograms: series that differ in `le`, each a cumulative count.

A bucket counts the observations up to its bound, so counts must grow with the bound. Scrapes and
`rate` round, and targets restart between two buckets: small and large decreases are lifted to the
count before them, as Prometheus does.

Source: prometheus/prometheus promql/quantile.go, BucketQuantile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sakshi.model.labels import Labels
from sakshi.promql.ast import Call, Expr
from sakshi.promql.block import Block, Implementation
from sakshi.promql.engine import Vector
from sakshi.promql.errors import QueryEvaluationError
from sakshi.promql.memo import derive
from sakshi.promql.number import format_open_metrics
from sakshi.promql.quantile import warn_of_quantile
from sakshi.promql.vector import (
    Indices,
    Present,
    Relabeling,
    both,
    empty_vector,
    merge,
    presence,
    relabel,
    without_name,
)
from sakshi.storage.store import SeriesList, Values

BUCKET_LABEL: Final = "le"
SMALL_DELTA: Final = 1e-12  # relative; a smaller difference between buckets is a rounding error

Buckets = NDArray[np.float64]  # shape (steps, histograms, buckets)


@dataclass(frozen=True)
class Histograms:
    """Which columns of a vector are the buckets of which histogram.

    Args:
        series: the histograms' label sets: those of the buckets less `le`.
        columns: shape (histograms, buckets): the buckets' columns, by bound; -1 fills up.
        bounds: shape (histograms, buckets): their upper bounds; +Inf fills up.
        twins: buckets of one histogram with the same bound (`le="1"`, `le="1.0"`), which count
            together: row, and positions in it.
        misfits: label sets without a bound that is a number.
    """

    series: SeriesList
    columns: Indices
    bounds: Values
    twins: tuple[tuple[int, list[int]], ...]
    misfits: tuple[Labels, ...]


Compute = Callable[[Buckets, Buckets, Indices], Values]
"""Makes a number of each histogram: of counts, bounds and sizes as `bucket_quantiles` has them."""


def _histogram_quantile(block: Block, call: Call) -> Vector:
    phi = block.scalar(call.arguments[0])
    warn_of_quantile(block.annotations, phi, call.arguments[0])
    return _of_histograms(block, call.arguments[1], lambda *found: bucket_quantiles(phi, *found))


def _histogram_quantiles(block: Block, call: Call) -> Vector:
    """Return several quantiles, each with its number in a label."""
    name = block.text(call.arguments[1])
    if not name:
        raise QueryEvaluationError(
            'expected a label name as argument 2 of histogram_quantiles(), found ""'
        )
    found = []
    for argument in call.arguments[2:]:
        phi = block.scalar(argument)
        warn_of_quantile(block.annotations, phi, argument)
        quantile = _of_histograms(block, call.arguments[0], partial(bucket_quantiles, phi))
        found += list(_labelled(quantile, name, phi))
    return _union(found)


def _union(vectors: Sequence[Vector]) -> Vector:
    """Return the series of all vectors; no two have the same labels."""
    series = [vector.series for vector in vectors]
    union = derive(
        series[0], ("union", *series[1:]), lambda: Relabeling.of(list(chain.from_iterable(series)))
    )
    values = np.concatenate([vector.values for vector in vectors], axis=1)
    present = np.concatenate([presence(vector) for vector in vectors], axis=1)
    return without_name(merge(union, values, present))


def _labelled(vector: Vector, name: str, phi: Values) -> Iterator[Vector]:
    """Yield the vector at the steps of each quantile, with that quantile in a label."""
    texts = [format_open_metrics(number) for number in phi.tolist()]
    for text in dict.fromkeys(texts):
        key = ("quantile", name, text)
        labelled = relabel(vector, key, partial(Labels.updated, changes={name: text}))
        here = np.array([other == text for other in texts])[:, None]
        present = None if here.all() else np.broadcast_to(here, labelled.values.shape)
        yield labelled.holding(labelled.values, both(present, labelled.present))


def _histogram_fraction(block: Block, call: Call) -> Vector:
    lower, upper = (block.scalar(argument) for argument in call.arguments[:2])
    return _of_histograms(
        block, call.arguments[2], lambda *found: bucket_fractions(lower, upper, *found)
    )


def _of_histograms(block: Block, expr: Expr, compute: Compute) -> Vector:
    """Return what is computed of the histograms whose buckets an expression yields."""
    vector = block.vector(expr)
    histograms = derive(vector.series, "histograms", lambda: _histograms(vector.series))
    for labels in histograms.misfits[:1]:
        block.annotations.warn(
            f'bucket label "{BUCKET_LABEL}" is missing or has a malformed value of '
            f'"{labels.get(BUCKET_LABEL, "")}" for metric name "{labels.name}"',
            expr,
        )
    if not len(histograms.series):
        return empty_vector(len(block.times))
    block.budget.admit(histograms.columns.size * len(block.times))
    counts, bounds, sizes = _present_buckets(histograms, vector)
    if _lift_decreases(counts):
        block.annotations.inform(
            "input to histogram_quantile needed to be fixed for monotonicity (see "
            "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)",
            expr,
        )
    values = compute(counts, bounds, sizes)
    present = sizes > 0
    return without_name(Vector(histograms.series, values, None if present.all() else present))


def _histograms(series: SeriesList) -> Histograms:
    """Return the histograms of bucket series."""
    members: dict[Labels, list[tuple[float, int]]] = {}
    misfits = []
    for column, labels in enumerate(series):
        try:
            bound = float(labels[BUCKET_LABEL])
        except (KeyError, ValueError):
            misfits.append(labels)
            continue
        members.setdefault(labels.without((BUCKET_LABEL,)), []).append((bound, column))
    width = max(map(len, members.values()), default=0)
    columns = np.full((len(members), width), -1, np.intp)
    bounds = np.full((len(members), width), np.inf)
    for row, buckets in enumerate(members.values()):
        buckets.sort()
        bounds[row, : len(buckets)] = [bound for bound, _ in buckets]
        columns[row, : len(buckets)] = [column for _, column in buckets]
    twins = [
        (row, positions)
        for row, buckets in enumerate(members.values())
        for positions in _equal_bounds([bound for bound, _ in buckets])
    ]
    return Histograms(SeriesList(tuple(members)), columns, bounds, tuple(twins), tuple(misfits))


def _equal_bounds(bounds: list[float]) -> list[list[int]]:
    """Return the positions of bounds that occur more than once, in groups."""
    positions: dict[float, list[int]] = {}
    for position, bound in enumerate(bounds):
        positions.setdefault(bound, []).append(position)
    return [group for group in positions.values() if len(group) > 1]


def _present_buckets(histograms: Histograms, vector: Vector) -> tuple[Buckets, Buckets, Indices]:
    """Return the buckets that are present, first along the last axis.

    Returns:
        Counts, shape (steps, histograms, buckets), a fresh array; bounds of that shape; how many
        buckets each histogram has at each step, shape (steps, histograms). What fills up repeats
        the last count, and has a bound of +Inf.
    """
    counts = vector.values[:, histograms.columns]
    bounds = np.broadcast_to(histograms.bounds, counts.shape)
    padded = histograms.columns < 0
    if vector.present is None and not padded.any() and not histograms.twins:
        return counts, bounds, np.full(counts.shape[:2], counts.shape[2], np.intp)
    present: Present = presence(vector)[:, histograms.columns] & ~padded
    for row, twins in histograms.twins:
        sums = np.where(present[:, row, twins], counts[:, row, twins], 0.0).sum(axis=1)
        counts[:, row, twins] = sums[:, None]
    order = np.argsort(~present, axis=2, kind="stable")
    counts = np.take_along_axis(counts, order, 2)
    bounds = np.take_along_axis(bounds, order, 2)
    sizes = present.sum(axis=2)
    for bucket in range(1, counts.shape[2]):
        filler = bucket >= sizes
        counts[..., bucket] = np.where(filler, counts[..., bucket - 1], counts[..., bucket])
    bounds = np.where(np.arange(counts.shape[2]) < sizes[..., None], bounds, np.inf)
    return counts, bounds, sizes


def _lift_decreases(counts: Buckets) -> bool:
    """Make counts grow along the last axis, in place; tell whether a real decrease was lifted."""
    growth = np.diff(counts, axis=2)
    noise = SMALL_DELTA * (np.abs(counts[..., 1:]) + np.abs(counts[..., :-1]))
    if not ((growth < noise) & (growth != 0)).any():  # nearly always
        return False
    lifted = False
    for bucket in range(1, counts.shape[2]):
        before, here = counts[..., bucket - 1], counts[..., bucket]
        close = np.abs(here - before) < SMALL_DELTA * (np.abs(here) + np.abs(before))
        fallen = here < before
        lifted = lifted or bool((fallen & ~close).any())
        counts[..., bucket] = np.where(close | fallen, before, here)
    return lifted


def bucket_quantiles(phi: Values, counts: Buckets, bounds: Buckets, sizes: Indices) -> Values:
    """Return the phi-quantile of histograms, interpolated linearly within the bucket it falls in.

    Args:
        phi: shape (steps,); below 0 gives -Inf, above 1 +Inf, NaN gives NaN.
        counts: shape (steps, histograms, buckets): cumulative, growing along the last axis.
        bounds: of the same shape: upper bounds, growing along the last axis.
        sizes: shape (steps, histograms): how many of the buckets count; the others repeat the last
            count and have a bound of +Inf.

    Returns:
        Shape (steps, histograms). NaN where the last bucket is not +Inf, where there are fewer than
        two buckets, and where nothing was observed. The bound of the last finite bucket where the
        quantile lies above it.

    Example:
        Ten observations, six of them up to 1 and all up to 2:

        >>> counts, bounds = np.array([[[6.0, 10.0, 10.0]]]), np.array([[[1.0, 2.0, np.inf]]])
        >>> bucket_quantiles(np.array([0.8]), counts, bounds, np.array([[3]])).tolist()
        [[1.5]]
    """
    total = counts[..., -1]
    rank = phi[:, None] * total
    last = np.maximum(sizes - 1, 0)
    position = np.minimum((~(counts >= rank[..., None])).sum(axis=2), last)
    before = np.maximum(position - 1, 0)
    upper, lower = _at(bounds, position), np.where(position > 0, _at(bounds, before), 0.0)
    below = np.where(position > 0, _at(counts, before), 0.0)

    values = lower + (upper - lower) * ((rank - below) / (_at(counts, position) - below))
    values = np.where((position == 0) & (upper <= 0), upper, values)
    highest = np.maximum((bounds < np.inf).sum(axis=2) - 1, 0)
    values = np.where(np.isinf(upper), _at(bounds, highest), values)

    usable = np.isinf(_at(bounds, last)) & (sizes >= 2) & (total != 0)
    values = np.where(usable, values, np.nan)
    asked = phi[:, None]
    values = np.where(asked < 0, -np.inf, np.where(asked > 1, np.inf, values))
    return np.where(np.isnan(asked), np.nan, values)


def bucket_fractions(
    lower: Values, upper: Values, counts: Buckets, bounds: Buckets, sizes: Indices
) -> Values:
    """Return which share of the observations lies between two values, interpolated linearly.

    Args:
        lower: shape (steps,).
        upper: shape (steps,).
        counts: as for `bucket_quantiles`.
        bounds: the same.
        sizes: the same.

    Returns:
        Shape (steps, histograms), 0 to 1; 0 where `upper` is not above `lower`. NaN where a value
        is NaN, where the last bucket is not +Inf, and where nothing was observed.

    Example:
        >>> counts, bounds = np.array([[[6.0, 10.0, 10.0]]]), np.array([[[1.0, 2.0, np.inf]]])
        >>> edges = np.array([0.5]), np.array([1.5])
        >>> bucket_fractions(*edges, counts, bounds, np.array([[3]])).tolist()
        [[0.5]]
    """
    total = counts[..., -1]
    share = (_rank(upper, counts, bounds) - _rank(lower, counts, bounds)) / total
    share = np.where((lower >= upper)[:, None], 0.0, share)
    usable = np.isinf(_at(bounds, np.maximum(sizes - 1, 0))) & (sizes >= 2) & (total != 0)
    known = ~np.isnan(lower) & ~np.isnan(upper)
    return np.where(usable & known[:, None], share, np.nan)


def _rank(value: Values, counts: Buckets, bounds: Buckets) -> Values:
    """Return how many observations lie below a value, interpolated, shape (steps, histograms)."""
    asked = value[:, None]
    position = np.minimum((bounds <= asked[..., None]).sum(axis=2), counts.shape[2] - 1)
    before = np.maximum(position - 1, 0)
    upper = _at(bounds, position)
    first = np.where(upper > 0, 0.0, -np.inf)
    lower = np.where(position > 0, _at(bounds, before), first)
    below = np.where(position > 0, _at(counts, before), 0.0)
    here = _at(counts, position)
    within = below + (here - below) * (asked - lower) / (upper - lower)
    within = np.where(asked <= lower, below, within)
    within = np.where(np.isinf(upper) & (asked < np.inf), below, within)
    return np.where(asked == np.inf, counts[..., -1], within)


def _at(buckets: Buckets, position: Indices) -> Values:
    """Return one bucket of each histogram, shape (steps, histograms)."""
    steps, histograms = position.shape
    return buckets[np.arange(steps)[:, None], np.arange(histograms), position]


FUNCTIONS: Final[Mapping[str, Implementation]] = {
    "histogram_fraction": _histogram_fraction,
    "histogram_quantile": _histogram_quantile,
    "histogram_quantiles": _histogram_quantiles,
}
