"""Orders groups so that what one records is there when another reads it in the same pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from sakshi.model.labels import METRIC_NAME
from sakshi.promql.ast import VectorSelector, iter_nodes
from sakshi.rules.evaluate import ALERT_NAME, ALERTS, ALERTS_FOR_STATE
from sakshi.rules.rule import RecordingRule, RuleGroup


def order_groups(groups: Sequence[RuleGroup]) -> list[RuleGroup]:
    """Return the groups, each behind those whose series it reads, else in the given order.

    Where groups read each other in a circle, all stay in the given order: one of them then sees the
    other's series of the pass before.
    """
    recorded = [_recorded(group) for group in groups]
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for reader, group in enumerate(groups):
        selectors = list(_iter_selectors(group))
        sources = [
            source
            for source, series in enumerate(recorded)
            if source != reader and any(_reads(selector, series) for selector in selectors)
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


def _recorded(group: RuleGroup) -> Sequence[Mapping[str, str]]:
    """Return the labels that are known of what a group records, each once."""
    found: dict[tuple[str, str], Mapping[str, str]] = {}
    for rule in group.rules:
        if isinstance(rule, RecordingRule):
            found[rule.record, ""] = {METRIC_NAME: rule.record}
        else:
            for name in (ALERTS, ALERTS_FOR_STATE):
                found[name, rule.alert] = {METRIC_NAME: name, ALERT_NAME: rule.alert}
    return list(found.values())


def _iter_selectors(group: RuleGroup) -> Iterator[VectorSelector]:
    for rule in group.rules:
        for node in iter_nodes(rule.expr):
            if isinstance(node, VectorSelector):
                yield node


def _reads(selector: VectorSelector, series: Sequence[Mapping[str, str]]) -> bool:
    """Tell whether a selector can select one of these series, as far as their labels are known."""
    return any(
        all(
            matcher.matches(labels[matcher.name])
            for matcher in selector.matchers
            if matcher.name in labels
        )
        for labels in series
    )
