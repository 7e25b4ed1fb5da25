"""Parses durations: `5m`, `300`, and arithmetic with them: `[2 * step() + 5m]`, `offset (1h / 2)`.

What does not depend on the query is computed at once. What does, by `step()` or `range()`, stays an
expression, in seconds, which `duration.resolved` computes when a query is known.

Source:
    https://prometheus.io/docs/prometheus/latest/feature_flags/#promql-arithmetic-expressions-in-time-durations
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sakshi.model.duration import DURATION_MS_MAX
from sakshi.promql import token as kinds
from sakshi.promql.ast import Binary, Call, Duration, Expr, NumberLiteral, Span, Unary
from sakshi.promql.cursor import Cursor
from sakshi.promql.duration import InvalidDurationExpressionError, compute, milliseconds
from sakshi.promql.errors import QueryLimitError
from sakshi.promql.operator import PRECEDENCE, RIGHT_ASSOCIATIVE, UNARY_PRECEDENCE

_ARITHMETIC: Final = frozenset({"+", "-", "*", "/", "%", "^"})
_SIGNS: Final = frozenset({"+", "-"})
_OF_QUERY: Final = frozenset({"step", "range"})
_CHOICES: Final = {"min": "min_of", "max": "max_of", "min_of": "min_of", "max_of": "max_of"}


def parse_positive_duration(cursor: Cursor, expected: str) -> Duration:
    """Parse what stands in brackets: a duration above zero, or an expression for one."""
    start = cursor.token.start
    duration = _finished(cursor, start, _Durations(cursor).expression(expected))
    if isinstance(duration, int) and duration <= 0:
        cursor.fail_since(start, "a duration of at least 1ms")
    return duration


def parse_offset(cursor: Cursor, expected: str) -> Duration:
    """Parse what stands after `offset`: arithmetic needs parentheses there."""
    start = cursor.token.start
    return _finished(cursor, start, _Durations(cursor).signed_operand(expected))


def _finished(cursor: Cursor, start: int, expr: Expr) -> Duration:
    """Return milliseconds where the duration is known."""
    if not isinstance(expr, NumberLiteral):
        return expr
    if not abs(expr.value) * 1000 <= DURATION_MS_MAX:  # not `>`: that would let NaN through
        cursor.fail_since(start, "a duration below 292 years")
    return milliseconds(expr.value)


class _Durations:
    """Parses the expressions of one duration; an object for one use."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._depth = 0

    def expression(self, expected: str = "a duration", loosest: int = 0) -> Expr:
        """Parse operands and the operators between them that bind at least so tightly."""
        cursor, depth = self._cursor, self._depth
        self._deepen()
        if cursor.token.kind in _SIGNS:
            expr = self._signed(lambda: self.expression(loosest=UNARY_PRECEDENCE))
        else:
            expr = self._operand(expected)
        while cursor.token.kind in _ARITHMETIC and PRECEDENCE[cursor.token.kind] >= loosest:
            operator = cursor.take().kind
            right = self.expression(
                loosest=PRECEDENCE[operator] + (operator not in RIGHT_ASSOCIATIVE)
            )
            span = Span(expr.span.start, cursor.end)
            expr = self._folded(operator, expr, right, Binary(operator, expr, right, span=span))
            if isinstance(expr, Binary):
                self._deepen()  # operators in a row nest to the left
        self._depth = depth
        return expr

    def signed_operand(self, expected: str) -> Expr:
        """Parse an operand that may have a sign."""
        if self._cursor.token.kind in _SIGNS:
            return self._signed(lambda: self._operand(expected))
        return self._operand(expected)

    def _operand(self, expected: str) -> Expr:
        cursor, token = self._cursor, self._cursor.token
        if token.kind in (kinds.NUMBER, kinds.DURATION):
            is_duration = token.kind == kinds.DURATION
            return NumberLiteral(
                cursor.take_seconds(), is_duration, span=Span(token.start, cursor.end)
            )
        if token.kind == "(":
            cursor.take()
            expr = self.expression()
            cursor.expect(")", 'an operator or ")"')
            return expr
        word = token.text.lower()
        if word in _OF_QUERY:
            cursor.take()
            cursor.expect("(", f'"()" after "{word}"')
            cursor.expect(")", f'")" after "{word}("')
            return Call(word, (), span=Span(token.start, cursor.end))
        if word not in _CHOICES:
            cursor.fail(expected)
        return self._choice(_CHOICES[word])

    def _signed(self, parse: Callable[[], Expr]) -> Expr:
        sign = self._cursor.take()
        operand = parse()
        span = Span(sign.start, self._cursor.end)
        if isinstance(operand, NumberLiteral):
            value = -operand.value if sign.kind == "-" else operand.value
            return NumberLiteral(value, operand.is_duration, span=span)
        return Unary(sign.kind, operand, span=span)

    def _choice(self, function: str) -> Expr:
        """Parse `min(a, b)` and `max(a, b)`."""
        cursor = self._cursor
        name = cursor.take()
        cursor.expect("(", f'"(" after "{name.text}"')
        left = self.expression()
        cursor.expect(",", 'an operator or ","')
        right = self.expression()
        cursor.expect(")", 'an operator or ")"')
        call = Call(function, (left, right), span=Span(name.start, cursor.end))
        return self._folded(function, left, right, call)

    def _folded(self, operator: str, left: Expr, right: Expr, whole: Expr) -> Expr:
        """Return the value of an operator between numbers, else the whole expression."""
        if not (isinstance(left, NumberLiteral) and isinstance(right, NumberLiteral)):
            return whole
        try:
            return NumberLiteral(compute(operator, left.value, right.value), span=whole.span)
        except InvalidDurationExpressionError as error:
            self._cursor.fail_since(whole.span.start, str(error))

    def _deepen(self) -> None:
        self._depth += 1
        if self._depth > self._cursor.limits.depth_max:
            raise QueryLimitError(
                "the query is nested deeper than the limit of"
                f" {self._cursor.limits.depth_max} levels"
            )
