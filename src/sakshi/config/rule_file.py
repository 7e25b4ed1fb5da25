"""Reads a rule file: Prometheus' groups of recording and alerting rules.

Source:
    prometheus.io/docs/prometheus/latest/configuration/recording_rules
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sakshi.config.document import Document, Section
from sakshi.model.errors import Problem
from sakshi.model.labels import LEGACY_METRIC_NAME
from sakshi.promql import Expr, QueryError, QuerySyntaxError, check_supported, parse_query
from sakshi.promql.ast import NumberLiteral, Span
from sakshi.rules import AlertingRule, RecordingRule, Rule, RuleGroup, find_rule_problems

NOTHING = NumberLiteral(0.0, span=Span(0, 0))  # stands for an expression that has a problem


def read_rule_file(
    path: Path, environment: Mapping[str, str], interval_ms: int, query_offset_ms: int = 0
) -> tuple[Sequence[RuleGroup], Document]:
    """Return the groups of a rule file, and the document with the problems that were found in it.

    Args:
        path: the file.
        environment: for the document; rule files expand nothing.
        interval_ms: of groups that name none.
        query_offset_ms: of groups that name none.

    Raises:
        BadInputError: the file cannot be read or is not YAML.
    """
    document = Document.read(path, environment)
    root = document.root()
    groups: list[RuleGroup] = []
    for section in root.sections("groups"):
        group = read_group(section, document.file, interval_ms, query_offset_ms)
        if any(other.name == group.name for other in groups):
            section.problem("name", "a name that no other group of the file has")
        groups.append(group)
    root.close()
    return groups, document


def read_group(section: Section, file: str, interval_ms: int, query_offset_ms: int) -> RuleGroup:
    """Return one group."""
    group = RuleGroup(
        name=section.text("name"),
        file=file,
        interval_ms=section.duration("interval", interval_ms, minimum_ms=1),
        rules=[read_rule(entry) for entry in section.sections("rules")],
        limit=section.integer("limit", 0),
        query_offset_ms=section.duration("query_offset", query_offset_ms),
        labels=section.labels("labels"),
    )
    section.close()
    return group


def read_rule(section: Section) -> Rule:
    """Return one rule: recording where it has `record`, alerting where it has `alert`."""
    query = section.text("expr")
    expr = read_expr(section, "expr", query)
    labels = section.labels("labels")
    rule: Rule
    if "record" in section:
        record = section.text("record")
        if not LEGACY_METRIC_NAME.fullmatch(record):
            section.problem("record", "a metric name ([a-zA-Z_:][a-zA-Z0-9_:]*)")
        if "alert" in section:
            section.problem("alert", "either record or alert", "both")
        rule = RecordingRule(record, query, expr, labels)
        section.ignore(["alert"])
    else:
        rule = AlertingRule(
            alert=section.text("alert"),
            query=query,
            expr=expr,
            hold_ms=section.duration("for", 0),
            keep_firing_ms=section.duration("keep_firing_for", 0),
            labels=labels,
            annotations=section.labels("annotations"),
        )
    section.close()
    for problem in find_rule_problems(rule):
        section.document.problems.append(
            Problem(f"{section.place()}.{problem.place}", problem.expected, problem.found)
        )
    return rule


def read_expr(section: Section, key: str, query: str) -> Expr:
    """Return a query's tree; what is wrong with it is noted with its place inside the query."""
    if not query:
        return NOTHING
    try:
        expr = parse_query(query)
        check_supported(expr)
    except QuerySyntaxError as error:
        place = f"{section.place(key)} at {error.line}:{error.column}"
        section.document.problems.append(Problem(place, error.expected, error.found))
    except QueryError as error:
        section.problem(key, "a query within the limits", str(error))
    else:
        return expr
    return NOTHING
