"""The aggregation `count_values("label", x)`: how many series have each value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sakshi.promql.engine import Vector
from sakshi.promql.errors import QueryEvaluationError
from sakshi.promql.grouping import grouping_of
from sakshi.promql.number import format_plain
from sakshi.promql.vector import empty_vector, presence
from sakshi.storage.store import SeriesList


def count_values(vector: Vector, label: str, grouping: Sequence[str], without: bool) -> Vector:
    """Return, a group and value, how many series have that value; it stands in a label.

    Args:
        vector: any.
        label: takes the value, in place of a label of that name.
        grouping: label names.
        without: whether `grouping` is what to drop instead of what to keep.

    Raises:
        QueryEvaluationError: the label's name is empty.
    """
    if not label:
        raise QueryEvaluationError(
            'expected a label name as the parameter of count_values, found ""'
        )
    names = {*grouping, label} if without else {*grouping} - {label}
    groups = grouping_of(vector.series, tuple(names), without=without)
    steps, columns = np.nonzero(presence(vector))
    if not len(steps):
        return empty_vector(len(vector.values))
    distinct, codes = np.unique(vector.values[steps, columns], return_inverse=True)
    cells, counted = np.unique(groups.codes()[columns] * len(distinct) + codes, return_inverse=True)
    texts = [format_plain(value) for value in distinct.tolist()]
    labels = [
        groups.series[group].updated({label: texts[code]})
        for group, code in zip(*np.divmod(cells, len(distinct)), strict=True)
    ]
    counts = np.bincount(steps * len(cells) + counted, minlength=len(vector.values) * len(cells))
    values = counts.reshape(len(vector.values), len(cells)).astype(np.float64)
    return Vector(SeriesList(labels), values, values > 0)
