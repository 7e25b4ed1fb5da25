"""Reads a rule file: Prometheus' groups of recording and alerting rules.

Source:
    prometheus/prometheus docs/configuration/recording_rules.md, model/rulefmt/rulefmt.go
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sakshi.config.document import Document
from sakshi.config.query import read_expr
from sakshi.config.scrape import find_duplicates
from sakshi.config.section import Section
from sakshi.model.labels import Labels
from sakshi.rules import (
    AlertingRule,
    RecordingRule,
    Rule,
    RuleGroup,
    find_label_problems,
    find_rule_problems,
)

ALERTING_KEYS: Final = ("for", "keep_firing_for", "annotations")


def read_rule_file(
    path: Path, name: str, interval_ms: int, query_offset_ms: int = 0
) -> tuple[Sequence[RuleGroup], Document]:
    """Return the groups of a rule file, and the document with what was found in it.

    Args:
        path: the file; nothing in it is replaced from the environment.
        name: of the file in the ids of rules and alerts: what the configuration calls it, so that
            alerts outlive a start from another folder.
        interval_ms: of groups that name none.
        query_offset_ms: of groups that name none.

    Raises:
        BadInputError: the file cannot be read or is not YAML.
    """
    document = Document.read(path, {})
    return read_groups(document.root(), name, interval_ms, query_offset_ms), document


def read_groups(
    root: Section, file: str, interval_ms: int, query_offset_ms: int = 0
) -> Sequence[RuleGroup]:
    """Return the groups of a rule file, given its root; see `read_rule_file`."""
    sections = root.sections("groups")
    groups = [read_group(section, file, interval_ms, query_offset_ms) for section in sections]
    find_duplicates(sections, "name", "a name that no other group of the file has")
    root.close()
    return groups


def read_group(section: Section, file: str, interval_ms: int, query_offset_ms: int) -> RuleGroup:
    """Return one group."""
    entries = section.sections("rules")
    group = RuleGroup(
        name=section.name("name"),
        file=file,
        interval_ms=section.duration("interval", interval_ms, minimum_ms=1),
        rules=[read_rule(entry) for entry in entries],
        limit=section.integer("limit", 0),
        query_offset_ms=section.duration("query_offset", query_offset_ms),
        labels=section.labels("labels"),
    )
    section.close()
    for problem in find_label_problems(group.labels):
        section.add(problem)
    warn_of_repetitions(entries, group.rules)
    return group


def read_rule(section: Section) -> Rule:
    """Return one rule: recording where it has `record`, alerting where it has `alert`."""
    query = section.name("expr", "a PromQL expression")
    expr = read_expr(section, "expr", query)
    labels = section.labels("labels")
    rule: Rule
    if "record" in section:
        rule = RecordingRule(section.name("record", "the name of a series"), query, expr, labels)
        if "alert" in section:
            section.problem("alert", "either record or alert", "both")
        for key in ALERTING_KEYS:
            if key in section:
                section.problem(key, "a key of recording rules", "one of alerting rules")
        section.ignore(["alert", *ALERTING_KEYS])
    else:
        rule = AlertingRule(
            alert=section.name("alert", "the name of an alert (or `record`: that of a series)"),
            query=query,
            expr=expr,
            hold_ms=section.duration("for", 0),
            keep_firing_ms=section.duration("keep_firing_for", 0),
            labels=labels,
            annotations=section.labels("annotations"),
        )
        section.ignore(["record"])
    section.close()
    for problem in find_rule_problems(rule):
        section.add(problem)
    return rule


def warn_of_repetitions(sections: Sequence[Section], rules: Sequence[Rule]) -> None:
    """Warn of rules of one group that write the same series, or are the same alert."""
    seen: set[tuple[str, str, Labels]] = set()
    for section, rule in zip(sections, rules, strict=True):
        key = "record" if isinstance(rule, RecordingRule) else "alert"
        name = rule.record if isinstance(rule, RecordingRule) else rule.alert
        identity = (key, name, Labels(rule.labels))
        if name and identity in seen:
            section.warn(
                key, "a rule before it has the same name and labels: their series may collide"
            )
        seen.add(identity)
