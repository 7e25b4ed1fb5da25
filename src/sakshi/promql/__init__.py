"""PromQL: queries in, answers out.

In go a query's text and moments; out comes a `QueryResult`. `LocalEngine` answers from a store of
`sakshi.storage`; whoever asks takes a `QueryEngine`, so that a remote server can answer instead.
Read `engine.py` first (the seam), then `ast.py` and `parser.py` (text to tree), then `evaluator.py`
(tree to values), from where every function and operator is a table entry away (`registry.py`).
"""

from sakshi.promql.ast import Expr, ValueType, iter_nodes
from sakshi.promql.engine import (
    PassEngine,
    QueryEngine,
    QueryResult,
    Samples,
    Scalar,
    SeriesSamples,
    Text,
    Vector,
)
from sakshi.promql.errors import (
    QueryError,
    QueryEvaluationError,
    QueryLimitError,
    QuerySyntaxError,
    QueryTimeoutError,
)
from sakshi.promql.json import render_instant, render_range
from sakshi.promql.limit import EvaluationLimits
from sakshi.promql.local import LocalEngine, LocalPassEngine
from sakshi.promql.parser import parse_query, parse_selector
from sakshi.promql.query_limit import QueryLimits
from sakshi.promql.registry import check_supported

__all__ = [
    "EvaluationLimits",
    "Expr",
    "LocalEngine",
    "LocalPassEngine",
    "PassEngine",
    "QueryEngine",
    "QueryError",
    "QueryEvaluationError",
    "QueryLimitError",
    "QueryLimits",
    "QueryResult",
    "QuerySyntaxError",
    "QueryTimeoutError",
    "Samples",
    "Scalar",
    "SeriesSamples",
    "Text",
    "ValueType",
    "Vector",
    "check_supported",
    "iter_nodes",
    "parse_query",
    "parse_selector",
    "render_instant",
    "render_range",
]
