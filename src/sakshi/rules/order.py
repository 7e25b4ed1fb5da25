"""Orders groups so that what one records is there when another reads it in the same pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter

from sakshi.model.labels import METRIC_NAME
from sakshi.promql.ast import VectorSelector, iter_nodes
from sakshi.rules.evaluate import ALERTS, ALERTS_FOR_STATE
from sakshi.rules.rule import RecordingRule, RuleGroup


def order_groups(groups: Sequence[RuleGroup]) -> list[RuleGroup]:
    """Return the groups, each behind those whose series it reads, else in the given order.

    Where groups read each other in a circle, all stay in the given order: one of them then sees the
    other's series of the pass before.
    """
    recorded = [_recorded_names(group) for group in groups]
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for reader, group in enumerate(groups):
        selectors = list(_iter_selectors(group))
        sources = [
            source
            for source, names in enumerate(recorded)
            if source != reader and any(_reads(selector, names) for selector in selectors)
        ]
        sorter.add(reader, *sources)
    try:
        sorter.prepare()
    except CycleError:
        return list(groups)
    ordered: list[int] = []
    ready: list[int] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()])
        first = ready.pop(0)
        ordered.append(first)
        sorter.done(first)
    return [groups[index] for index in ordered]


def _recorded_names(group: RuleGroup) -> frozenset[str]:
    names: set[str] = set()
    for rule in group.rules:
        names |= {rule.record} if isinstance(rule, RecordingRule) else {ALERTS, ALERTS_FOR_STATE}
    return frozenset(names)


def _iter_selectors(group: RuleGroup) -> Iterator[VectorSelector]:
    for rule in group.rules:
        for node in iter_nodes(rule.expr):
            if isinstance(node, VectorSelector):
                yield node


def _reads(selector: VectorSelector, names: frozenset[str]) -> bool:
    """Tell whether a selector can select a series of one of these names."""
    conditions = [matcher for matcher in selector.matchers if matcher.name == METRIC_NAME]
    return any(all(matcher.matches(name) for matcher in conditions) for name in names)
