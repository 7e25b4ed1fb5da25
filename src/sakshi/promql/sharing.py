"""What queries of one pass read alike: selections and windows, read once.

Rules ask for the same series again and again: numerator and denominator, warning and critical, one
quantile and another. In a pass they all ask at the same moment, so what one of them read, the
others need not. What is recorded between two of them is forgotten here, and read anew.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from sakshi.model.labels import METRIC_NAME
from sakshi.model.matcher import MatchOperator
from sakshi.promql.ast import MatrixSelector, VectorSelector
from sakshi.promql.engine import Vector
from sakshi.promql.selection import Selection

CELLS_MAX: Final = 4_194_304  # numbers that are kept, 32 MiB; what comes beyond is read each time

Selector = VectorSelector | MatrixSelector


class SharedReads:
    """Selections and windows of one pass; belongs to one thread at a time."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[Hashable, Selection | Vector]] = {}  # by metric name; "": any
        self._cells = 0

    def find_selection(self, selector: Selector, at_ms: int) -> Selection | None:
        """Return what was read for a selector at a moment; None: nothing was."""
        found = self._kept.get(_metric_name(selector), {}).get((selector.text, at_ms))
        assert found is None or isinstance(found, Selection)
        return found

    def keep_selection(self, selector: Selector, at_ms: int, selection: Selection) -> None:
        """Keep what was read for a selector at a moment."""
        self._keep(selector, (selector.text, at_ms), selection, selection.cells)

    def find_windows(self, selector: Selector, at_ms: int, key: Hashable) -> Vector | None:
        """Return what a range function made of a selector; None: it was not asked.

        Args:
            selector: of its range.
            at_ms: the moment.
            key: tells the function.
        """
        found = self._kept.get(_metric_name(selector), {}).get((selector.text, at_ms, key))
        assert found is None or isinstance(found, Vector)
        return found

    def keep_windows(self, selector: Selector, at_ms: int, key: Hashable, vector: Vector) -> None:
        """Keep what a range function made of a selector at a moment."""
        self._keep(selector, (selector.text, at_ms, key), vector, vector.values.size)

    def forget(self, metric_name: str) -> None:
        """Forget whatever may hold series of this name: there are new samples of them."""
        self._kept.pop(metric_name, None)
        self._kept.pop("", None)

    def end(self) -> None:
        """Forget everything: the pass is over."""
        self._kept = {}
        self._cells = 0

    def _keep(
        self, selector: Selector, key: Hashable, found: Selection | Vector, cells: int
    ) -> None:
        if self._cells + cells <= CELLS_MAX:
            self._cells += cells
            self._kept.setdefault(_metric_name(selector), {})[key] = found


def _metric_name(selector: Selector) -> str:
    """Return the only metric name that a selector can mean; "": there may be several."""
    inner = selector.selector if isinstance(selector, MatrixSelector) else selector
    for matcher in inner.matchers:
        if matcher.name == METRIC_NAME and matcher.operator is MatchOperator.EQUAL:
            return matcher.value
    return ""
