"""A query over several lines, as Prometheus' formatter breaks it.

Source:
    prometheus/prometheus promql/parser/prettier.go
"""

from __future__ import annotations

from typing import Final

from sakshi.promql.ast import Aggregation, Binary, Call, Expr, Parenthesis, Subquery, Unary

LINE_CHARACTERS_MAX: Final = 100


def prettify(expr: Expr, level: int = 0) -> str:
    """Return canonical PromQL; what is longer than a line has its parts on lines of their own."""
    indent = "  " * level
    text = expr.text
    if isinstance(expr, Unary):
        return indent + expr.operator + prettify(expr.expr, level).strip()
    if len(text.encode()) <= LINE_CHARACTERS_MAX:
        return indent + text
    match expr:
        case Aggregation():
            head = text[: -len(", ".join(child.text for child in expr.children)) - 2]
            return _enclose(indent, head, expr.children, level)
        case Call() if expr.arguments:
            return _enclose(indent, expr.function, expr.arguments, level)
        case Parenthesis():
            return _enclose(indent, "", expr.children, level)
        case Subquery():
            return prettify(expr.expr, level) + text[len(expr.expr.text) :]
        case Binary():
            operator = text[len(expr.left.text) + 1 : -len(expr.right.text) - 1]
            left, right = (prettify(side, level + 1) for side in expr.children)
            return f"{left}\n{indent}{operator}\n{right}"
        case _:
            return indent + text


def _enclose(indent: str, head: str, parts: tuple[Expr, ...], level: int) -> str:
    inside = ",\n".join(prettify(part, level + 1) for part in parts)
    return f"{indent}{head}(\n{inside}\n{indent})"
