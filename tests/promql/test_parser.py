from __future__ import annotations

import math

import pytest

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
    Unary,
    ValueType,
    VectorMatching,
    VectorSelector,
    iter_nodes,
)
from sakshi.promql.errors import QuerySyntaxError
from sakshi.promql.parser import parse_query, parse_selector
from sakshi.promql.token import KEYWORDS, LABEL_KEYWORDS, METRIC_KEYWORDS

NOWHERE = Span(0, 0)  # positions do not take part in equality


def metric(name: str, *matchers: Matcher) -> VectorSelector:
    name_matcher = Matcher("__name__", MatchOperator.EQUAL, name)
    return VectorSelector((name_matcher, *matchers), span=NOWHERE)


def number(value: float) -> NumberLiteral:
    return NumberLiteral(value, span=NOWHERE)


def shape(expr: Expr) -> str:
    """Return operators and signs with parentheses around each, the rest as PromQL."""
    match expr:
        case Binary():
            return f"({shape(expr.left)} {expr.operator} {shape(expr.right)})"
        case Unary():
            return f"({expr.operator} {shape(expr.expr)})"
        case _:
            return str(expr)


def refusal(text: str) -> str:
    """Return the message with which a query is refused."""
    with pytest.raises(QuerySyntaxError) as caught:
        parse_query(text)
    return str(caught.value)


# Operators


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a or b and c", "(a or (b and c))"),
        ("a and b or c", "((a and b) or c)"),
        ("a unless b and c", "((a unless b) and c)"),
        ("a and b == c", "(a and (b == c))"),
        ("a == b + c", "(a == (b + c))"),
        ("a == b > c", "((a == b) > c)"),
        ("a + b * c", "(a + (b * c))"),
        ("a * b + c", "((a * b) + c)"),
        ("a - b - c", "((a - b) - c)"),
        ("a / b * c % d atan2 e", "((((a / b) * c) % d) atan2 e)"),
        ("a * b ^ c", "(a * (b ^ c))"),
        ("a ^ b ^ c", "(a ^ (b ^ c))"),
        ("a ^ b * c", "((a ^ b) * c)"),
        ("a or b or c", "((a or b) or c)"),
        ("(a + b) * c", "((a + b) * c)"),
        ("a ATAN2 b OR c", "((a atan2 b) or c)"),
        ("-a ^ b", "(- (a ^ b))"),
        ("-a * b", "((- a) * b)"),
        ("-a + b", "((- a) + b)"),
        ("a ^ -b", "(a ^ (- b))"),
        ("a ^ -b ^ c", "(a ^ (- (b ^ c)))"),
        ("a ^ -b * c", "((a ^ (- b)) * c)"),
        ("a - -b", "(a - (- b))"),
        ("- + -a", "(- (+ (- a)))"),
        ("-1 ^ 2", "(- (1 ^ 2))"),
        ("2 * -1", "(2 * -1)"),
        ("or or or", "(or or or)"),
    ],
)
def test_operators_bind_by_precedence(text: str, expected: str) -> None:
    """From or to ^, all lean left but ^, and a sign binds as * does."""
    assert shape(parse_query(text)) == expected


@pytest.mark.parametrize(
    ("text", "value", "is_duration"),
    [
        ("-1", -1.0, False),
        ("+1", 1.0, False),
        ("- -1", 1.0, False),
        ("-Inf", -math.inf, False),
        ("5m", 300.0, True),
        ("-1h1ms", -3600.001, True),
    ],
)
def test_sign_before_a_number_is_part_of_it(text: str, value: float, is_duration: bool) -> None:
    """`-1` is a number, not an operation; a duration is its seconds."""
    assert parse_query(text) == NumberLiteral(value, is_duration, span=NOWHERE)


def test_trees_with_nan_are_equal() -> None:
    """NaN differs from itself, a query does not."""
    one, other = parse_query("x + NaN"), parse_query("x + -nan")

    assert one == other
    assert hash(one) == hash(other)


def test_trees_with_zeros_of_either_sign_differ() -> None:
    """`1 / 0` is +Inf and `1 / -0` is -Inf: they are two queries, though 0 equals -0."""
    assert parse_query("1 / 0") != parse_query("1 / -0")


def test_a_number_is_no_text() -> None:
    """Nodes of different kinds are never equal, whatever they hold."""
    assert parse_query("1") != parse_query('"1"')


@pytest.mark.parametrize(
    ("text", "return_bool", "matching"),
    [
        pytest.param("a > b", False, VectorMatching(), id="on all labels"),
        pytest.param("a > bool b", True, VectorMatching(), id="bool"),
        pytest.param("a > on (x, y) b", False, VectorMatching(on=True, labels=("x", "y")), id="on"),
        pytest.param("a > on () b", False, VectorMatching(on=True), id="on nothing"),
        pytest.param("a > ignoring (x,) b", False, VectorMatching(labels=("x",)), id="ignoring"),
        pytest.param("a > ignoring () b", False, VectorMatching(), id="ignoring nothing"),
        pytest.param(
            "a > BOOL ON (x) GROUP_LEFT (y) b",
            True,
            VectorMatching(Cardinality.MANY_TO_ONE, True, ("x",), ("y",)),
            id="everything",
        ),
        pytest.param(
            "a > ignoring (x) group_right b",
            False,
            VectorMatching(Cardinality.ONE_TO_MANY, False, ("x",)),
            id="group_right without labels",
        ),
        pytest.param(
            "a > ignoring (x) group_left (x) b",
            False,
            VectorMatching(Cardinality.MANY_TO_ONE, False, ("x",), ("x",)),
            id="a label that is ignored may be copied",
        ),
    ],
)
def test_operator_has_modifiers(text: str, return_bool: bool, matching: VectorMatching) -> None:
    """bool, on, ignoring and grouping stand between operator and right side."""
    assert parse_query(text) == Binary(
        ">", metric("a"), metric("b"), return_bool, matching, span=NOWHERE
    )


@pytest.mark.parametrize(
    ("text", "matching"),
    [
        ("a and b", VectorMatching(Cardinality.MANY_TO_MANY)),
        ("a and on (x) b", VectorMatching(Cardinality.MANY_TO_MANY, True, ("x",))),
        ("a and ignoring (x) b", VectorMatching(Cardinality.MANY_TO_MANY, False, ("x",))),
    ],
)
def test_set_operator_is_many_to_many(text: str, matching: VectorMatching) -> None:
    """No side of and, or, unless has to be unique."""
    assert parse_query(text) == Binary(
        "and", metric("a"), metric("b"), matching=matching, span=NOWHERE
    )


@pytest.mark.parametrize("text", ["a + 1", "1 + a", "1 + 1", "a + on () 1", "1 == bool 1"])
def test_operator_on_a_scalar_has_no_matching(text: str) -> None:
    """Only vectors are matched."""
    expr = parse_query(text)

    assert isinstance(expr, Binary)
    assert expr.matching is None


# Operands


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "sum(x)", Aggregation("sum", metric("x"), span=NOWHERE), id="without grouping"
        ),
        pytest.param(
            "SUM BY (a, b) (x)",
            Aggregation("sum", metric("x"), grouping=("a", "b"), span=NOWHERE),
            id="grouping before",
        ),
        pytest.param(
            "sum(x) by (a, b,)",
            Aggregation("sum", metric("x"), grouping=("a", "b"), span=NOWHERE),
            id="grouping behind",
        ),
        pytest.param(
            "sum without () (x)",
            Aggregation("sum", metric("x"), without=True, span=NOWHERE),
            id="without nothing",
        ),
        pytest.param(
            'sum by ("my.label", a:b, sum, by) (x)',
            Aggregation(
                "sum", metric("x"), grouping=("my.label", "a:b", "sum", "by"), span=NOWHERE
            ),
            id="quoted labels and keywords",
        ),
        pytest.param(
            "topk(5, x) without (a)",
            Aggregation("topk", metric("x"), number(5), ("a",), True, span=NOWHERE),
            id="with parameter",
        ),
        pytest.param(
            "count_values('v', x)",
            Aggregation(
                "count_values", metric("x"), StringLiteral("v", span=NOWHERE), span=NOWHERE
            ),
            id="with a string",
        ),
        pytest.param("time()", Call("time", (), span=NOWHERE), id="call without arguments"),
        pytest.param(
            "clamp(x, 0, 1)",
            Call("clamp", (metric("x"), number(0), number(1)), span=NOWHERE),
            id="call",
        ),
        pytest.param("(x)", Parenthesis(metric("x"), span=NOWHERE), id="parenthesis"),
        pytest.param("'it\\'s'", StringLiteral("it's", span=NOWHERE), id="string"),
        pytest.param(
            "info(x, {})",
            Call("info", (metric("x"), VectorSelector((), span=NOWHERE)), span=NOWHERE),
            id="info may select all",
        ),
        pytest.param("info(x)", Call("info", (metric("x"),), span=NOWHERE), id="info alone"),
        pytest.param(
            "sum(x)[5m:]",
            Subquery(Aggregation("sum", metric("x"), span=NOWHERE), 300_000, span=NOWHERE),
            id="subquery",
        ),
    ],
)
def test_operand_has_a_node(text: str, expected: Expr) -> None:
    """Aggregations, calls, literals, parentheses."""
    assert parse_query(text) == expected


@pytest.mark.parametrize("word", sorted(METRIC_KEYWORDS | {"start", "end", "info", "Sum", "fill"}))
def test_most_keywords_are_metrics_too(word: str) -> None:
    """A name keeps its case."""
    assert parse_query(word) == metric(word)
    assert parse_query(f"rate({word}[5m])").children == (
        MatrixSelector(metric(word), 300_000, span=NOWHERE),
    )
    assert parse_selector(word) == metric(word).matchers


@pytest.mark.parametrize("word", sorted(KEYWORDS - METRIC_KEYWORDS))
def test_some_keywords_are_no_metrics(word: str) -> None:
    """They would be read as part of an operator; `{__name__="on"}` selects such a metric."""
    assert refusal(word) == f'1:1: expected an expression, found "{word}"'


@pytest.mark.parametrize("word", sorted(LABEL_KEYWORDS))
def test_keywords_are_labels_too(word: str) -> None:
    """In a grouping and in braces; only `by (without)` is refused, as Prometheus does."""
    grouped = parse_query(f"sum by ({word}) (x)")
    selected = parse_query(f'x{{{word}="a"}}')

    assert isinstance(grouped, Aggregation)
    assert grouped.grouping == (word,)
    assert selected == metric("x", Matcher(word, MatchOperator.EQUAL, "a"))


# Positions


def test_every_node_knows_its_place() -> None:
    """A span covers the node's own text, comments and blanks around it left out."""
    text = """
        # all
        sum by (a) ( rate(x{a="b"} [5m] offset 1m) ) # why
          /  ( -y [5m:1m] @ end() or  topk(5, z) without (b) )
        + -1h
    """.replace("-y [5m:1m] @ end()", "-max_over_time(y [5m:1m] @ end())")

    spans = [text[node.span.start : node.span.end] for node in iter_nodes(parse_query(text))]

    assert [" ".join(span.split()) for span in spans] == [
        'sum by (a) ( rate(x{a="b"} [5m] offset 1m) ) # why /'
        " ( -max_over_time(y [5m:1m] @ end()) or topk(5, z) without (b) ) + -1h",
        'sum by (a) ( rate(x{a="b"} [5m] offset 1m) ) # why /'
        " ( -max_over_time(y [5m:1m] @ end()) or topk(5, z) without (b) )",
        'sum by (a) ( rate(x{a="b"} [5m] offset 1m) )',
        'rate(x{a="b"} [5m] offset 1m)',
        'x{a="b"} [5m] offset 1m',
        'x{a="b"}',
        "( -max_over_time(y [5m:1m] @ end()) or topk(5, z) without (b) )",
        "-max_over_time(y [5m:1m] @ end()) or topk(5, z) without (b)",
        "-max_over_time(y [5m:1m] @ end())",
        "max_over_time(y [5m:1m] @ end())",
        "y [5m:1m] @ end()",
        "y",
        "topk(5, z) without (b)",
        "5",
        "z",
        "-1h",
    ]


@pytest.mark.parametrize(
    ("text", "value_type"),
    [
        ("1 + 2", ValueType.SCALAR),
        ("-(1)", ValueType.SCALAR),
        ("1 + x", ValueType.VECTOR),
        ("-(x)", ValueType.VECTOR),
        ("scalar(x)", ValueType.SCALAR),
        ("time() > bool 1", ValueType.SCALAR),
        ("vector(1)", ValueType.VECTOR),
        ("sum(x)", ValueType.VECTOR),
        ("x", ValueType.VECTOR),
        ("x[5m]", ValueType.MATRIX),
        ("(x[5m])", ValueType.MATRIX),
        ("x[5m:]", ValueType.MATRIX),
        ("'a'", ValueType.STRING),
        ("('a')", ValueType.STRING),
    ],
)
def test_every_expression_has_a_type(text: str, value_type: ValueType) -> None:
    """Known without data."""
    assert parse_query(text).type is value_type


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1:1: expected an expression, found the end of the query"),
        ("\n  # nothing\n", "3:1: expected an expression, found the end of the query"),
        ("a +", "1:4: expected an expression, found the end of the query"),
        ("a + + ", "1:7: expected an expression, found the end of the query"),
        ("a b", '1:3: expected an operator or the end of the query, found "b"'),
        ("a\n  == b)", '2:7: expected an operator or the end of the query, found ")"'),
        ("(a\n  + b", '2:6: expected an operator or ")", found the end of the query'),
        ("(a, b)", '1:3: expected an operator or ")", found ","'),
        ("()", '1:2: expected an expression, found ")"'),
        ("a == == b", '1:6: expected an expression, found "=="'),
        ("a = b", '1:3: expected an operator or the end of the query, found "="'),
        ("a =~ b", '1:3: expected an operator or the end of the query, found "=~"'),
        ("a ! b", '1:3: expected an operator or the end of the query, found "!"'),
        ("a && b", '1:3: expected an operator or the end of the query, found "&"'),
        ("é", '1:1: expected an expression, found "é"'),
        ('"a', "1:1: expected an expression, found a string without a closing quote"),
        (r'"a\q"', r"1:3: expected an escape sequence such as \n, \x41 or \u00e9, found " r'"\q"'),
        ("5mm", '1:1: expected an expression, found "5mm", neither a number nor a duration'),
        ("1e999", '1:1: expected a number below 1.8e308, found "1e999"'),
        (
            "1s1m",
            "1:1: expected a duration below 292 years, each unit at most once, from y to ms,"
            ' found "1s1m"',
        ),
        ("x" * 50 + " y", '1:52: expected an operator or the end of the query, found "y"'),
        (
            "x " + "y" * 50,
            f'1:3: expected an operator or the end of the query, found "{"y" * 40}..."',
        ),
        ("\ud800", "1:1: expected a Unicode character, found the lone surrogate U+D800"),
        ('x{a="\udfff"}', "1:6: expected a Unicode character, found the lone surrogate U+DFFF"),
        ("zzz(x)", '1:1: expected the name of a function, found "zzz"'),
        (
            "1 + raet(x)",
            '1:5: expected the name of a function, found "raet" (did you mean "rate"?)',
        ),
        (
            "RATE(x)",
            '1:1: expected the name of a function, found "RATE" (did you mean "rate"?)',
        ),
        ("smu(x)", '1:1: expected the name of a function, found "smu" (did you mean "sum"?)'),
        ("rate(x[5m],)", '1:12: expected an expression, found ")"'),
        ("rate(", "1:6: expected an expression, found the end of the query"),
        ("rate(x[5m]", '1:11: expected an operator, "," or ")", found the end of the query'),
        ("rate(x[5m] y)", '1:12: expected an operator, "," or ")", found "y"'),
        ("rate((x[5m])", '1:13: expected an operator, "," or ")", found the end of the query'),
        ("by (a)", '1:4: expected an operator or the end of the query, found "("'),
        ("sum by a (x)", '1:8: expected "(" before label names, found "a"'),
        ("sum by (a) x", '1:12: expected "(" before the operand of sum, found "x"'),
        ("sum by (a", '1:10: expected "," or ")" after a label name, found the end of the query'),
        ("sum by (a b) (x)", '1:11: expected "," or ")" after a label name, found "b"'),
        ("sum by (,) (x)", '1:9: expected a label name or ")", found ","'),
        ("sum by (a,,) (x)", '1:11: expected a label name or ")", found ","'),
        ("sum by (5) (x)", '1:9: expected a label name or ")", found "5"'),
        ("sum by (without) (x)", '1:9: expected a label name or ")", found "without"'),
        ("sum by (inf) (x)", '1:9: expected a label name or ")", found "inf"'),
        ('sum by ("") (x)', '1:9: expected a label name or ")", found ""'),
        ("sum by (a) (x) by (b)", '1:16: expected an operator or the end of the query, found "by"'),
        ("sum()", "1:1: expected one operand in sum(), found 0 arguments"),
        ("sum(x, y)", "1:1: expected one operand in sum(), found 2 arguments"),
        ("topk(x)", "1:1: expected a parameter and an operand in topk(), found 1 argument"),
        ("a + on b", '1:8: expected "(" before label names, found "b"'),
        ("a + on (x) bool b", '1:12: expected an expression, found "bool"'),
        ("a + group_left b", '1:5: expected an expression, found "group_left"'),
        (
            "a + on (x) group_left (b + c)",
            '1:26: expected "," or ")" after a label name, found "+"',
        ),
        ("a + on (x) group_left (b)", "1:26: expected an expression, found the end of the query"),
        ("a bool b", '1:3: expected an operator or the end of the query, found "bool"'),
        ("x anchored", '1:3: expected a range before "anchored", found "anchored"'),
        ("1 + fill (0) b", '1:3: expected instant vectors on both sides of "fill", found a scalar'),
        ("a and fill (0) b", '1:3: expected no "fill" for "and", found one'),
        ("a + fill (x) b", '1:11: expected a number after "fill(", found "x"'),
        (
            "a + fill (0) fill_left (1) b",
            '1:14: expected one value to fill a side with, found "fill_left"',
        ),
        ("x[5m / 0]", '1:3: expected no 0 after "/", found "5m / 0"'),
        ("x[step(1)]", '1:8: expected ")" after "step(", found "1"'),
        ("x[max(1m)]", '1:9: expected an operator or ",", found ")"'),
        (
            "x[1m] anchored smoothed",
            '1:16: expected "anchored" or "smoothed" at most once, found "smoothed"',
        ),
        ("info(x, y)", '1:9: expected label matchers in braces as argument 2 of info(), found "y"'),
        ("info(x, {}, z)", "1:1: expected 1 to 2 arguments in the call of info(), found 3"),
        ("info(x, {} + z)", '1:12: expected an operator, "," or ")", found "+"'),
    ],
)
def test_what_is_no_promql_is_refused(text: str, message: str) -> None:
    """The place is the offending word's; the message says what would have been right there."""
    assert refusal(text) == message


def test_error_carries_its_parts() -> None:
    """A page can mark the place."""
    with pytest.raises(QuerySyntaxError) as caught:
        parse_query("a\n+ )")

    error = caught.value
    assert (error.line, error.column, error.expected, error.found) == (
        2, 3, "an expression", '")"',
    )  # fmt: skip


# Selectors of the API


def test_selector_alone_is_its_matchers() -> None:
    """What `match[]` takes."""
    assert parse_selector(' {"my.metric", a!~"b|c"} # why') == (
        Matcher("__name__", MatchOperator.EQUAL, "my.metric"),
        Matcher("a", MatchOperator.NOT_REGEX, "b|c"),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1:1: expected a selector, found the end of the query"),
        ("1", '1:1: expected a selector, found "1"'),
        ("on", '1:1: expected a selector, found "on"'),
        ("rate(x)", '1:5: expected the end of the selector, found "("'),
        ("x[5m]", '1:2: expected the end of the selector, found "["'),
        ("x offset 5m", '1:3: expected the end of the selector, found "offset"'),
        ("x + y", '1:3: expected the end of the selector, found "+"'),
        (
            '{a=""}',
            '1:1: expected at least one matcher that does not match the empty string, found {a=""}',
        ),
    ],
)
def test_selector_with_anything_else_is_refused(text: str, message: str) -> None:
    """No range, no modifiers, no expression, and never everything."""
    with pytest.raises(QuerySyntaxError) as caught:
        parse_selector(text)

    assert str(caught.value) == message
