"""Which groups live on samples that are pushed, by the names of the metrics that they read.

A group that reads only what is pushed is evaluated when a push has come: scrapes bring it nothing.
One that reads other metrics, too, keeps to the scrapes as long as there are any. A metric that is
both pushed and scraped counts as pushed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from enum import Enum

from sakshi.model.labels import METRIC_NAME
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.promql.ast import VectorSelector, iter_nodes
from sakshi.rules.rule import RecordingRule, RuleGroup

NameMatchers = Sequence[Matcher]


class Feed(Enum):
    """How much of what a group reads is pushed."""

    NOTHING = "nothing"
    SOME = "some"
    ALL = "all"


class FeedFinder:
    """Tells how much of what each group reads is pushed.

    Args:
        groups: each behind those whose series it reads.
    """

    def __init__(self, groups: Sequence[RuleGroup]) -> None:
        self._groups = [(group.id, _recorded(group), _read(group)) for group in groups]

    def find(self, pushed: Set[str]) -> Mapping[str, Feed]:
        """Return each group's feed, by its id.

        What a group records from pushed samples alone counts as pushed for the groups behind it.

        Args:
            pushed: the names of the metrics that senders push.
        """
        known = set(pushed)
        feeds = {}
        for group_id, recorded, read in self._groups:
            feeds[group_id] = feed = _measure(known, read)
            if feed is Feed.ALL:
                known |= recorded
        return feeds


def _measure(known: Set[str], read: Sequence[NameMatchers]) -> Feed:
    fed = sum(_meets(known, matchers) for matchers in read)
    if not fed:
        return Feed.NOTHING
    return Feed.ALL if fed == len(read) else Feed.SOME


def _meets(names: Set[str], matchers: NameMatchers) -> bool:
    """Tell whether a selector with these matchers of the name may select one of these metrics."""
    if len(matchers) == 1 and matchers[0].operator is MatchOperator.EQUAL:
        return matchers[0].value in names
    return bool(matchers) and any(
        all(matcher.matches(name) for matcher in matchers) for name in names
    )


def _recorded(group: RuleGroup) -> Set[str]:
    return {rule.record for rule in group.rules if isinstance(rule, RecordingRule)}


def _read(group: RuleGroup) -> Sequence[NameMatchers]:
    """Return the matchers of the name of each selector, less those of what the group records."""
    recorded = _recorded(group)
    selectors = [
        tuple(matcher for matcher in node.matchers if matcher.name == METRIC_NAME)
        for rule in group.rules
        for node in iter_nodes(rule.expr)
        if isinstance(node, VectorSelector)
    ]
    return [matchers for matchers in selectors if not _meets(recorded, matchers)]
