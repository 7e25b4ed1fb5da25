"""Binary operators: arithmetic, comparisons as filters or as 0 and 1, and the set operators.

Source:
    https://prometheus.io/docs/prometheus/latest/querying/operators/
    prometheus/prometheus promql/engine.go, VectorBinop, VectorscalarBinop, VectorAnd
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from sakshi.promql.ast import (
    Binary,
    Cardinality,
    Expr,
    NumberLiteral,
    Parenthesis,
    Unary,
    ValueType,
    VectorMatching,
    VectorSelector,
    iter_nodes,
)
from sakshi.promql.block import Block, Value
from sakshi.promql.engine import Scalar, Vector
from sakshi.promql.errors import QueryEvaluationError
from sakshi.promql.fill import filled
from sakshi.promql.matching import Ambiguity, Pairing, ambiguity_of, pairing_of
from sakshi.promql.operator import SET_OPERATORS
from sakshi.promql.set_operation import combine_sets
from sakshi.promql.vector import (
    Indices,
    Nameless,
    Present,
    any_present,
    both,
    empty_vector,
    is_empty,
    merge,
    presence,
    without_name,
)
from sakshi.storage.store import Values

ARITHMETIC: Final[Mapping[str, Callable[[Values, Values], Values]]] = {
    "%": np.fmod,
    "*": np.multiply,
    "+": np.add,
    "-": np.subtract,
    "/": np.divide,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARISON: Final[Mapping[str, Callable[[Values, Values], Present]]] = {
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    "==": np.equal,
    ">": np.greater,
    ">=": np.greater_equal,
}

SKIPPING: Final = frozenset({"and", "unless"})
"""What is empty on the left stays empty: the right side is not evaluated."""

_NO_MATCHING: Final = VectorMatching()


def combine(block: Block, expr: Binary) -> Value:
    """Return the value of a binary operator.

    Raises:
        QueryEvaluationError: a match is ambiguous.
    """
    operator, matching = expr.operator, expr.matching or _NO_MATCHING
    left_is_scalar = expr.left.type is ValueType.SCALAR
    right_is_scalar = expr.right.type is ValueType.SCALAR
    if left_is_scalar and right_is_scalar:
        return Scalar(_compute(operator, block.scalar(expr.left), block.scalar(expr.right)))
    if left_is_scalar:
        scalar = block.scalar(expr.left)[:, None]
        vector = block.vector(expr.right)
        return _combine_with_scalar(expr, vector, scalar, vector.values)
    if right_is_scalar:
        vector = block.vector(expr.left)
        scalar = block.scalar(expr.right)[:, None]
        return _combine_with_scalar(expr, vector, vector.values, scalar)
    left = block.vector(expr.left)
    if operator in SKIPPING and is_empty(left) and cannot_fail(expr.right):
        return left
    right = block.vector(expr.right)
    if operator in SET_OPERATORS:
        return combine_sets(operator, left, right, matching)
    return _combine_vectors(block, expr, left, right, matching)


def cannot_fail(expr: Expr) -> bool:
    """Tell whether an expression has neither errors nor annotations, whatever the data are."""
    return all(_cannot_fail(node) for node in iter_nodes(expr))


def _cannot_fail(node: Expr) -> bool:
    match node:
        case VectorSelector() | NumberLiteral() | Parenthesis():
            return True
        case Binary():
            has_scalar = ValueType.SCALAR in (node.left.type, node.right.type)
            is_filter = node.operator in COMPARISON and not node.return_bool
            return node.operator in SET_OPERATORS or (has_scalar and is_filter)
    return False


def negate(block: Block, expr: Unary) -> Value:
    """Return the value of a sign."""
    if expr.expr.type is ValueType.SCALAR:
        values = block.scalar(expr.expr)
        return Scalar(-values if expr.operator == "-" else values)
    vector = block.vector(expr.expr)
    if expr.operator == "+":
        return vector
    return without_name(vector.holding(-vector.values, vector.present))


def _compute(operator: str, left: Values, right: Values) -> Values:
    """Return what an operator makes of numbers; a comparison answers 0 or 1."""
    if operator in ARITHMETIC:
        return ARITHMETIC[operator](left, right)
    return COMPARISON[operator](left, right).astype(np.float64)


def _combine_with_scalar(expr: Binary, vector: Vector, left: Values, right: Values) -> Vector:
    """Return a vector and a scalar combined; a filter keeps the vector's name and values."""
    if expr.operator in ARITHMETIC or expr.return_bool:
        values = _compute(expr.operator, left, right)
        return without_name(vector.holding(values, vector.present))
    kept = COMPARISON[expr.operator](left, right)
    return vector.holding(vector.values, both(kept, vector.present))


def _combine_vectors(
    block: Block, expr: Binary, left: Vector, right: Vector, matching: VectorMatching
) -> Vector:
    is_filter = expr.operator in COMPARISON and not expr.return_bool
    swapped = matching.cardinality is Cardinality.ONE_TO_MANY
    many, one = filled(left, right, matching)
    left, right = (one, many) if swapped else (many, one)
    if not len(left.series) or not len(right.series):
        return empty_vector(len(left.values))
    ambiguity = ambiguity_of(one.series, matching)
    if len(ambiguity.columns):
        _refuse_ambiguity(ambiguity, many, one, "left" if swapped else "right")
    pairing = pairing_of(
        left.series,
        right.series,
        matching,
        drop_name=expr.operator in ARITHMETIC,
        budget=block.budget,
    )
    block.budget.admit(len(pairing.many) * len(block.times))

    present = both(_columns(many.present, pairing.many), _columns(one.present, pairing.one))
    many_values, one_values = many.values[:, pairing.many], one.values[:, pairing.one]
    left_values, right_values = (one_values, many_values) if swapped else (many_values, one_values)
    block.budget.check()
    nameless: Nameless = expr.return_bool
    if is_filter:
        values, nameless = left_values, _marks(many.nameless, pairing.many)
        present = both(COMPARISON[expr.operator](left_values, right_values), present)
    else:
        values = _compute(expr.operator, left_values, right_values)
    block.budget.check()
    _refuse_rivals(pairing, values, present, matching)
    return merge(pairing.result, values, present, nameless)


def _columns(present: Present | None, columns: Indices) -> Present | None:
    return None if present is None else present[:, columns]


def _marks(nameless: Nameless, columns: Indices) -> Nameless:
    return nameless[columns] if isinstance(nameless, np.ndarray) else nameless


def _refuse_ambiguity(ambiguity: Ambiguity, many: Vector, one: Vector, side: str) -> None:
    """Refuse steps at which a match group has two series on the side that may have one."""
    present: Present = presence(one)[:, ambiguity.columns]
    counts = np.add.reduceat(present.astype(np.intp), ambiguity.starts, axis=1)
    # Where the other side is empty, nothing is compared, and nothing is wrong.
    found = np.argwhere((counts > 1) & any_present(many))
    if not len(found):
        return
    step, group = found[0].tolist()
    start = int(ambiguity.starts[group])
    columns = ambiguity.columns[start:][present[step, start:]][:2].tolist()
    raise QueryEvaluationError(
        f"found duplicate series for the match group {ambiguity.groups[group]} on the "
        f"{side} hand-side of the operation: "
        f"[{', '.join(str(one.series[column]) for column in columns)}];"
        "many-to-many matching not allowed: matching labels must be unique on one side"
    )


def _refuse_rivals(
    pairing: Pairing, values: Values, present: Present | None, matching: VectorMatching
) -> None:
    """Refuse steps at which two pairs would give the same result."""
    if pairing.rivals is None:
        return
    if present is None:
        present = np.ones(values.shape, np.bool_)
    order = np.argsort(pairing.rivals, kind="stable")
    starts = np.flatnonzero(np.diff(pairing.rivals[order], prepend=-1))
    if np.add.reduceat(present[:, order], starts, axis=1, dtype=np.intp).max(initial=0) < 2:
        return
    if matching.cardinality is Cardinality.ONE_TO_ONE:
        raise QueryEvaluationError(
            "multiple matches for labels: many-to-one matching must be explicit "
            "(group_left/group_right)"
        )
    raise QueryEvaluationError(
        "multiple matches for labels: grouping labels must ensure unique matches"
    )
