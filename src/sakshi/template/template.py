"""A template: read once, executed many times with different data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from sakshi.template.builtin import BUILTINS, SHORT_CIRCUITS
from sakshi.template.errors import TemplateExecutionError
from sakshi.template.execution import Definition, Execution, Limits
from sakshi.template.function import (
    ALERTMANAGER_NAMES,
    PROMETHEUS_NAMES,
    prometheus_functions,
)
from sakshi.template.parser import locate, parse_tree

KNOWN_FUNCTIONS: Final = PROMETHEUS_NAMES | ALERTMANAGER_NAMES
DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True)
class Template:
    """A template that was read without complaint.

    Args:
        name: for error messages.
        root: what it prints.
        definitions: the named templates in its text, by name.
    """

    name: str
    root: Definition
    definitions: Mapping[str, Definition] = field(default_factory=dict)

    def execute(
        self,
        data: Any,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        *,
        variables: Mapping[str, Any] | None = None,
        definitions: Mapping[str, Definition] | None = None,
        html: bool = False,
        limits: Limits = DEFAULT_LIMITS,
    ) -> str:
        """Return the template's text for this data.

        Args:
            data: what the dot stands for: an object with attributes named as in Go, or a mapping.
            functions: beside the language's own; None: Prometheus', without `query`.
            variables: values of the variables that `parse_template` was told of, by name with `$`.
            definitions: named templates that it may call beside its own (`collect_definitions`).
            html: whether values are escaped for the place in HTML where they land.
            limits: on steps, depth and output.

        Raises:
            TemplateExecutionError: the data or a function does not give what is asked for.
            TemplateLimitError: a limit is reached.

        Example:
            >>> template = parse_template("summary", "{{ .job | toUpper }} is at {{ .ratio }}")
            >>> template.execute({"job": "chat", "ratio": 0.93})
            'CHAT is at 0.93'
        """
        available = prometheus_functions() if functions is None else functions
        execution = Execution(
            {**available, **BUILTINS},
            {**(definitions or {}), **self.definitions},
            limits,
            html=html,
        )
        return execution.run(self.root, data, variables or {})

    def named(self, name: str) -> Template:
        """Return a named template of its text as a template of its own.

        Raises:
            TemplateExecutionError: there is no template of that name.
        """
        if name not in self.definitions:
            raise TemplateExecutionError(self.name, 1, 1, f'there is no template "{name}"')
        return Template(self.name, self.definitions[name], self.definitions)


def parse_template(
    name: str,
    text: str,
    *,
    functions: Collection[str] = KNOWN_FUNCTIONS,
    variables: Iterable[str] = (),
) -> Template:
    """Return the template that a text is.

    Args:
        name: for error messages.
        text: the template; at most 1 MiB.
        functions: names that may be called beside the language's own.
        variables: names, with their `$`, that `execute` will give values for.

    Raises:
        TemplateSyntaxError: the text is no template, or names an unknown function or variable.
        TemplateLimitError: the text is too long, or nested too deep.
    """
    known = frozenset(functions) | BUILTINS.keys() | SHORT_CIRCUITS
    tree = parse_tree(name, text, known, variables)
    place = partial(locate, name, text)
    definitions = {key: Definition(block, place) for key, block in tree.definitions.items()}
    return Template(name, Definition(tree.root, place), definitions)


def collect_definitions(templates: Iterable[Template]) -> dict[str, Definition]:
    """Return the named templates of all these; of two with one name the later one."""
    return {name: block for template in templates for name, block in template.definitions.items()}
