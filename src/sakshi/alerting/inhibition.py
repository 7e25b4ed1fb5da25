"""Inhibition: an alert is not told while another one, which explains it, fires.

Source: prometheus/alertmanager inhibit/inhibit.go, docs/configuration.md <inhibit_rule>.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sakshi.model.alert import Alert, AlertState
from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, matches_all


@dataclass(frozen=True)
class InhibitRule:
    """Which firing alerts (sources) mute which others (targets).

    An alert that is both a source and a target is not muted by another that is both, nor by itself.

    Args:
        source_matchers: all of which a source meets.
        target_matchers: all of which a target meets.
        equal: labels that must be equal in both; a label that both lack is equal.
    """

    source_matchers: Sequence[Matcher]
    target_matchers: Sequence[Matcher]
    equal: Sequence[str] = ()


class Inhibitor:
    """The muter of the inhibition rules.

    Args:
        rules: any number.
        alerts: gives the alerts as they stand: the same object until one of them changes. It is
            asked at each question, and indexed once for each answer that is new.
    """

    reason = "muted by an inhibition rule"

    def __init__(self, rules: Sequence[InhibitRule], alerts: Callable[[], Sequence[Alert]]) -> None:
        self._alerts = alerts
        self._indexed: Sequence[Alert] = ()
        self._rules = [_IndexedRule(rule) for rule in rules]

    def mutes(self, labels: Labels) -> bool:
        """Tell whether a firing alert mutes an alert of these labels."""
        alerts = self._alerts()
        if alerts is not self._indexed:
            firing = [alert.labels for alert in alerts if alert.state is AlertState.FIRING]
            for rule in self._rules:
                rule.index(firing)
            self._indexed = alerts
        return any(rule.mutes(labels) for rule in self._rules)


class _IndexedRule:
    """A rule, and what its sources have in the labels that must be equal."""

    def __init__(self, rule: InhibitRule) -> None:
        self._rule = rule
        self._sources: set[tuple[str, ...]] = set()
        self._one_sided: set[tuple[str, ...]] = set()
        """Of those sources that are not targets too."""

    def index(self, firing: Iterable[Labels]) -> None:
        self._sources, self._one_sided = set(), set()
        for labels in firing:
            if matches_all(self._rule.source_matchers, labels):
                values = self._equal_values(labels)
                self._sources.add(values)
                if not matches_all(self._rule.target_matchers, labels):
                    self._one_sided.add(values)

    def mutes(self, labels: Labels) -> bool:
        if not matches_all(self._rule.target_matchers, labels):
            return False
        is_source_too = matches_all(self._rule.source_matchers, labels)
        sources = self._one_sided if is_source_too else self._sources
        return self._equal_values(labels) in sources

    def _equal_values(self, labels: Labels) -> tuple[str, ...]:
        return tuple(labels.get(name, "") for name in self._rule.equal)
