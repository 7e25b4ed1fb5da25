"""Tree to text: canonical PromQL in one line, as Prometheus' own formatter prints it.

Where a tree that was made by hand needs parentheses to keep its shape, they are added.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from sakshi.model.duration import format_duration
from sakshi.model.labels import (
    LEGACY_METRIC_NAME,
    METRIC_NAME,
    format_label_name,
    quote_value,
)
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.promql.ast import (
    Aggregation,
    Binary,
    Call,
    Cardinality,
    Duration,
    Expr,
    MatrixSelector,
    NumberLiteral,
    Parenthesis,
    StringLiteral,
    Subquery,
    TimeAnchor,
    Unary,
    VectorMatching,
    VectorSelector,
)
from sakshi.promql.operator import PRECEDENCE, RIGHT_ASSOCIATIVE, UNARY_PRECEDENCE
from sakshi.promql.token import KEYWORDS, METRIC_KEYWORDS, NUMBER_WORDS

_NOT_BARE: Final = (KEYWORDS - METRIC_KEYWORDS) | NUMBER_WORDS
_TIGHTEST: Final = 1 + max(PRECEDENCE.values())  # of what needs no parentheses anywhere


def print_expr(expr: Expr) -> str:
    """Return a tree as PromQL, in one line.

    The text parses to an equal tree, if the tree came from the parser. Numbers are written without
    exponent.
    """
    match expr:
        case NumberLiteral():
            return _number(expr)
        case StringLiteral():
            return quote_value(expr.value)
        case VectorSelector() | MatrixSelector():
            return _selector(expr)
        case Subquery():
            step = "" if expr.step_ms is None else _duration(expr.step_ms)
            window = f"[{_duration(expr.range_ms)}:{step}]"
            return _operand(expr.expr, _TIGHTEST) + window + _modifiers(expr.offset_ms, expr.at)
        case Call():
            return f"{expr.function}({_arguments(expr)})"
        case Aggregation():
            return _aggregation(expr)
        case Binary():
            return _binary(expr)
        case Unary():
            # A literal would take the sign in: it keeps apart in parentheses.
            literal = isinstance(expr.expr, NumberLiteral)
            return expr.operator + _operand(expr.expr, UNARY_PRECEDENCE, literal)
        case Parenthesis():
            return f"({print_expr(expr.expr)})"
        case _:
            raise AssertionError(f"no syntax for {type(expr).__name__}")


def _number(literal: NumberLiteral) -> str:
    value = literal.value
    if literal.is_duration:
        return format_duration(round(value * 1000))
    return _float(value)


def _float(value: float) -> str:
    if value - value != 0:  # NaN or infinite
        return str(value).replace("inf", "Inf").replace("nan", "NaN")
    return f"{Decimal(repr(value)):f}".removesuffix(".0")


def _selector(expr: VectorSelector | MatrixSelector, *, bare_name: bool = True) -> str:
    selector, window = expr, ""
    if isinstance(selector, MatrixSelector):
        window = f"[{_duration(selector.range_ms)}]"
        selector = selector.selector
    matchers = selector.matchers
    name = _bare_name(matchers) if bare_name else ""
    inside = ",".join(map(str, matchers[1:] if name else matchers))
    braces = f"{{{inside}}}" if inside or not name else ""
    extension = "" if selector.extension is None else f" {selector.extension}"
    return name + braces + window + extension + _modifiers(selector.offset_ms, selector.at)


def _duration(duration: Duration, *, in_brackets: bool = True) -> str:
    """Return a duration as it stands in brackets, or after `offset`."""
    if isinstance(duration, int):
        return format_duration(duration)
    text = print_expr(duration)
    return f"({text})" if isinstance(duration, Binary) and not in_brackets else text


def _bare_name(matchers: tuple[Matcher, ...]) -> str:
    """Return the metric name that can stand before the braces, or nothing."""
    names = [matcher for matcher in matchers if matcher.name == METRIC_NAME]
    if len(names) != 1 or names[0] is not matchers[0]:
        return ""
    name = names[0].value
    fits = LEGACY_METRIC_NAME.fullmatch(name) and name.lower() not in _NOT_BARE
    return name if fits and names[0].operator is MatchOperator.EQUAL else ""


def _modifiers(offset_ms: Duration, at: int | TimeAnchor | None) -> str:
    text = ""
    if isinstance(at, TimeAnchor):
        text = f" @ {at}()"
    elif at is not None:
        seconds, milliseconds = divmod(abs(at), 1000)
        text = f" @ {'-' if at < 0 else ''}{seconds}.{milliseconds:03}"
    return f"{text} offset {_duration(offset_ms, in_brackets=False)}" if offset_ms else text


def _arguments(call: Call) -> str:
    texts = [print_expr(argument) for argument in call.arguments]
    if call.function == "info" and len(texts) == 2:
        matchers = call.arguments[1]
        assert isinstance(matchers, VectorSelector)
        texts[1] = _selector(matchers, bare_name=False)
    return ", ".join(texts)


def _aggregation(expr: Aggregation) -> str:
    grouping = ""
    if expr.grouping or expr.without:
        grouping = f" {'without' if expr.without else 'by'} ({_labels(expr.grouping)}) "
    parameter = "" if expr.parameter is None else f"{print_expr(expr.parameter)}, "
    return f"{expr.operator}{grouping}({parameter}{print_expr(expr.expr)})"


def _binary(expr: Binary) -> str:
    precedence = PRECEDENCE[expr.operator]
    leans_right = expr.operator in RIGHT_ASSOCIATIVE
    left = _operand(expr.left, precedence + leans_right)
    right = _operand(expr.right, precedence + (not leans_right))
    modifiers = (" bool" if expr.return_bool else "") + _matching(expr.matching)
    return f"{left} {expr.operator}{modifiers} {right}"


def _matching(matching: VectorMatching | None) -> str:
    if matching is None:
        return ""
    group = _GROUPS.get(matching.cardinality)
    text = ""
    if matching.on or matching.labels or group:
        text = f" {'on' if matching.on else 'ignoring'} ({_labels(matching.labels)})"
    if group:
        text += f" {group} ({_labels(matching.include)})"
    return text + _fills(matching.fill_left, matching.fill_right)


def _fills(left: float | None, right: float | None) -> str:
    if left is not None and right is not None and repr(left) == repr(right):
        return f" fill ({_float(left)})"
    return "".join(
        f" {word} ({_float(value)})"
        for word, value in (("fill_left", left), ("fill_right", right))
        if value is not None
    )


_GROUPS: Final = {
    Cardinality.MANY_TO_ONE: "group_left",
    Cardinality.ONE_TO_MANY: "group_right",
}


def _labels(names: tuple[str, ...]) -> str:
    return ", ".join(map(format_label_name, names))


def _operand(expr: Expr, loosest: int, always: bool = False) -> str:
    """Return an expression in a place where only what binds at least so tightly may stand bare."""
    text = print_expr(expr)
    return f"({text})" if always or _binding(expr, text) < loosest else text


def _binding(expr: Expr, text: str) -> int:
    """Return how tightly the parts of a text hold together, as a precedence."""
    if isinstance(expr, Binary):
        return PRECEDENCE[expr.operator]
    if isinstance(expr, Unary) or text.startswith("-"):
        return UNARY_PRECEDENCE
    return _TIGHTEST
