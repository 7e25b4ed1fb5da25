"""The groups of an aggregation: which columns are reduced to which, and their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sakshi.model.labels import METRIC_NAME, Labels
from sakshi.promql.engine import Vector
from sakshi.promql.memo import derive
from sakshi.promql.vector import Indices, Nameless, Present
from sakshi.storage.store import SeriesList, Values


@dataclass(frozen=True)
class Grouping:
    """The columns of a vector, sorted into groups.

    Args:
        series: the groups' label sets, in order of appearance.
        order: shape (n,): the columns, one group after the other, each in order; None: as they are.
        starts: shape (groups,): where each group begins in `order`.
        sizes: shape (groups,): how many columns each has.
    """

    series: SeriesList
    order: Indices | None
    starts: Indices
    sizes: Indices

    def arranged(self, values: Values) -> Values:
        """Return the values (steps, n) with each group's columns side by side."""
        return values if self.order is None else values[:, self.order]

    def reduce(self, ufunc: np.ufunc, values: Values) -> Values:
        """Return `ufunc.reduce` over each group, shape (steps, groups); of arranged values."""
        return np.asarray(ufunc.reduceat(values, self.starts, axis=1))

    def codes(self) -> Indices:
        """Return the group of each column, shape (n,)."""
        codes = np.empty(int(self.sizes.sum()), np.intp)
        codes[slice(None) if self.order is None else self.order] = np.repeat(
            np.arange(len(self.sizes)), self.sizes
        )
        return codes

    def nameless(self, nameless: Nameless) -> Nameless:
        """Return which groups lose a metric name: those with a series that does."""
        if not isinstance(nameless, np.ndarray):
            return nameless
        groups = np.zeros(len(self.series), np.bool_)
        groups[self.codes()[nameless]] = True
        return groups

    def members(self, group: int) -> slice:
        """Return where a group's columns are in arranged values."""
        start = int(self.starts[group])
        return slice(start, start + int(self.sizes[group]))


def grouping_of(series: SeriesList, names: Sequence[str], *, without: bool) -> Grouping:
    """Return the groups of series that agree in these labels, or in all but these and the name."""
    key = ("grouping", frozenset(names), without)
    return derive(series, key, lambda: _group(series, names, without))


def _group(series: SeriesList, names: Sequence[str], without: bool) -> Grouping:
    if without:
        dropped = {*names, METRIC_NAME}
        keys = [tuple([p for p in labels.pairs if p[0] not in dropped]) for labels in series]
    else:
        kept = frozenset(names)
        keys = [tuple([p for p in labels.pairs if p[0] in kept]) for labels in series]
    positions = {key: index for index, key in enumerate(dict.fromkeys(keys))}
    codes = np.fromiter(map(positions.__getitem__, keys), np.intp, len(keys))
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes, minlength=len(positions)).astype(np.intp)
    return Grouping(
        SeriesList(tuple(map(Labels.from_sorted, positions))),
        None if (codes[1:] >= codes[:-1]).all() else order,
        np.cumsum(sizes) - sizes,
        sizes,
    )


@dataclass(frozen=True)
class Groups:
    """Values arranged by group.

    Args:
        grouping: which columns belong together.
        values: shape (steps, n), each group's columns side by side.
        present: shape (steps, n), or None where everything is present.
        counts: shape (steps, groups) or (groups,): how many values each group has.
    """

    grouping: Grouping
    values: Values
    present: Present | None
    counts: Values

    @classmethod
    def of(cls, vector: Vector, grouping: Grouping) -> Groups:
        """Return a vector's values, arranged."""
        values = grouping.arranged(vector.values)
        if vector.present is None:
            counts = grouping.sizes.astype(np.float64)[None, :]
            if len(values) > 1:
                counts = np.broadcast_to(counts, (len(values), len(grouping.sizes)))
            return cls(grouping, values, None, counts)
        present = vector.present if grouping.order is None else vector.present[:, grouping.order]
        return cls(grouping, values, present, grouping.reduce(np.add, present.astype(np.float64)))

    def filled(self, filling: float) -> Values:
        """Return the values with this one where nothing is present."""
        return self.values if self.present is None else np.where(self.present, self.values, filling)

    def terms(self, step: int, group: int) -> Values:
        """Return the values of one group that are present at one step."""
        members = self.grouping.members(group)
        values = self.values[step, members]
        return values if self.present is None else values[self.present[step, members]]
