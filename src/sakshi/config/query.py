"""Reads PromQL out of rules and KPIs, and finds what is wrong with it before it is evaluated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from sakshi.config.section import Section
from sakshi.exposition.number import normalize_bound
from sakshi.model.errors import Problem
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.promql import (
    Expr,
    QueryError,
    QuerySyntaxError,
    check_supported,
    iter_nodes,
    parse_query,
)
from sakshi.promql.ast import NumberLiteral, Span, VectorSelector

NOTHING: Final = NumberLiteral(0.0, span=Span(0, 0))
"""Stands for an expression that has a problem."""

_BOUND: Final = re.compile(r"\b(?:le|quantile)\b")
_BOUND_LABELS: Final = frozenset({"le", "quantile"})


def read_expr(section: Section, key: str, query: str) -> Expr:
    """Return a query's tree; what is wrong with it is noted with its place inside the query.

    Args:
        section: has the query.
        key: of it.
        query: what stands there, perhaps with placeholders filled in; empty: there is none.
    """
    if not query:
        return NOTHING
    try:
        expr = parse_query(query)
        check_supported(expr, query)
    except QuerySyntaxError as error:
        problem = Problem(key, error.expected, error.found)
        section.add(problem, inside=f" at {error.line}:{error.column}")
    except QueryError as error:
        section.problem(key, "a query within the limits", str(error))
    else:
        for warning in find_bound_warnings(query, expr):
            section.warn(key, warning)
        return expr
    return NOTHING


def find_bound_warnings(query: str, expr: Expr) -> Iterator[str]:
    """Yield what a query can never find: scraped bounds are written in one form, `le="3.0"`.

    Example:
        >>> text = 'http_seconds_bucket{le="3"}'
        >>> print(*find_bound_warnings(text, parse_query(text)))
        le="3" selects nothing that is scraped: its form is le="3.0"
    """
    if _BOUND.search(query) is None:
        return
    for node in iter_nodes(expr):
        if isinstance(node, VectorSelector):
            yield from filter(None, map(_bound_warning, node.matchers))


def _bound_warning(matcher: Matcher) -> str:
    is_bound = matcher.name in _BOUND_LABELS and matcher.operator is MatchOperator.EQUAL
    normal = normalize_bound(matcher.value) if is_bound else matcher.value
    if normal == matcher.value:
        return ""
    return f'{matcher} selects nothing that is scraped: its form is {matcher.name}="{normal}"'
