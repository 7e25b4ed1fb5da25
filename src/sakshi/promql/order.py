"""The order of an instant query's answer: sort, sort_by_label, topk, bottomk and their like.

Vectors have no order of their own; only what stands outermost decides how the answer is listed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import numpy as np

from sakshi.promql.ast import Aggregation, Call, Expr, Parenthesis, StringLiteral
from sakshi.promql.block import Block, Implementation
from sakshi.promql.engine import Vector
from sakshi.promql.grouping import grouping_of
from sakshi.promql.vector import Indices, taken
from sakshi.storage.store import Values

_DIGITS: Final = re.compile(r"([0-9]+)")
_BY_LABEL: Final = frozenset({"sort_by_label", "sort_by_label_desc"})
_ASCENDING: Final = frozenset({"bottomk", "sort"})
_DESCENDING: Final = frozenset({"sort_desc", "topk"})


def ordered(expr: Expr, vector: Vector) -> Vector:
    """Return an answer of one step, without absent series, in the order that its query asks for.

    NaN comes last in both directions; of equals the first stays first.
    """
    while isinstance(expr, Parenthesis):
        expr = expr.expr
    values = vector.values[0]
    if isinstance(expr, Call) and expr.function in _BY_LABEL:
        return taken(vector, _order_by_label(expr, vector))
    if isinstance(expr, Call) and expr.function in _ASCENDING | _DESCENDING:
        return taken(vector, np.argsort(_rank(expr.function, values), kind="stable"))
    if isinstance(expr, Aggregation) and expr.operator in _ASCENDING | _DESCENDING:
        grouping = grouping_of(vector.series, expr.grouping, without=expr.without)
        return taken(vector, np.lexsort((_rank(expr.operator, values), grouping.codes())))
    return vector


def _order_by_label(call: Call, vector: Vector) -> Indices:
    """Return the order of the values of labels, read as people read them: 2 before 10."""
    names = [name.value for name in call.arguments[1:] if isinstance(name, StringLiteral)]

    def key(column: int) -> tuple[object, ...]:
        labels = vector.series[column]
        return (*(natural_key(labels.get(name, "")) for name in names), labels)

    is_descending = call.function == "sort_by_label_desc"
    columns = sorted(range(len(vector.series)), key=key, reverse=is_descending)
    return np.array(columns, np.intp)


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return what sorts texts with numbers in them by these numbers.

    Example:
        >>> sorted(["10", "9a", "9", "a2", "a10"], key=natural_key)
        ['9', '9a', '10', 'a2', 'a10']
    """
    parts = _DIGITS.split(text)
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts if part)


def _rank(direction: str, values: Values) -> Values:
    return -values if direction in _DESCENDING else values


def _sort(block: Block, call: Call) -> Vector:
    return block.vector(call.arguments[0])


FUNCTIONS: Final[Mapping[str, Implementation]] = dict.fromkeys(
    ("sort", "sort_by_label", "sort_by_label_desc", "sort_desc"), _sort
)
