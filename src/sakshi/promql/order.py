"""The order of an instant query's answer: sort, sort_desc, topk and bottomk.

Vectors have no order of their own; only what stands outermost decides how the answer is listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from sakshi.promql.ast import Aggregation, Call, Expr, Parenthesis
from sakshi.promql.block import Block, Implementation
from sakshi.promql.engine import Vector
from sakshi.promql.grouping import grouping_of
from sakshi.promql.vector import taken
from sakshi.storage.store import Values

_ASCENDING: Final = frozenset({"bottomk", "sort"})
_DESCENDING: Final = frozenset({"sort_desc", "topk"})


def ordered(expr: Expr, vector: Vector) -> Vector:
    """Return an answer of one step, without absent series, in the order that its query asks for.

    NaN comes last in both directions; of equals the first stays first.
    """
    while isinstance(expr, Parenthesis):
        expr = expr.expr
    values = vector.values[0]
    if isinstance(expr, Call) and expr.function in _ASCENDING | _DESCENDING:
        return taken(vector, np.argsort(_rank(expr.function, values), kind="stable"))
    if isinstance(expr, Aggregation) and expr.operator in _ASCENDING | _DESCENDING:
        grouping = grouping_of(vector.series, expr.grouping, without=expr.without)
        return taken(vector, np.lexsort((_rank(expr.operator, values), grouping.codes())))
    return vector


def _rank(direction: str, values: Values) -> Values:
    return -values if direction in _DESCENDING else values


def _sort(block: Block, call: Call) -> Vector:
    return block.vector(call.arguments[0])


FUNCTIONS: Final[Mapping[str, Implementation]] = {"sort": _sort, "sort_desc": _sort}
