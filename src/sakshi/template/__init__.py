"""Prometheus' and Alertmanager's template language: Go's text/template, as far as they use it.

In goes a text with actions in `{{ }}`, then data and functions; out comes the text with the actions
replaced, escaped for HTML if asked. Everything is bounded, and nothing of Python can be reached.
Read `template.py` first, then `parser.py` and `execution.py`.
"""

from sakshi.template.errors import (
    FunctionError,
    TemplateError,
    TemplateExecutionError,
    TemplateLimitError,
    TemplateSyntaxError,
)
from sakshi.template.execution import Definition, Limits
from sakshi.template.function import (
    ALERTMANAGER_NAMES,
    PROMETHEUS_NAMES,
    Functions,
    Query,
    Sample,
    alertmanager_functions,
    prometheus_functions,
)
from sakshi.template.moment import ZERO_MOMENT, Moment
from sakshi.template.template import (
    KNOWN_FUNCTIONS,
    Template,
    collect_definitions,
    parse_template,
)
from sakshi.template.value import KV, Alerts, Pair, Pairs, SafeHtml

__all__ = [
    "ALERTMANAGER_NAMES",
    "KNOWN_FUNCTIONS",
    "KV",
    "PROMETHEUS_NAMES",
    "ZERO_MOMENT",
    "Alerts",
    "Definition",
    "FunctionError",
    "Functions",
    "Limits",
    "Moment",
    "Pair",
    "Pairs",
    "Query",
    "SafeHtml",
    "Sample",
    "Template",
    "TemplateError",
    "TemplateExecutionError",
    "TemplateLimitError",
    "TemplateSyntaxError",
    "alertmanager_functions",
    "collect_definitions",
    "parse_template",
    "prometheus_functions",
]
