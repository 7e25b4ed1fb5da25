"""What the evaluator can do: every function by name, and the check of a query against it.

A new function is a file with its table `FUNCTIONS`, and a line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sakshi.promql import (
    absence,
    aggregation,
    conversion,
    date,
    elementwise,
    histogram,
    info,
    label,
    order,
    range_function,
)
from sakshi.promql.ast import Aggregation, Call, Expr, iter_nodes
from sakshi.promql.block import Implementation
from sakshi.promql.errors import QuerySyntaxError

FUNCTIONS: Final[Mapping[str, Implementation]] = {
    **absence.FUNCTIONS,
    **conversion.FUNCTIONS,
    **date.FUNCTIONS,
    **elementwise.FUNCTIONS,
    **histogram.FUNCTIONS,
    **info.FUNCTIONS,
    **label.FUNCTIONS,
    **order.FUNCTIONS,
    **range_function.FUNCTIONS,
}


OF_NATIVE_HISTOGRAMS: Final = frozenset(
    {
        "histogram_avg", "histogram_count", "histogram_stddev", "histogram_stdvar",
        "histogram_sum",
    }
)  # fmt: skip


def check_supported(expr: Expr, text: str | None = None) -> None:
    """Refuse a query that calls what the evaluator cannot do, before anything is evaluated.

    Args:
        expr: a parsed query.
        text: what it was parsed from, for the position; None: its canonical form on one line.

    Raises:
        QuerySyntaxError: a function or an aggregation of PromQL that is not implemented.
    """
    text = str(expr) if text is None else text
    for node in iter_nodes(expr):
        if isinstance(node, Call) and node.function in OF_NATIVE_HISTOGRAMS:
            raise QuerySyntaxError.at(
                text,
                node.span.start,
                "a function of classic histograms or of numbers (native histograms are not stored)",
                f"{node.function}()",
            )
        if isinstance(node, Call) and node.function not in FUNCTIONS:
            raise QuerySyntaxError.at(
                text, node.span.start, "a supported function", f"{node.function}()"
            )
        if isinstance(node, Aggregation) and not aggregation.is_implemented(node.operator):
            raise QuerySyntaxError.at(
                text, node.span.start, "a supported aggregation", node.operator
            )
