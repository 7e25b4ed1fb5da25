"""Functions that change labels: label_replace, label_join."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from sakshi.model.labels import METRIC_NAME, Labels, quote_value
from sakshi.model.matcher import InvalidRegexError, compile_regex
from sakshi.promql.ast import Call
from sakshi.promql.block import Block, Implementation
from sakshi.promql.engine import Vector
from sakshi.promql.errors import QueryEvaluationError
from sakshi.promql.limit import Budget
from sakshi.promql.vector import Present, relabel

DIGITS_MAX: Final = 9  # Go's: a longer number is a name
_REFERENCE: Final = re.compile(r"\$(?:(?P<dollar>\$)|(?P<bare>\w+)|\{(?P<braced>\w+)\})", re.ASCII)


def _label_replace(block: Block, call: Call) -> Vector:
    """Set a label from the parts of another that a regular expression matches, anchored."""
    destination, replacement, source, pattern = map(block.text, call.arguments[1:])
    _check_destination(destination, "label_replace")
    try:
        regex = compile_regex(pattern)
    except InvalidRegexError as error:
        raise QueryEvaluationError(f"label_replace: {error}") from None
    template = Template(replacement)

    def change(labels: Labels) -> Labels:
        block.budget.check()
        match = regex.fullmatch(labels.get(source, ""))
        if match is None:
            return labels
        return labels.updated({destination: _joined(block.budget, "", template.parts(match))})

    key = ("label_replace", destination, replacement, source, pattern)
    vector = block.vector(call.arguments[0])
    if destination == METRIC_NAME:
        named = [regex.fullmatch(labels.get(source, "")) is not None for labels in vector.series]
        vector = _keeping_names(vector, np.array(named, np.bool_))
    return relabel(vector, key, change)


def _label_join(block: Block, call: Call) -> Vector:
    """Set a label to the values of others, with a separator between them."""
    destination, separator, *sources = map(block.text, call.arguments[1:])
    _check_destination(destination, "label_join")

    def change(labels: Labels) -> Labels:
        values = [labels.get(source, "") for source in sources]
        return labels.updated({destination: _joined(block.budget, separator, values)})

    key = ("label_join", destination, separator, *sources)
    vector = block.vector(call.arguments[0])
    if destination == METRIC_NAME:
        vector = _keeping_names(vector, np.ones(len(vector.series), np.bool_))
    return relabel(vector, key, change)


def _keeping_names(vector: Vector, named: Present) -> Vector:
    """Return the vector with the names kept that these series were just given."""
    if vector.nameless is False:
        return vector
    return replace(vector, nameless=~named & vector.nameless)


def _check_destination(name: str, function: str) -> None:
    if not name:
        raise QueryEvaluationError(
            f"invalid destination label name in {function}(): {quote_value(name)}"
        )


def _joined(budget: Budget, separator: str, parts: Sequence[str]) -> str:
    """Return the parts as one text, charged before it is made: nested calls double it each time."""
    budget.check()
    budget.charge_text(sum(map(len, parts)) + len(separator) * max(0, len(parts) - 1))
    return separator.join(parts)


class Template:
    """A text with references to the groups of a regular expression.

    `$1`, `${1}`, `$name`, `${name}`; `$$` is a dollar. A name is as long as it can be: `$1x` is the
    group "1x". A group that does not exist, or took no part, is empty.

    Source:
        https://pkg.go.dev/regexp#Regexp.Expand

    Example:
        >>> "".join(Template("$1-${1}x$$").parts(re.fullmatch("(.*)", "a")))
        'a-ax$'
    """

    def __init__(self, text: str) -> None:
        self._parts: list[tuple[str, bool]] = []  # a text, or a reference
        end = 0
        for reference in _REFERENCE.finditer(text):
            self._parts.append((text[end : reference.start()], False))
            name = reference["bare"] or reference["braced"]
            self._parts.append((name, True) if name else ("$", False))
            end = reference.end()
        self._parts.append((text[end:], False))
        self._references = {part for part, is_reference in self._parts if is_reference}

    def parts(self, match: Any) -> list[str]:
        """Return the parts of the text that a match makes; a group is the same object each time."""
        groups = {name: _group(match, name) for name in self._references}
        return [groups[part] if is_reference else part for part, is_reference in self._parts]


def _group(match: Any, name: str) -> str:
    """Return what a group matched; empty where there is no such group, or it took no part."""
    try:
        return match[int(name) if name.isdigit() and len(name) < DIGITS_MAX else name] or ""
    except (IndexError, KeyError):
        return ""


FUNCTIONS: Final[Mapping[str, Implementation]] = {
    "label_join": _label_join,
    "label_replace": _label_replace,
}
