"""Rules: what is computed and judged again and again; Prometheus' rule groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sakshi.model.alert import Alert
from sakshi.promql.ast import Expr


@dataclass(frozen=True)
class RecordingRule:
    """Stores the value of an expression as series of a new name.

    Args:
        record: the metric name.
        query: PromQL, as written; `expr` is its tree.
        labels: set on every result; an empty value removes the label.
    """

    record: str
    query: str
    expr: Expr
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The metric name that it records."""
        return self.record


@dataclass(frozen=True)
class AlertingRule:
    """Raises one alert for each series of its expression's value.

    Args:
        alert: the `alertname`.
        query: PromQL, as written; `expr` is its tree.
        hold_ms: `for`: how long the condition must hold before the alert fires.
        keep_firing_ms: `keep_firing_for`: how long it fires on after the condition has gone.
        labels: templates; set on every alert.
        annotations: templates.
    """

    alert: str
    query: str
    expr: Expr
    hold_ms: int = 0
    keep_firing_ms: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The alert's name."""
        return self.alert


Rule = RecordingRule | AlertingRule


@dataclass(frozen=True)
class RuleGroup:
    """Rules that are evaluated one after the other, at one moment.

    Each sees what those before it recorded.

    Args:
        name: unique in its file.
        file: where it was read, as the configuration names it.
        interval_ms: from evaluation to evaluation.
        limit: a rule that yields more series than this fails; 0: no limit.
        query_offset_ms: evaluate this long in the past.
        labels: set on the results of all its rules.
    """

    name: str
    file: str
    interval_ms: int
    rules: Sequence[Rule]
    limit: int = 0
    query_offset_ms: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The id `file;name`, unique among all groups."""
        return f"{self.file};{self.name}"


def rule_ids(group: RuleGroup) -> list[str]:
    """Return the id of each rule of a group: `file;group;name`, and a number where names repeat.

    The number counts the rules of that name, from 2: a rule that is inserted elsewhere in the group
    changes no id, and so no alert.

    Example:
        >>> from sakshi.promql.parser import parse_query
        >>> rules = [RecordingRule(name, "1", parse_query("1")) for name in ("a", "b", "a")]
        >>> rule_ids(RuleGroup("group", "rules.yml", 15_000, rules))
        ['rules.yml;group;a', 'rules.yml;group;b', 'rules.yml;group;a;2']
    """
    counts: Counter[str] = Counter()
    ids = []
    for rule in group.rules:
        counts[rule.name] += 1
        number = counts[rule.name]
        ids.append(f"{group.id};{rule.name}" + (f";{number}" if number > 1 else ""))
    return ids


class RuleHealth(StrEnum):
    """How a rule's last evaluation went; the values are Prometheus' words."""

    UNKNOWN = "unknown"
    OK = "ok"
    ERROR = "err"


@dataclass(frozen=True)
class RuleStatus:
    """A rule and its last evaluation, for the API and the page.

    Args:
        alerts: active ones, for an alerting rule: pending and firing.
        last_error: why it failed, in words; empty where it did not.
    """

    rule: Rule
    health: RuleHealth = RuleHealth.UNKNOWN
    last_error: str = ""
    last_evaluation_ms: int | None = None
    last_duration_seconds: float = 0.0
    alerts: Sequence[Alert] = ()


@dataclass(frozen=True)
class RuleGroupStatus:
    """A group and its last evaluation, for the API and the page."""

    group: RuleGroup
    rules: Sequence[RuleStatus]
    last_evaluation_ms: int | None = None
    last_duration_seconds: float = 0.0
