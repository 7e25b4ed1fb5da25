"""A metric family behind a cardinality guard: its label sets are counted against a budget.

Idea: a histogram with `user_id` in its labels grows without end, and takes the server that scrapes
it down. So each family admits a number of label sets (1,000 by default). One that was admitted
stays until the process ends; what comes after the budget is recorded under `__other__`, so that
sums and rates stay true, and every such recording is counted. In an overflow set only the *open*
labels (user, session, endpoint: chosen by people) become `__other__`; the closed ones (layer,
status) are kept as long as a small reserve lasts.

    child("memory", "ada")   -> {layer="memory", user_id="ada"}         within the budget
    child("memory", "zoe")   -> {layer="memory", user_id="__other__"}   beyond it
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from typing import Generic, TypeVar

from prometheus_client import Counter, Gauge, Histogram

OTHER = "__other__"
LABEL_SETS_MAX = 1_000
OVERFLOW_SETS_MAX = 64  # closed labels have few values; beyond this somebody put an id into one
LABEL_CHARACTERS_MAX = 256  # a label is a name; longer values are cut, so that memory is bounded

Kind = TypeVar("Kind", Counter, Gauge, Histogram)


class Family(Generic[Kind]):
    """The children of one labelled metric, resolved once each and bounded in number.

    Args:
        metric: a parent metric of prometheus_client.
        label_names: its labels, in its order.
        open_labels: those whose values people choose; the guard merges them first.
        label_sets_max: how many label sets are admitted.
        overflowed: called for each request of a child beyond the budget.
    """

    def __init__(
        self,
        metric: Kind,
        label_names: Sequence[str],
        open_labels: Collection[str] = (),
        *,
        label_sets_max: int = LABEL_SETS_MAX,
        overflowed: Callable[[], None] = lambda: None,
    ) -> None:
        self.metric: Kind = metric
        self.label_names = tuple(label_names)
        self._open = tuple(name in open_labels for name in label_names)
        self._label_sets_max = label_sets_max
        self._overflowed = overflowed
        self._children: dict[tuple[str, ...], Kind] = {}
        self._overflow: dict[tuple[str, ...], Kind] = {}
        self._lock = threading.Lock()

    def child(self, *values: str) -> Kind:
        """Return the child for these label values, or the one that stands for the overflow.

        Raises:
            ValueError: the number of values is not the number of labels. Callers shield.
        """
        child = self._children.get(values)
        return child if child is not None else self._admit(values)

    def label_set_count(self) -> int:
        """Return how many label sets were admitted, the overflow's left out."""
        return len(self._children)

    def _admit(self, values: tuple[str, ...]) -> Kind:
        """Return a child for values that were not seen in this very form before."""
        clean = tuple(map(clean_value, values))
        with self._lock:
            if (child := self._children.get(clean)) is not None:
                return child
            if len(self._children) < self._label_sets_max:
                child = self._children[clean] = self._resolve(clean)
                return child
            child = self._overflow_child(clean)
        self._overflowed()
        return child

    def _overflow_child(self, values: tuple[str, ...]) -> Kind:
        merged = tuple(
            OTHER if is_open else value for is_open, value in zip(self._open, values, strict=True)
        )
        if merged not in self._overflow and len(self._overflow) >= OVERFLOW_SETS_MAX:
            merged = (OTHER,) * len(values)
        child = self._overflow.get(merged)
        if child is None:
            child = self._overflow[merged] = self._resolve(merged)
        return child

    def _resolve(self, values: tuple[str, ...]) -> Kind:
        if not self.label_names and not values:
            return self.metric  # a metric without labels is its own only child
        child: Kind = self.metric.labels(*values)
        return child


def clean_value(value: object) -> str:
    r"""Return a label value that can be exposed: text, short, and encodable as UTF-8.

    Example:
        >>> clean_value(None), clean_value(7), clean_value("a\ud800")
        ('', '7', 'a?')
    """
    text = "" if value is None else str(value)
    return text[:LABEL_CHARACTERS_MAX].encode("utf-8", "replace").decode("utf-8")
