"""What can be wrong with a rule beyond its file's syntax: label names, templates, types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sakshi.model.errors import Problem
from sakshi.model.labels import METRIC_NAME, is_name
from sakshi.promql.value_type import ValueType
from sakshi.rules.expansion import parse_rule_template
from sakshi.rules.rule import AlertingRule, Rule
from sakshi.template import TemplateError

_EXPECTED_LABEL: Final = "a label name, other than __name__"
_BRACES: Final = frozenset("{}")  # of a selector that stands in the wrong place
_VALUE_TYPES: Final = frozenset({ValueType.VECTOR, ValueType.SCALAR})


def find_rule_problems(rule: Rule) -> list[Problem]:
    """Return what is wrong with a rule; the place is the key in the rule: `labels.severity`.

    Example:
        >>> from sakshi.promql.parser import parse_query
        >>> rule = AlertingRule("Down", "up == 0", parse_query("up == 0"), labels={"__name__": "x"})
        >>> print(*find_rule_problems(rule))
        labels.__name__: expected a label name, other than __name__, found "__name__"
    """
    problems = list(_iter_common_problems(rule))
    if isinstance(rule, AlertingRule):
        problems.extend(_iter_alerting_problems(rule))
    elif not is_name(rule.record) or _BRACES.intersection(rule.record):
        expected = "a metric name, without braces"
        problems.append(Problem("record", expected, f'"{rule.record}"'))
    return problems


def find_label_problems(labels: Mapping[str, str], place: str = "labels") -> list[Problem]:
    """Return what is wrong with the names of labels that a rule or a group sets."""
    return [
        Problem(f"{place}.{name}", _EXPECTED_LABEL, f'"{name}"')
        for name in labels
        if name == METRIC_NAME or not is_name(name)
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
        if not is_name(name):
            yield Problem(f"annotations.{name}", "the name of an annotation", f'"{name}"')
    for key, texts in (("labels", rule.labels), ("annotations", rule.annotations)):
        for name, text in texts.items():
            try:
                parse_rule_template(name, text)
            except TemplateError as error:
                place = f"{key}.{name}"
                found = f"an error at {error.line}:{error.column}: {error.message}"
                yield Problem(place, "a template", found)
