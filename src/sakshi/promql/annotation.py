"""What the engine wants to say about an answer without refusing it: warnings and infos.

A warning: the answer may be wrong or incomplete. An info: the query is probably not what was meant.
"""

from __future__ import annotations

from sakshi.promql.ast import Expr


class Annotations:
    """Collects texts, each once, in order of appearance.

    Args:
        text: the query, to turn offsets into lines and columns.
    """

    def __init__(self, text: str) -> None:
        self.said = 0
        """How often anything was to be said, repetitions counted."""
        self._text = text
        self._warnings: dict[str, None] = {}
        self._infos: dict[str, None] = {}

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings so far."""
        return tuple(self._warnings)

    @property
    def infos(self) -> tuple[str, ...]:
        """The infos so far."""
        return tuple(self._infos)

    def warn(self, message: str, expr: Expr) -> None:
        """Note that the answer may be wrong because of this expression."""
        self.said += 1
        self._warnings[f"PromQL warning: {message} ({self._place(expr)})"] = None

    def inform(self, message: str, expr: Expr) -> None:
        """Note that this expression is probably not what was meant."""
        self.said += 1
        self._infos[f"PromQL info: {message} ({self._place(expr)})"] = None

    def _place(self, expr: Expr) -> str:
        line, column = line_and_column(self._text, expr.span.start)
        return f"{line}:{column}"


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    r"""Return the 1-based line and column of an offset.

    Example:
        >>> line_and_column("a +\n  b", 6)
        (2, 3)
    """
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1
