"""Text to tree: a precedence parser for PromQL, with limits, positions and type checks.

One method parses a run of operators (`_expression`); it calls itself only for what stands deeper:
the right operand, what is in parentheses, what a sign applies to. Operators in a row are a loop.
The methods follow the grammar from the outside in:

    expression   operand { binary-operator [bool] [on|ignoring (labels) [group_...]] expression }
    operand      sign expression | primary { [range] | [range:step] | offset duration | @ time }
    primary      number | string | (expression) | selector | function (arguments) | aggregation
    selector     name [{matchers}] | {matchers}

What is a word of the language and what a name is decided by place: `sum` before `(`, `by` or
`without` aggregates, elsewhere it is a metric.

Source:
    https://prometheus.io/docs/prometheus/latest/querying/basics/ and .../operators/
    prometheus/prometheus promql/parser/generated_parser.y, where the documentation is silent.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Final, NoReturn

from sakshi.model.matcher import Matcher
from sakshi.promql import token as kinds
from sakshi.promql.ast import (
    Aggregation,
    Binary,
    Call,
    Cardinality,
    Expr,
    NumberLiteral,
    Parenthesis,
    Span,
    StringLiteral,
    Unary,
    ValueType,
    VectorMatching,
)
from sakshi.promql.cursor import Cursor, quote_found
from sakshi.promql.errors import QueryLimitError
from sakshi.promql.function import SIGNATURES
from sakshi.promql.operator import (
    PRECEDENCE,
    RIGHT_ASSOCIATIVE,
    SET_OPERATORS,
    UNARY_PRECEDENCE,
)
from sakshi.promql.query_limit import DEFAULT_LIMITS, QueryLimits
from sakshi.promql.selector_parser import (
    SUFFIXES,
    parse_modifiers,
    parse_range,
    parse_vector_selector,
)
from sakshi.promql.token import AGGREGATORS, LABEL_KEYWORDS, METRIC_KEYWORDS, Token
from sakshi.promql.type_check import check_aggregation, check_binary, check_call, check_unary

PARAMETERIZED: Final = frozenset(
    {"bottomk", "count_values", "limit_ratio", "limitk", "quantile", "topk"}
)
"""Aggregators whose first argument is a parameter."""

_FILLS: Final = {
    "fill": ("fill_left", "fill_right"),
    "fill_left": ("fill_left",),
    "fill_right": ("fill_right",),
}
_CARDINALITIES: Final = {
    "group_left": Cardinality.MANY_TO_ONE,
    "group_right": Cardinality.ONE_TO_MANY,
}


def parse_query(text: str, limits: QueryLimits = DEFAULT_LIMITS) -> Expr:
    """Return the tree of a query, its types checked.

    Raises:
        QuerySyntaxError: the text is not PromQL, or its types do not fit.
        QueryLimitError: the text is longer, deeper or has more operators than the limits allow.

    Example:
        >>> query = parse_query('sum by (job) (rate(http_requests_total{code=~"5.."}[5m])) > 1')
        >>> print(query.type, query.children[0])
        vector sum by (job) (rate(http_requests_total{code=~"5.."}[5m]))
    """
    return _Parser(text, limits).parse_query()


def parse_selector(text: str, limits: QueryLimits = DEFAULT_LIMITS) -> tuple[Matcher, ...]:
    """Return the matchers of a selector without range and modifiers: an argument of `match[]`.

    Raises:
        QuerySyntaxError: the text is not a selector, or it would select every series.
        QueryLimitError: the text is longer than the limits allow.

    Example:
        >>> print(*parse_selector('up{job="chat"}'))
        __name__="up" job="chat"
    """
    return _Parser(text, limits).parse_selector()


class _Parser(Cursor):
    """One pass over one text; an object for one use."""

    def __init__(self, text: str, limits: QueryLimits) -> None:
        super().__init__(text, limits)
        self._depth = 0
        self._operators = 0

    def parse_query(self) -> Expr:
        expr = self._expression()
        if self.token.kind != kinds.END:
            self.fail("an operator or the end of the query")
        self._check_depth(expr)
        return expr

    def parse_selector(self) -> tuple[Matcher, ...]:
        kind = self.token.kind
        if kind != "{" and kind != kinds.IDENTIFIER and kind not in METRIC_KEYWORDS:
            self.fail("a selector")
        selector = parse_vector_selector(self, None if kind == "{" else self.take())
        if self.token.kind != kinds.END:
            self.fail("the end of the selector")
        return selector.matchers

    # Operators

    def _expression(self, loosest: int = 0) -> Expr:
        """Parse operands and the operators between them that bind at least so tightly."""
        self._depth += 1
        if self._depth > self.limits.depth_max:
            self._fail_depth()
        expr = self._operand()
        while PRECEDENCE.get(self.token.kind, -1) >= loosest:
            expr = self._binary(expr)
        self._depth -= 1
        return expr

    def _binary(self, left: Expr) -> Expr:
        token = self._take_operator()
        operator = token.kind
        return_bool = self.accept("bool")
        written = self._matching()
        right = self._expression(PRECEDENCE[operator] + (operator not in RIGHT_ASSOCIATIVE))
        vectors = left.type is right.type is ValueType.VECTOR
        matching = _complete(written, operator) if vectors else None
        span = Span(left.span.start, self.end)
        binary = Binary(operator, left, right, return_bool, matching, span=span)
        check_binary(self.text, binary, token.start, written)
        return binary

    def _matching(self) -> VectorMatching | None:
        """Parse `on (labels) group_left (labels)` and its like; None where nothing is written."""
        is_written = self.token.kind in ("on", "ignoring")
        on, cardinality = False, Cardinality.ONE_TO_ONE
        labels: tuple[str, ...] = ()
        include: tuple[str, ...] = ()
        if is_written:
            on = self.take().kind == "on"
            labels = self._labels()
        if is_written and self.token.kind in _CARDINALITIES:
            cardinality = _CARDINALITIES[self.take().kind]
            include = self._labels() if self.token.kind == "(" else ()
        fills = self._fills()
        if not is_written and not fills:
            return None
        return VectorMatching(
            cardinality, on, labels, include, fills.get("fill_left"), fills.get("fill_right")
        )

    def _fills(self) -> dict[str, float]:
        """Parse `fill (0)`, or `fill_left (0)` and `fill_right (0)`; elsewhere they are metrics."""
        fills: dict[str, float] = {}
        while (word := self.token.text.lower()) in _FILLS and self.peek().kind == "(":
            sides = _FILLS[word]
            if fills.keys() & set(sides):
                self.fail("one value to fill a side with")
            self.take()
            self.take()
            value = self.take_signed_seconds(f'a number after "{word}("')
            self.expect(")", '")" after the number')
            fills |= dict.fromkeys(sides, value)
        return fills

    def _labels(self) -> tuple[str, ...]:
        """Parse `(a, b)`: label names, which may be quoted."""
        self.expect("(", '"(" before label names')
        labels: list[str] = []
        while self.token.kind != ")":
            labels.append(self._label())
            if not self.accept(",") and self.token.kind != ")":
                self.fail('"," or ")" after a label name')
        self.take()
        return tuple(labels)

    def _label(self) -> str:
        token = self.token
        if token.kind == kinds.IDENTIFIER or token.kind in LABEL_KEYWORDS:
            return self.take().text
        if token.kind != kinds.STRING or len(token.text) == len('""'):
            self.fail('a label name or ")"')
        return self.take_string()

    def _unary(self) -> Expr:
        token = self._take_operator()
        operand = self._expression(UNARY_PRECEDENCE)
        span = Span(token.start, self.end)
        if isinstance(operand, NumberLiteral):
            value = -operand.value if token.kind == "-" else operand.value
            return NumberLiteral(value, operand.is_duration, span=span)
        unary = Unary(token.kind, operand, span=span)
        check_unary(self.text, unary)
        return unary

    def _take_operator(self) -> Token:
        self._operators += 1
        if self._operators > self.limits.operators_max:
            raise QueryLimitError(
                f"the query has more operators than the limit of {self.limits.operators_max}"
            )
        return self.take()

    # Operands

    def _operand(self) -> Expr:
        parse = _OPERANDS.get(self.token.kind)
        if parse is None:
            self.fail("an expression")
        expr = parse(self)
        while self.token.kind in SUFFIXES:
            expr = (parse_range if self.token.kind == "[" else parse_modifiers)(self, expr)
        return expr

    def _number(self) -> NumberLiteral:
        start, is_duration = self.token.start, self.token.kind == kinds.DURATION
        return NumberLiteral(self.take_seconds(), is_duration, span=Span(start, self.end))

    def _string(self) -> StringLiteral:
        start = self.token.start
        return StringLiteral(self.take_string(), span=Span(start, self.end))

    def _parenthesis(self) -> Parenthesis:
        start = self.take().start
        expr = self._expression()
        self.expect(")", 'an operator or ")"')
        return Parenthesis(expr, span=Span(start, self.end))

    def _unnamed_selector(self) -> Expr:
        return parse_vector_selector(self)

    def _selector(self) -> Expr:
        return parse_vector_selector(self, self.take())

    def _call_or_selector(self) -> Expr:
        name = self.take()
        if self.token.kind == "(":
            return self._call(name)
        return parse_vector_selector(self, name)

    def _aggregation_or_selector(self) -> Expr:
        name = self.take()
        if self.token.kind in ("(", "by", "without"):
            return self._aggregation(name)
        return parse_vector_selector(self, name)

    def _call(self, name: Token) -> Call:
        signature = SIGNATURES.get(name.text)
        if signature is None:
            self._fail_function(name)
        arguments = self._arguments(name.text)
        call = Call(name.text, arguments, span=Span(name.start, self.end))
        check_call(self.text, call, signature)
        return call

    def _arguments(self, function: str) -> tuple[Expr, ...]:
        """Parse `(a, b)`: the arguments of a call or an aggregation."""
        self.expect("(", f'"(" before the operand of {function}')
        if self.accept(")"):
            return ()
        arguments = [self._expression()]
        while self.accept(","):
            if function == "info" and len(arguments) == 1:
                arguments.append(self._info_matchers())
            else:
                arguments.append(self._expression())
        self.expect(")", 'an operator, "," or ")"')
        return tuple(arguments)

    def _info_matchers(self) -> Expr:
        """Parse the second argument of info(): matchers without a name; they may match all."""
        if self.token.kind != "{":
            self.fail("label matchers in braces as argument 2 of info()")
        return parse_vector_selector(self, may_match_all=True)

    def _aggregation(self, name: Token) -> Aggregation:
        operator = name.kind
        grouping = self._grouping()
        arguments = self._arguments(operator)
        if grouping is None:
            grouping = self._grouping()
        labels, without = grouping or ((), False)
        wanted = 2 if operator in PARAMETERIZED else 1
        if len(arguments) != wanted:
            expected = "a parameter and an operand" if wanted == 2 else "one operand"
            found = f"{len(arguments)} argument{'s' if len(arguments) != 1 else ''}"
            self.fail_at(name.start, f"{expected} in {operator}()", found)
        parameter = arguments[0] if wanted == 2 else None
        span = Span(name.start, self.end)
        aggregation = Aggregation(operator, arguments[-1], parameter, labels, without, span=span)
        check_aggregation(self.text, aggregation)
        return aggregation

    def _grouping(self) -> tuple[tuple[str, ...], bool] | None:
        if self.token.kind not in ("by", "without"):
            return None
        without = self.take().kind == "without"
        return self._labels(), without

    # Refusals

    def _fail_function(self, name: Token) -> NoReturn:
        found = quote_found(name.text)
        if similar := difflib.get_close_matches(
            name.text.lower(), [*SIGNATURES, *AGGREGATORS], n=1
        ):
            found += f' (did you mean "{similar[0]}"?)'
        self.fail_at(name.start, "the name of a function", found)

    def _check_depth(self, expr: Expr) -> None:
        pending = [(expr, 1)]
        while pending:
            node, depth = pending.pop()
            if depth > self.limits.depth_max:
                self._fail_depth()
            pending.extend((child, depth + 1) for child in node.children)

    def _fail_depth(self) -> NoReturn:
        raise QueryLimitError(
            f"the query is nested deeper than the limit of {self.limits.depth_max} levels"
        )


def _complete(written: VectorMatching | None, operator: str) -> VectorMatching:
    """Return the matching of two vectors, given what is written of it."""
    if operator not in SET_OPERATORS:
        return written or _ONE_TO_ONE
    if written is None:
        return _MANY_TO_MANY
    return VectorMatching(Cardinality.MANY_TO_MANY, written.on, written.labels)


_ONE_TO_ONE: Final = VectorMatching()
_MANY_TO_MANY: Final = VectorMatching(Cardinality.MANY_TO_MANY)

_OPERANDS: Final[dict[str, Callable[[_Parser], Expr]]] = {
    **dict.fromkeys(METRIC_KEYWORDS, _Parser._selector),
    **dict.fromkeys(AGGREGATORS, _Parser._aggregation_or_selector),
    kinds.IDENTIFIER: _Parser._call_or_selector,
    kinds.NUMBER: _Parser._number,
    kinds.DURATION: _Parser._number,
    kinds.STRING: _Parser._string,
    "{": _Parser._unnamed_selector,
    "(": _Parser._parenthesis,
    "+": _Parser._unary,
    "-": _Parser._unary,
}
"""What an operand may begin with, and who parses it."""
