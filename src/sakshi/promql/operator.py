"""The binary operators and how tightly they bind, from `or` (loosest) to `^`."""

from __future__ import annotations

from typing import Final

COMPARISONS: Final = frozenset({"==", "!=", ">", "<", ">=", "<="})
SET_OPERATORS: Final = frozenset({"and", "or", "unless"})

PRECEDENCE: Final = {
    operator: precedence
    for precedence, operators in enumerate(
        (
            ("or",),
            ("and", "unless"),
            tuple(COMPARISONS),
            ("+", "-"),
            ("*", "/", "%", "atan2"),
            ("^",),
        )
    )
    for operator in operators
}
"""Operator to precedence, 0 the loosest.

Source:
    https://prometheus.io/docs/prometheus/latest/querying/operators/#binary-operator-precedence
"""

RIGHT_ASSOCIATIVE: Final = frozenset({"^"})  # 2 ^ 3 ^ 2 is 2 ^ (3 ^ 2); all others lean left

UNARY_PRECEDENCE: Final = PRECEDENCE["^"]
"""The loosest operator that a sign's operand may hold: -x ^ 2 is -(x ^ 2), -x * y is (-x) * y."""
