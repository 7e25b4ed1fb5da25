"""Functions that answer when nothing is there: absent, absent_over_time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from sakshi.model.labels import METRIC_NAME, Labels
from sakshi.model.matcher import MatchOperator
from sakshi.promql import over_time
from sakshi.promql.ast import Call, Expr, MatrixSelector, Parenthesis, VectorSelector
from sakshi.promql.block import Block, Implementation
from sakshi.promql.engine import Vector
from sakshi.promql.vector import any_present
from sakshi.storage.store import SeriesList


def _absent(block: Block, call: Call) -> Vector:
    return _where_absent(block.vector(call.arguments[0]), call.arguments[0])


def _absent_over_time(block: Block, call: Call) -> Vector:
    return _where_absent(block.windows(call.arguments[0], over_time.one), call.arguments[0])


def _where_absent(vector: Vector, expr: Expr) -> Vector:
    """Return 1 at the steps at which the vector has no series."""
    absent = ~any_present(vector)
    return Vector(SeriesList((asked_labels(expr),)), np.ones(absent.shape), absent)


def asked_labels(expr: Expr) -> Labels:
    """Return the labels that a selector asks for by equality, once each; else none."""
    while isinstance(expr, Parenthesis):
        expr = expr.expr
    selector = expr.selector if isinstance(expr, MatrixSelector) else expr
    if not isinstance(selector, VectorSelector):
        return Labels()
    asked: dict[str, str] = {}
    for matcher in selector.matchers:
        first = matcher.name not in asked
        is_equality = matcher.operator is MatchOperator.EQUAL
        asked[matcher.name] = matcher.value if first and is_equality else ""
    asked[METRIC_NAME] = ""
    return Labels(asked)


FUNCTIONS: Final[Mapping[str, Implementation]] = {
    "absent": _absent,
    "absent_over_time": _absent_over_time,
}
