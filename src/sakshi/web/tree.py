"""A query's syntax tree as JSON, as Prometheus' `/api/v1/parse_query` has it.

Source:
    prometheus/prometheus web/api/v1/translate_ast.go
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sakshi.promql.ast import (
    Aggregation,
    Binary,
    Call,
    Expr,
    MatrixSelector,
    NumberLiteral,
    Parenthesis,
    StringLiteral,
    Subquery,
    TimeAnchor,
    Unary,
    VectorSelector,
)
from sakshi.promql.function import SIGNATURES, FunctionSignature
from sakshi.promql.number import format_plain

Tree = Mapping[str, object]

_UNLIMITED: Final = -1


def translate(expr: Expr, source: str) -> Tree:
    """Return a tree's JSON.

    Args:
        expr: came from the parser.
        source: the query that it was parsed from.
    """
    match expr:
        case NumberLiteral():
            return {"type": "numberLiteral", "val": format_plain(expr.value)}
        case StringLiteral():
            return {"type": "stringLiteral", "val": expr.value}
        case VectorSelector():
            return {"type": "vectorSelector", **_selector(expr, source)}
        case MatrixSelector():
            selector = _selector(expr.selector, source)
            return {"type": "matrixSelector", "range": expr.range_ms, **selector}
        case Subquery() | Unary() | Parenthesis():
            return {**_wrapper(expr), "expr": translate(expr.expr, source)}
        case Call():
            arguments = [translate(argument, source) for argument in expr.arguments]
            function = _function(SIGNATURES[expr.function])
            return {"type": "call", "func": function, "args": arguments}
        case Aggregation():
            return _aggregation(expr, source)
        case Binary():
            return _binary(expr, source)
        case _:
            raise AssertionError(f"no JSON for {type(expr).__name__}")


def _wrapper(expr: Subquery | Unary | Parenthesis) -> Tree:
    match expr:
        case Subquery():
            step_ms = expr.step_ms or 0
            return {"type": "subquery", "range": expr.range_ms, "step": step_ms, **_moment(expr)}
        case Unary():
            return {"type": "unaryExpr", "op": expr.operator}
        case Parenthesis():
            return {"type": "parenExpr"}


def _selector(selector: VectorSelector, source: str) -> Tree:
    matchers, name = selector.matchers, ""
    if source[selector.span.start] != "{":
        # The name that stands before the braces comes last, as in Prometheus.
        name, matchers = matchers[0].value, (*matchers[1:], matchers[0])
    return {
        "name": name,
        "matchers": [
            {"name": matcher.name, "value": matcher.value, "type": str(matcher.operator)}
            for matcher in matchers
        ],
        **_moment(selector),
    }


def _moment(expr: VectorSelector | Subquery) -> Tree:
    at = expr.at
    is_anchor = isinstance(at, TimeAnchor)
    return {
        "offset": expr.offset_ms,
        "timestamp": None if is_anchor else at,
        "startOrEnd": str(at) if is_anchor else None,
    }


def _function(signature: FunctionSignature) -> Tree:
    optional = len(signature.argument_types) - signature.arguments_min
    return {
        "name": signature.name,
        "argTypes": [str(kind) for kind in signature.argument_types],
        "variadic": _UNLIMITED if signature.arguments_max is None else optional,
        "returnType": str(signature.return_type),
    }


def _aggregation(expr: Aggregation, source: str) -> Tree:
    return {
        "type": "aggregation",
        "op": expr.operator,
        "expr": translate(expr.expr, source),
        "param": None if expr.parameter is None else translate(expr.parameter, source),
        "grouping": list(expr.grouping),
        "without": expr.without,
    }


def _binary(expr: Binary, source: str) -> Tree:
    matching = expr.matching
    return {
        "type": "binaryExpr",
        "op": expr.operator,
        "lhs": translate(expr.left, source),
        "rhs": translate(expr.right, source),
        "matching": None
        if matching is None
        else {
            "card": str(matching.cardinality),
            "labels": list(matching.labels),
            "on": matching.on,
            "include": list(matching.include),
        },
        "bool": expr.return_bool,
    }
