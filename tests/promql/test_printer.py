from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.promql.ast import (
    Aggregation,
    Binary,
    Call,
    Cardinality,
    Expr,
    MatrixSelector,
    NumberLiteral,
    Parenthesis,
    Span,
    StringLiteral,
    Subquery,
    TimeAnchor,
    Unary,
    ValueType,
    VectorMatching,
    VectorSelector,
)
from sakshi.promql.function import SIGNATURES
from sakshi.promql.operator import COMPARISONS, PRECEDENCE, SET_OPERATORS
from sakshi.promql.parser import PARAMETERIZED, parse_query
from sakshi.promql.printer import print_expr
from sakshi.promql.token import AGGREGATORS

NOWHERE = Span(0, 0)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("x", "x"),
        ("x{}", "x"),
        ("x[5m * 2]", "x[10m]"),
        ("x[STEP() + 5m * 2]", "x[step() + 600]"),
        ("x[-(1m - step()) * 2]", "x[-(1m - step()) * 2]"),
        ("x[max(step(), 1m):min(range(), 5)]", "x[max_of(step(), 1m):min_of(range(), 5)]"),
        ("x offset (2 * step())", "x offset (2 * step())"),
        ("x offset -range()", "x offset -range()"),
        ("x[5m] offset 1m ANCHORED", "x[5m] anchored offset 1m"),
        ("x smoothed @ 5", "x smoothed @ 5.000"),
        ("a + fill(0) b", "a + fill (0) b"),
        (
            "a + on(x) group_left fill_right(1) fill_left(-Inf) b",
            "a + on (x) group_left () fill_left (-Inf) fill_right (1) b",
        ),
        ("a + fill_left(1) fill_right(1) b", "a + fill (1) b"),
        ("fill + fill_left", "fill + fill_left"),
        ("x { a = 'b' , c =~ `d` , }", 'x{a="b",c=~"d"}'),
        ('{__name__="x",a="b"}', 'x{a="b"}'),
        ('{a="b",__name__="x"}', '{a="b",__name__="x"}'),
        ('{__name__="x",__name__="y"}', '{__name__="x",__name__="y"}'),
        ('{__name__=~"x"}', '{__name__=~"x"}'),
        ('{"my.metric","my.label"!~"x"}', '{__name__="my.metric","my.label"!~"x"}'),
        ('{__name__="on"}', '{__name__="on"}'),
        ('{__name__="Inf"}', '{__name__="Inf"}'),
        ('{__name__="Sum"}', "Sum"),
        ("x[90]", "x[1m30s]"),
        ("x[60m] offset 1h @ 5", "x[1h] @ 5.000 offset 1h"),
        ("x offset -1w1d @ -0.5", "x @ -0.500 offset -8d"),
        ("x offset 0s", "x"),
        ("x @ START( )", "x @ start()"),
        ("x[1h:60s] @ end()", "x[1h:1m] @ end()"),
        ("x[1h:]", "x[1h:]"),
        ("1e3", "1000"),
        ("1e-7", "0.0000001"),
        ("1e21", "1000000000000000000000"),
        ("0x1F", "31"),
        (".5", "0.5"),
        ("-0", "-0"),
        ("inf", "Inf"),
        ("-INF", "-Inf"),
        ("nan", "NaN"),
        ("90m", "1h30m"),
        ("-5s", "-5s"),
        ("2 ^ 5m", "2 ^ 5m"),
        ("'it\\'s \"\\n\"'", r'"it' + "'" + r's \"\n\""'),
        ("SUM(x)BY(b,'a.c')", 'sum by (b, "a.c") (x)'),
        ("sum by () (x)", "sum(x)"),
        ("sum(x) without ()", "sum without () (x)"),
        ("topk  (5,x)", "topk(5, x)"),
        ("topk by (a) (5,x)", "topk by (a) (5, x)"),
        ("count_values('v',x)", 'count_values("v", x)'),
        ("round(x,5)", "round(x, 5)"),
        ("time( )", "time()"),
        ('info(x,{__name__="y"})', 'info(x, {__name__="y"})'),
        ("info(x)", "info(x)"),
        ("a+b", "a + b"),
        ("a ATAN2 b", "a atan2 b"),
        ("a+on(x)b", "a + on (x) b"),
        ("a+on()b", "a + on () b"),
        ("a+ignoring()b", "a + b"),
        ("a and ignoring(x,y)b", "a and ignoring (x, y) b"),
        ("a>bool on(x)group_left b", "a > bool on (x) group_left () b"),
        ("a/ignoring()group_right('y.z')b", 'a / ignoring () group_right ("y.z") b'),
        ("- a^-b", "-a ^ -b"),
        ("(((a)))", "(((a)))"),
        ("--a", "--a"),
        ("a # comment\n or\n b", "a or b"),
    ],
)
def test_query_is_printed_in_one_form(text: str, printed: str) -> None:
    """Blanks, quotes, case and order of modifiers are one; the printed text prints as itself."""
    expr = parse_query(text)

    assert str(expr) == printed
    assert parse_query(printed) == expr


A, B, C = (
    VectorSelector((Matcher("__name__", MatchOperator.EQUAL, name),), span=NOWHERE)
    for name in "abc"
)


def binary(operator: str, left: Expr, right: Expr) -> Binary:
    vectors = left.type is right.type is ValueType.VECTOR
    return Binary(
        operator, left, right, matching=VectorMatching() if vectors else None, span=NOWHERE
    )


def negative(expr: Expr) -> Unary:
    return Unary("-", expr, span=NOWHERE)


@pytest.mark.parametrize(
    ("expr", "printed"),
    [
        pytest.param(binary("*", binary("+", A, B), C), "(a + b) * c", id="looser on the left"),
        pytest.param(binary("*", A, binary("+", B, C)), "a * (b + c)", id="looser on the right"),
        pytest.param(binary("-", A, binary("-", B, C)), "a - (b - c)", id="against the lean"),
        pytest.param(binary("^", binary("^", A, B), C), "(a ^ b) ^ c", id="against ^'s lean"),
        pytest.param(binary("^", negative(A), B), "(-a) ^ b", id="a signed base"),
        pytest.param(
            binary("^", NumberLiteral(-2.0, span=NOWHERE), B), "(-2) ^ b", id="a negative base"
        ),
        pytest.param(negative(binary("*", A, B)), "-(a * b)", id="a signed product"),
        pytest.param(negative(NumberLiteral(2.0, span=NOWHERE)), "-(2)", id="a signed number"),
        pytest.param(
            Subquery(binary("+", A, B), 1000, span=NOWHERE), "(a + b)[1s:]", id="a sum's subquery"
        ),
        pytest.param(
            Subquery(negative(A), 1000, span=NOWHERE), "(-a)[1s:]", id="a sign's subquery"
        ),
    ],
)
def test_tree_made_by_hand_keeps_its_shape(expr: Expr, printed: str) -> None:
    """Parentheses appear where the parser would read another tree."""
    assert print_expr(expr) == printed
    assert str(parse_query(printed)) == printed
    assert without_parentheses(parse_query(printed)) == without_parentheses(expr)


# Round trip of random trees


NAMES = st.sampled_from(["a", "b:c", "sum", "by", "on", "inf", "my.metric", "é", 'q"\\\n', "start"])
LABELS = st.lists(NAMES.filter(lambda name: name != "inf"), max_size=3).map(tuple)
DURATIONS = st.one_of(
    st.integers(1, 10**6), st.sampled_from([1000, 60_000, 5_400_000, 604_800_000, 31_536_000_000])
)
OFFSETS = st.one_of(st.just(0), DURATIONS, DURATIONS.map(lambda duration: -duration))
TIMES = st.one_of(st.none(), st.sampled_from(TimeAnchor), st.integers(-(2**45), 2**45))
VALUES = st.one_of(
    st.floats(allow_nan=False), st.integers(-(10**6), 10**6).map(float), st.just(math.nan)
)

numbers = st.one_of(
    st.builds(NumberLiteral, VALUES, span=st.just(NOWHERE)),
    st.builds(
        NumberLiteral, DURATIONS.map(lambda ms: ms / 1000), st.just(True), span=st.just(NOWHERE)
    ),
)
strings = st.builds(StringLiteral, st.text(st.characters(codec="utf-8")), span=st.just(NOWHERE))
matchers = st.builds(
    Matcher,
    st.one_of(NAMES, st.just("__name__")),
    st.sampled_from(MatchOperator),
    st.sampled_from(["", "x", ".+", "a|b", 'q"', "é"]),
)


@st.composite
def selectors(draw: st.DrawFn, with_name: bool = True) -> VectorSelector:
    named = [Matcher("__name__", MatchOperator.EQUAL, draw(NAMES))] if with_name else []
    drawn = draw(st.permutations(named + draw(st.lists(matchers, max_size=3))))
    return VectorSelector(tuple(drawn), draw(OFFSETS), draw(TIMES), span=NOWHERE)


def expressions(value_type: ValueType, depth: int) -> st.SearchStrategy[Expr]:
    """Return a strategy for trees of a type, up to a depth below this level."""
    strategies = list(LEAVES[value_type])
    if depth > 0:
        inner = st.deferred(lambda: expressions(value_type, depth - 1))
        strategies.append(calls(value_type, depth - 1))
        strategies.append(st.builds(Parenthesis, inner, span=st.just(NOWHERE)))
        if value_type in (ValueType.SCALAR, ValueType.VECTOR):
            strategies.append(binaries(value_type, depth - 1))
            strategies.append(st.builds(Unary, st.sampled_from("+-"), inner, span=st.just(NOWHERE)))
        if value_type is ValueType.VECTOR:
            strategies.append(aggregations(depth - 1))
        if value_type is ValueType.MATRIX:
            strategies.append(subqueries(depth - 1))
    return st.one_of(strategies)


LEAVES: dict[ValueType, list[st.SearchStrategy[Expr]]] = {
    ValueType.SCALAR: [numbers],
    ValueType.STRING: [strings],
    ValueType.VECTOR: [selectors()],
    ValueType.MATRIX: [st.builds(MatrixSelector, selectors(), DURATIONS, span=st.just(NOWHERE))],
}


@st.composite
def calls(draw: st.DrawFn, value_type: ValueType, depth: int) -> Expr:
    names = [name for name, of in SIGNATURES.items() if of.return_type is value_type]
    if not names:  # no function returns a string or a range
        return draw(st.one_of(LEAVES[value_type]))
    signature = SIGNATURES[draw(st.sampled_from(names))]
    most = (
        signature.arguments_min + 2 if signature.arguments_max is None else signature.arguments_max
    )
    count = draw(st.integers(signature.arguments_min, most))
    arguments = [draw(expressions(signature.argument_type(index), depth)) for index in range(count)]
    if signature.name == "info" and count == 2:
        arguments[1] = VectorSelector(draw(selectors(with_name=False)).matchers, span=NOWHERE)
    return Call(signature.name, tuple(arguments), span=NOWHERE)


@st.composite
def aggregations(draw: st.DrawFn, depth: int) -> Expr:
    operator = draw(st.sampled_from(sorted(AGGREGATORS)))
    parameter = None
    if operator in PARAMETERIZED:
        wanted = ValueType.STRING if operator == "count_values" else ValueType.SCALAR
        parameter = draw(expressions(wanted, depth))
    operand = draw(expressions(ValueType.VECTOR, depth))
    grouping, without = draw(LABELS), draw(st.booleans())
    return Aggregation(operator, operand, parameter, grouping, without, span=NOWHERE)


@st.composite
def subqueries(draw: st.DrawFn, depth: int) -> Expr:
    operand = draw(expressions(ValueType.VECTOR, depth))
    step = draw(st.one_of(st.none(), DURATIONS))
    return Subquery(operand, draw(DURATIONS), step, draw(OFFSETS), draw(TIMES), span=NOWHERE)


@st.composite
def binaries(draw: st.DrawFn, value_type: ValueType, depth: int) -> Expr:
    types = {ValueType.SCALAR: [(ValueType.SCALAR, ValueType.SCALAR)]}.get(
        value_type,
        [
            (ValueType.VECTOR, ValueType.VECTOR),
            (ValueType.VECTOR, ValueType.SCALAR),
            (ValueType.SCALAR, ValueType.VECTOR),
        ],
    )
    left, right = draw(st.sampled_from(types))
    vectors = left is right is ValueType.VECTOR
    operators = PRECEDENCE if vectors else PRECEDENCE.keys() - SET_OPERATORS
    operator = draw(st.sampled_from(sorted(operators)))
    forced = value_type is ValueType.SCALAR and operator in COMPARISONS
    return_bool = operator in COMPARISONS and (forced or draw(st.booleans()))
    matching = draw(matchings(operator in SET_OPERATORS)) if vectors else None
    return Binary(
        operator,
        draw(expressions(left, depth)),
        draw(expressions(right, depth)),
        return_bool,
        matching,
        span=NOWHERE,
    )


@st.composite
def matchings(draw: st.DrawFn, is_set: bool) -> VectorMatching:
    on, labels = draw(st.booleans()), draw(LABELS)
    if is_set:
        return VectorMatching(Cardinality.MANY_TO_MANY, on, labels)
    cardinality = draw(st.sampled_from([c for c in Cardinality if c != Cardinality.MANY_TO_MANY]))
    include = draw(LABELS) if cardinality is not Cardinality.ONE_TO_ONE else ()
    if on:
        include = tuple(label for label in include if label not in labels)
    return VectorMatching(cardinality, on, labels, include)


def without_parentheses(expr: Expr) -> Expr:
    """Return a tree less its parentheses, and with signs taken into numbers."""
    strip = without_parentheses
    match expr:
        case Parenthesis():
            return strip(expr.expr)
        case Unary():
            operand = strip(expr.expr)
            if isinstance(operand, NumberLiteral):
                value = operand.value if expr.operator == "+" else -operand.value
                return NumberLiteral(value, operand.is_duration, span=NOWHERE)
            return Unary(expr.operator, operand, span=NOWHERE)
        case Binary():
            left, right = strip(expr.left), strip(expr.right)
            return Binary(expr.operator, left, right, expr.return_bool, expr.matching, span=NOWHERE)
        case Call():
            return Call(expr.function, tuple(map(strip, expr.arguments)), span=NOWHERE)
        case Aggregation():
            parameter = None if expr.parameter is None else strip(expr.parameter)
            operand = strip(expr.expr)
            return Aggregation(
                expr.operator, operand, parameter, expr.grouping, expr.without, span=NOWHERE
            )
        case Subquery():
            inner = strip(expr.expr)
            return Subquery(
                inner, expr.range_ms, expr.step_ms, expr.offset_ms, expr.at, span=NOWHERE
            )
        case _:
            return expr


EVERY_TYPE = st.sampled_from(ValueType).flatmap(lambda value_type: expressions(value_type, 3))


@settings(max_examples=300, deadline=None)
@given(EVERY_TYPE)
def test_random_tree_survives_printing_and_parsing(expr: Expr) -> None:
    """Parsed, a printed tree means the same; parsed again, it is the same to the last node."""
    parsed = parse_query(str(expr))

    assert without_parentheses(parsed) == without_parentheses(expr)
    assert parse_query(str(parsed)) == parsed
    assert str(parse_query(str(parsed))) == str(parsed)
