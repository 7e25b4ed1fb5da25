"""What a KPI is computed from in the end: the selectors of exposed series, through recording rules.

sum(consciousness_messages_per_second)          the KPI reads what a rule records
    └─ sum(rate(consciousness_messages_total[5m]))
           └─ consciousness_messages_total       what tells whether anything comes in still
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sakshi.model.labels import METRIC_NAME
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.promql import Expr, iter_nodes
from sakshi.promql.ast import VectorSelector
from sakshi.rules import RecordingRule, RuleGroup

Source = tuple[Matcher, ...]


def find_sources(expr: Expr, recorded: Mapping[str, Sequence[Expr]]) -> Sequence[Source]:
    """Return the selectors of exposed series that an expression is computed from; each once.

    Args:
        expr: what is computed.
        recorded: the expressions of recording rules by the name that they record.
    """
    return list(dict.fromkeys(_iter_sources(expr, recorded, set())))


def find_recorded(groups: Sequence[RuleGroup]) -> Mapping[str, Sequence[Expr]]:
    """Return the expressions of all recording rules by the name that they record."""
    found: dict[str, list[Expr]] = {}
    for group in groups:
        for rule in group.rules:
            if isinstance(rule, RecordingRule):
                found.setdefault(rule.record, []).append(rule.expr)
    return found


def source_name(source: Source) -> str:
    """Return the metric name that a selector asks for; empty where it asks for several."""
    for matcher in source:
        if matcher.name == METRIC_NAME and matcher.operator is MatchOperator.EQUAL:
            return matcher.value
    return ""


def _iter_sources(
    expr: Expr, recorded: Mapping[str, Sequence[Expr]], seen: set[str]
) -> Iterator[Source]:
    """Yield the exposed sources of an expression; recorded names are gone into once."""
    for node in iter_nodes(expr):
        if not isinstance(node, VectorSelector):
            continue
        source = tuple(node.matchers)
        name = source_name(source)
        if name not in recorded:
            yield source
        elif name not in seen:
            seen.add(name)
            for below in recorded[name]:
                yield from _iter_sources(below, recorded, seen)
