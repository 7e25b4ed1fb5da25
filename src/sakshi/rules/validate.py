"""What can be wrong with a rule beyond its file's syntax: label names, templates, types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sakshi.model.errors import Problem
from sakshi.model.labels import LEGACY_LABEL_NAME, LEGACY_METRIC_NAME, METRIC_NAME
from sakshi.promql.value_type import ValueType
from sakshi.rules.expansion import parse_rule_template
from sakshi.rules.rule import AlertingRule, Rule
from sakshi.template import TemplateError

_EXPECTED_LABEL: Final = "a label name ([a-zA-Z_][a-zA-Z0-9_]*, not __name__)"
_VALUE_TYPES: Final = frozenset({ValueType.VECTOR, ValueType.SCALAR})


def find_rule_problems(rule: Rule) -> list[Problem]:
    """Return what is wrong with a rule; the place is the key in the rule: `labels.severity`.

    Example:
        >>> from sakshi.promql.parser import parse_query
        >>> rule = AlertingRule("Down", "up == 0", parse_query("up == 0"), labels={"a-b": "x"})
        >>> print(*find_rule_problems(rule))
        labels.a-b: expected a label name ([a-zA-Z_][a-zA-Z0-9_]*, not __name__), found "a-b"
    """
    problems = list(_iter_common_problems(rule))
    if isinstance(rule, AlertingRule):
        problems.extend(_iter_alerting_problems(rule))
    elif not LEGACY_METRIC_NAME.fullmatch(rule.record):
        expected = "a metric name ([a-zA-Z_:][a-zA-Z0-9_:]*)"
        problems.append(Problem("record", expected, f'"{rule.record}"'))
    return problems


def find_label_problems(labels: Mapping[str, str], place: str = "labels") -> list[Problem]:
    """Return what is wrong with the names of labels that a rule or a group sets."""
    return [
        Problem(f"{place}.{name}", _EXPECTED_LABEL, f'"{name}"')
        for name in labels
        if name == METRIC_NAME or not LEGACY_LABEL_NAME.fullmatch(name)
    ]


def _iter_common_problems(rule: Rule) -> Iterator[Problem]:
    if rule.expr.type not in _VALUE_TYPES:
        yield Problem("expr", "an instant vector or a scalar", f"a {_TYPE_WORDS[rule.expr.type]}")
    yield from find_label_problems(rule.labels)


_TYPE_WORDS: Final = {ValueType.MATRIX: "range vector", ValueType.STRING: "string"}


def _iter_alerting_problems(rule: AlertingRule) -> Iterator[Problem]:
    if not rule.alert:
        yield Problem("alert", "a name", "nothing")
    for name in rule.annotations:
        if not LEGACY_LABEL_NAME.fullmatch(name):
            yield Problem(f"annotations.{name}", "an annotation name like a label's", f'"{name}"')
    for key, texts in (("labels", rule.labels), ("annotations", rule.annotations)):
        for name, text in texts.items():
            try:
                parse_rule_template(name, text)
            except TemplateError as error:
                place = f"{key}.{name}"
                found = f"an error at {error.line}:{error.column}: {error.message}"
                yield Problem(place, "a template", found)
