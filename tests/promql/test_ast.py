from __future__ import annotations

import pytest

from sakshi.promql.ast import Expr, Parenthesis, Span, iter_nodes
from sakshi.promql.parser import parse_query


def test_nodes_come_parents_first_and_left_to_right() -> None:
    """The order of a reader."""
    expr = parse_query("topk(5, a) + (b[5m:] or -rate(c[1m]))".replace("b[5m:]", "abs(b)"))

    assert [str(node) for node in iter_nodes(expr)] == [
        "topk(5, a) + (abs(b) or -rate(c[1m]))",
        "topk(5, a)",
        "5",
        "a",
        "(abs(b) or -rate(c[1m]))",
        "abs(b) or -rate(c[1m])",
        "abs(b)",
        "b",
        "-rate(c[1m])",
        "rate(c[1m])",
        "c[1m]",
        "c",
    ]


def test_any_depth_is_walked() -> None:
    """Iteration needs no stack."""
    expr = parse_query("x")
    for _ in range(5000):
        expr = Parenthesis(expr, span=Span(0, 0))

    assert sum(1 for _ in iter_nodes(expr)) == 5001


def test_equality_is_of_what_is_asked_not_of_where_it_stands() -> None:
    """Two spellings of a query are one key of a cache."""
    one, other = parse_query("sum(x)by(a)+1"), parse_query("sum by (a) (x) + 1.0 # same")

    assert one == other
    assert hash(one) == hash(other)
    assert one.span != other.span
    assert one != parse_query("sum(x)by(b)+1")


def test_an_expression_of_no_class_has_no_type_and_no_text() -> None:
    """Only the classes of this module are expressions; whoever adds one gives it both."""
    bare = Expr(span=Span(0, 0))

    with pytest.raises(NotImplementedError):
        _ = bare.type
    with pytest.raises(AssertionError, match="no syntax for Expr"):
        str(bare)
