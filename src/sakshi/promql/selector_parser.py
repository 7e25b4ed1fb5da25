"""Parses selectors, and what may follow one: a range or subquery, offset and @.

Each function starts at the cursor's next token and leaves the cursor after what it parsed.
"""

from __future__ import annotations

from typing import Final

from sakshi.model.labels import METRIC_NAME, quote_value
from sakshi.model.matcher import InvalidRegexError, Matcher, MatchOperator
from sakshi.promql import token as kinds
from sakshi.promql.ast import (
    Duration,
    Expr,
    Extension,
    MatrixSelector,
    Span,
    Subquery,
    TimeAnchor,
    ValueType,
    VectorSelector,
)
from sakshi.promql.cursor import Cursor
from sakshi.promql.duration_parser import parse_offset, parse_positive_duration
from sakshi.promql.token import Token
from sakshi.promql.type_check import check_matchers, check_type

AT_MS_MAX: Final = 2**50  # the year 37,648; up to here a time survives float seconds exactly

SUFFIXES: Final = frozenset({"[", "offset", "@", "anchored", "smoothed"})
"""What may follow an operand: a range or subquery (`parse_range`), or modifiers."""

_EXTENSIONS: Final = frozenset(Extension)
_MODIFIERS: Final = SUFFIXES - {"["}

_MATCH_OPERATORS: Final = {str(operator): operator for operator in MatchOperator}
_REGEX_OPERATORS: Final = frozenset({MatchOperator.REGEX, MatchOperator.NOT_REGEX})
_ANCHORS: Final = frozenset(TimeAnchor)


def parse_vector_selector(
    cursor: Cursor, name: Token | None = None, *, may_match_all: bool = False
) -> VectorSelector:
    """Parse `{matchers}`, or what remains of `name{matchers}` and `name` after the name."""
    start = cursor.token.start if name is None else name.start
    matchers: list[Matcher] = []
    if name is not None:
        matchers.append(Matcher(METRIC_NAME, MatchOperator.EQUAL, name.text))
    if cursor.token.kind == "{":
        _parse_matchers(cursor, matchers)
    if name is None and not may_match_all:
        check_matchers(cursor.text, matchers, start)
    return VectorSelector(tuple(matchers), span=Span(start, cursor.end))


def _parse_matchers(cursor: Cursor, matchers: list[Matcher]) -> None:
    """Add the matchers between braces to a list that holds the name, if one stood before them."""
    cursor.take()
    name = matchers[0].value if matchers else None
    while cursor.token.kind != "}":
        start = cursor.token.start
        matcher = _parse_matcher(cursor)
        if name is not None and matcher.name == METRIC_NAME:
            cursor.fail_at(start, f"no second metric name after {quote_value(name)}", str(matcher))
        matchers.append(matcher)
        if not cursor.accept(",") and cursor.token.kind != "}":
            cursor.fail('"," or "}" after a matcher')
    cursor.take()


def _parse_matcher(cursor: Cursor) -> Matcher:
    """Parse `label="value"`, or `"name"`: the metric name in quotes."""
    quoted = cursor.token.kind == kinds.STRING
    if not quoted and cursor.token.kind != kinds.IDENTIFIER:
        cursor.fail('a label name, a metric name in quotes or "}"')
    name = cursor.take_string() if quoted else cursor.take().text
    operator = _MATCH_OPERATORS.get(cursor.token.kind)
    if operator is None:
        if quoted and cursor.token.kind in (",", "}"):
            return Matcher(METRIC_NAME, MatchOperator.EQUAL, name)
        cursor.fail('"=", "!=", "=~" or "!~" after a label name')
    cursor.take()
    start = cursor.token.start
    if cursor.token.kind != kinds.STRING:
        cursor.fail(f'a string after "{operator}"')
    value = cursor.take_string()
    if operator in _REGEX_OPERATORS:
        cursor.count_regex()
    try:
        return Matcher(name, operator, value)
    except InvalidRegexError as error:
        reason = str(error).removesuffix(f" in the regular expression {quote_value(value)}")
        found = f"{quote_value(value)}: {reason}"
        cursor.fail_at(start, "a regular expression of RE2", found)


def parse_range(cursor: Cursor, expr: Expr) -> MatrixSelector | Subquery:
    """Parse `[range]` or `[range:step]` after an expression."""
    bracket = cursor.take()
    range_ms = parse_positive_duration(cursor, 'a duration after "["')
    if cursor.accept(":"):
        return _parse_subquery(cursor, expr, range_ms)
    cursor.expect("]", '":" or "]" after the range')
    if not isinstance(expr, VectorSelector):
        cursor.fail_at(bracket.start, "a selector before a range", expr.type.noun)
    if expr.offset_ms or expr.at is not None or expr.extension is not None:
        cursor.fail_at(bracket.start, 'the range before "offset" and "@"', "it behind")
    return MatrixSelector(expr, range_ms, span=Span(expr.span.start, cursor.end))


def _parse_subquery(cursor: Cursor, expr: Expr, range_ms: Duration) -> Subquery:
    step_ms = None
    if cursor.token.kind != "]":
        step_ms = parse_positive_duration(cursor, 'a duration or "]" after ":"')
    cursor.expect("]", '"]" after the step')
    check_type(cursor.text, expr, ValueType.VECTOR, "before the range of a subquery")
    return Subquery(expr, range_ms, step_ms, span=Span(expr.span.start, cursor.end))


def parse_modifiers(cursor: Cursor, expr: Expr) -> Expr:
    """Parse what may follow a range, each at most once, in any order.

    `offset duration`, `@ time`, and one of `anchored` and `smoothed`.
    """
    if not isinstance(expr, VectorSelector | MatrixSelector | Subquery):
        cursor.fail(f'a selector or a subquery before "{cursor.token.text.lower()}"')
    offset_ms: Duration | None = None
    at: int | TimeAnchor | None = None
    extension: Extension | None = None
    while (word := cursor.token.text.lower()) in _MODIFIERS and cursor.token.kind in SUFFIXES:
        known = {"offset": offset_ms, "@": at}.get(word, extension)
        if known is not None:
            once = '"anchored" or "smoothed"' if word in _EXTENSIONS else f'"{word}"'
            cursor.fail(f"{once} at most once")
        if word in _EXTENSIONS:
            _check_extension(cursor, expr, word)
        cursor.take()
        if word == "@":
            at = _parse_time(cursor)
        elif word == "offset":
            offset_ms = parse_offset(cursor, 'a duration after "offset"')
        else:
            extension = Extension(word)
    span = Span(expr.span.start, cursor.end)
    if isinstance(expr, VectorSelector):
        return VectorSelector(expr.matchers, offset_ms or 0, at, extension, span=span)
    if isinstance(expr, MatrixSelector):
        inner = expr.selector
        selector = VectorSelector(inner.matchers, offset_ms or 0, at, extension, span=inner.span)
        return MatrixSelector(selector, expr.range_ms, span=span)
    return Subquery(expr.expr, expr.range_ms, expr.step_ms, offset_ms or 0, at, span=span)


def _check_extension(cursor: Cursor, expr: Expr, word: str) -> None:
    """Refuse `anchored` and `smoothed` behind what has no samples around it."""
    if isinstance(expr, Subquery):
        cursor.fail(f'a selector before "{word}"')
    if isinstance(expr, VectorSelector) and word == Extension.ANCHORED:
        cursor.fail('a range before "anchored"')


def _parse_time(cursor: Cursor) -> int | TimeAnchor:
    """Parse what follows @; a time in milliseconds."""
    word = cursor.token.text.lower()
    if cursor.token.kind == kinds.IDENTIFIER and word in _ANCHORS:
        cursor.take()
        cursor.expect("(", f'"()" after "{word}"')
        cursor.expect(")", f'")" after "{word}("')
        return TimeAnchor(word)
    start = cursor.token.start
    seconds = cursor.take_signed_seconds('a time in seconds, start() or end() after "@"')
    if not abs(seconds) * 1000 <= AT_MS_MAX:  # not `>`: that would let NaN through
        cursor.fail_since(start, "a time before the year 37648")
    return _round(seconds * 1000)


def _round(number: float) -> int:
    """Round halves away from zero, as Go does, not to even."""
    return int(abs(number) + 0.5) * (1 if number > 0 else -1)
