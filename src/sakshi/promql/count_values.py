"""The aggregation `count_values("label", x)`: how many series have each value."""

from __future__ import annotations

import numpy as np

from sakshi.model.labels import METRIC_NAME
from sakshi.promql.ast import Aggregation
from sakshi.promql.block import Block
from sakshi.promql.engine import Vector
from sakshi.promql.errors import QueryEvaluationError
from sakshi.promql.grouping import grouping_of
from sakshi.promql.number import format_plain
from sakshi.promql.vector import Nameless, empty_vector, presence
from sakshi.storage.store import SeriesList


def count_values(block: Block, vector: Vector, expr: Aggregation) -> Vector:
    """Return, a group and value, how many series have that value; it stands in a label.

    Args:
        block: the steps at hand.
        vector: the operand's value.
        expr: its parameter names the label that takes the value, in place of one of that name.

    Raises:
        QueryEvaluationError: the label's name is empty.
        QueryLimitError: there are too many values.
    """
    assert expr.parameter is not None
    label = block.text(expr.parameter)
    if not label:
        raise QueryEvaluationError(
            'expected a label name as the parameter of count_values, found ""'
        )
    names = {*expr.grouping, label} if expr.without else {*expr.grouping} - {label}
    groups = grouping_of(vector.series, tuple(names), without=expr.without)
    steps, columns = np.nonzero(presence(vector))
    if not len(steps):
        return empty_vector(len(vector.values))
    distinct, codes = np.unique(vector.values[steps, columns], return_inverse=True)
    cells, counted = np.unique(groups.codes()[columns] * len(distinct) + codes, return_inverse=True)
    block.budget.admit(len(vector.values) * len(cells))
    numbers = distinct.tolist()
    labels = []
    for group, code in zip(
        *(part.tolist() for part in np.divmod(cells, len(distinct))), strict=True
    ):
        block.budget.check()
        labels.append(groups.series[group].updated({label: format_plain(numbers[code])}))
    counts = np.bincount(steps * len(cells) + counted, minlength=len(vector.values) * len(cells))
    values = counts.reshape(len(vector.values), len(cells)).astype(np.float64)
    nameless: Nameless = False
    if METRIC_NAME in names and not expr.without:
        nameless = np.broadcast_to(groups.nameless(vector.nameless), len(groups.series))
        nameless = nameless[cells // len(distinct)]
    return Vector(SeriesList(labels), values, values > 0, nameless)
