"""Fills in the templates of an alerting rule: its labels and annotations, for one series.

A template that fails does not stop its rule: its text becomes `<error expanding template: ...>`, as
in Prometheus, for an alert with a broken description is better than none.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sakshi.model.labels import Labels
from sakshi.promql.engine import QueryEngine, Scalar, Vector
from sakshi.template import (
    PROMETHEUS_NAMES,
    FunctionError,
    Functions,
    Sample,
    Template,
    TemplateError,
    parse_template,
    prometheus_functions,
)

VARIABLES: Final = ("$labels", "$externalLabels", "$externalURL", "$value")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class External:
    """What all alerts of one sakshi share.

    Args:
        labels: `external_labels` of the configuration.
        url: where people reach sakshi.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    url: str = ""


@dataclass(frozen=True)
class SeriesData:
    """What a rule's templates see as the dot; fields have Prometheus' names."""

    Labels: Mapping[str, str]
    Value: float
    ExternalLabels: Mapping[str, str]
    ExternalURL: str


def parse_rule_template(name: str, text: str) -> Template:
    """Return a template of an alerting rule.

    Raises:
        TemplateError: the text is no template, or uses what rules do not have.
    """
    return parse_template(name, text, functions=PROMETHEUS_NAMES, variables=VARIABLES)


class Expander:
    """The templates of some labels or annotations.

    Args:
        rule_name: for error messages.
        texts: by label or annotation name.
    """

    def __init__(self, rule_name: str, texts: Mapping[str, str]) -> None:
        self._templates = {
            name: _parse(f"{rule_name}.{name}", text) for name, text in texts.items()
        }
        self._failed: set[str] = set()

    def expand(
        self, labels: Labels, value: float, external: External, functions: Functions
    ) -> dict[str, str]:
        """Return the texts for one series.

        Args:
            labels: of the series, with the metric name where it has one.
            value: of the series.
            external: what all alerts share.
            functions: of `rule_functions`.
        """
        data = SeriesData(dict(labels), value, external.labels, external.url)
        return {name: self._execute(name, data, functions) for name in self._templates}

    def _execute(self, name: str, data: SeriesData, functions: Functions) -> str:
        try:
            return _execute(self._templates[name], data, functions)
        except TemplateError as error:
            if name not in self._failed:  # as it will for most series, evaluation by evaluation
                self._failed.add(name)
                _logger.warning("template failed error=%r labels=%r", str(error), data.Labels)
            return f"<error expanding template: {error}>"


def rule_functions(engine: QueryEngine, external: External, at_ms: int) -> Functions:
    """Return the functions of rules' templates at one evaluation; `query` asks the engine."""

    def query(expression: str) -> list[Sample]:
        value = engine.instant(expression, at_ms).value
        if isinstance(value, Scalar):
            return [Sample({}, float(value.values[0]))]
        if isinstance(value, Vector):
            return [Sample(dict(labels), number) for labels, number in value.at()]
        raise FunctionError("the query's value is no vector")

    return prometheus_functions(query, external_url=external.url, now_ms=at_ms)


def _parse(name: str, text: str) -> Template | TemplateError:
    try:
        return parse_rule_template(name, text)
    except TemplateError as error:
        return error


def _execute(template: Template | TemplateError, data: SeriesData, functions: Functions) -> str:
    if isinstance(template, TemplateError):
        raise template
    variables = {
        "$labels": data.Labels,
        "$externalLabels": data.ExternalLabels,
        "$externalURL": data.ExternalURL,
        "$value": data.Value,
    }
    return template.execute(data, functions, variables=variables)
