"""What queries of one pass have in common: selections, windows and values, had once.

Rules ask for the same again and again: numerator and denominator, warning and critical, one
quantile and another. In a pass they all ask at the same moment, so what one of them found, the
others need not. What is recorded between two of them is forgotten here, and read anew.

Keeping costs, too, and most is asked for once. So a pass counts what is asked for, and the next
ones keep what was asked for twice.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, Final

from sakshi.model.labels import METRIC_NAME
from sakshi.model.matcher import MatchOperator
from sakshi.promql.ast import Aggregation, Call, Expr, VectorSelector, iter_nodes

CELLS_MAX: Final = 4_194_304  # numbers that are kept, 32 MiB; what comes beyond is had each time
ANY_NAME: Final = ""
WANTED_MAX: Final = 10_000  # things that several queries ask for
NAMES_MAX: Final = 10_000  # expressions whose names are remembered


class SharedReads:
    """What was found for expressions in one pass; belongs to one thread at a time."""

    def __init__(self) -> None:
        self._found: dict[Hashable, Any] = {}
        self._keys: dict[str, set[Hashable]] = {}  # by the metric names that they depend on
        self._cells = 0
        self._asked: dict[Hashable, int] = {}
        self._wanted: set[Hashable] = set()
        self._names: dict[int, tuple[Expr, frozenset[str]]] = {}  # by identity; kept alive with it

    def is_wanted(self, what: Hashable) -> bool:
        """Tell whether several queries of a pass ask for something; count that one does.

        Args:
            what: tells it, whatever the moment.
        """
        self._asked[what] = self._asked.get(what, 0) + 1
        return what in self._wanted

    def find(self, key: Hashable) -> Any:
        """Return what was kept under a key; None: nothing was."""
        return self._found.get(key)

    def keep(self, key: Hashable, expr: Expr, found: object, cells: int) -> None:
        """Keep what was found for an expression.

        Args:
            key: tells expression, moment, and what was done.
            expr: whose selectors say which new samples would change it.
            found: not changed any more.
            cells: how many numbers it has.
        """
        if self._cells + cells > CELLS_MAX:
            return
        self._cells += cells
        self._found[key] = found
        for name in self._find_names(expr):
            self._keys.setdefault(name, set()).add(key)

    def forget(self, metric_name: str) -> None:
        """Forget whatever may hold series of this name: there are new samples of them."""
        for name in (metric_name, ANY_NAME):
            for key in self._keys.pop(name, ()):
                self._found.pop(key, None)

    def end(self) -> None:
        """Forget everything: the pass is over."""
        self._found, self._keys, self._cells = {}, {}, 0
        if len(self._wanted) > WANTED_MAX:
            self._wanted = set()
        self._wanted.update(what for what, count in self._asked.items() if count > 1)
        self._asked = {}

    def _find_names(self, expr: Expr) -> frozenset[str]:
        """Return the metric names that an expression depends on: rules bring the same each time."""
        known = self._names.get(id(expr))
        if known is None:
            if len(self._names) >= NAMES_MAX:
                self._names = {}
            known = self._names[id(expr)] = expr, frozenset(_metric_names(expr))
        return known[1]


def is_shared(expr: Expr) -> bool:
    """Tell whether the value of an expression is worth keeping: finding it again takes less."""
    return isinstance(expr, Aggregation) or (isinstance(expr, Call) and bool(expr.arguments))


def _metric_names(expr: Expr) -> Iterator[str]:
    """Yield the metric names of the series that an expression reads; ANY_NAME: any."""
    for node in iter_nodes(expr):
        if isinstance(node, VectorSelector):
            yield _metric_name(node)
        elif isinstance(node, Call) and node.function == "info":
            yield ANY_NAME


def _metric_name(selector: VectorSelector) -> str:
    for matcher in selector.matchers:
        if matcher.name == METRIC_NAME and matcher.operator is MatchOperator.EQUAL:
            return matcher.value
    return ANY_NAME
