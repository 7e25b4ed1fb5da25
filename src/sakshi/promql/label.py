"""Functions that change labels: label_replace, label_join."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from sakshi.model.labels import Labels, quote_value
from sakshi.model.matcher import InvalidRegexError, compile_regex
from sakshi.promql.ast import Call
from sakshi.promql.block import Block, Implementation
from sakshi.promql.engine import Vector
from sakshi.promql.errors import QueryEvaluationError
from sakshi.promql.vector import relabel

_REFERENCE: Final = re.compile(r"\$(?:(?P<dollar>\$)|(?P<bare>\w+)|\{(?P<braced>\w+)\})", re.ASCII)


def _label_replace(block: Block, call: Call) -> Vector:
    """Set a label from the parts of another that a regular expression matches, anchored."""
    destination, replacement, source, pattern = map(block.text, call.arguments[1:])
    _check_destination(destination, "label_replace")
    try:
        regex = compile_regex(pattern)
    except InvalidRegexError as error:
        raise QueryEvaluationError(f"label_replace: {error}") from None

    def change(labels: Labels) -> Labels:
        match = regex.fullmatch(labels.get(source, ""))
        if match is None:
            return labels
        return labels.updated({destination: expand(replacement, match)})

    key = ("label_replace", destination, replacement, source, pattern)
    return relabel(block.vector(call.arguments[0]), key, change)


def _label_join(block: Block, call: Call) -> Vector:
    """Set a label to the values of others, with a separator between them."""
    destination, separator, *sources = map(block.text, call.arguments[1:])
    _check_destination(destination, "label_join")

    def change(labels: Labels) -> Labels:
        joined = separator.join(labels.get(source, "") for source in sources)
        return labels.updated({destination: joined})

    key = ("label_join", destination, separator, *sources)
    return relabel(block.vector(call.arguments[0]), key, change)


def _check_destination(name: str, function: str) -> None:
    if not name:
        raise QueryEvaluationError(
            f"invalid destination label name in {function}(): {quote_value(name)}"
        )


def expand(template: str, match: Any) -> str:
    """Return a template with its references to groups replaced by what they matched.

    `$1`, `${1}`, `$name`, `${name}`; `$$` is a dollar. A name is as long as it can be: `$1x` is the
    group "1x". A group that does not exist, or took no part, is empty.

    Source:
        https://pkg.go.dev/regexp#Regexp.Expand

    Example:
        >>> expand("$1-${1}x$$", re.fullmatch("(.*)", "a"))
        'a-ax$'
    """

    def substitute(reference: re.Match[str]) -> str:
        if reference["dollar"]:
            return "$"
        name = reference["bare"] or reference["braced"]
        try:
            return match[int(name) if name.isdigit() else name] or ""
        except (IndexError, KeyError):
            return ""

    return _REFERENCE.sub(substitute, template)


FUNCTIONS: Final[Mapping[str, Implementation]] = {
    "label_join": _label_join,
    "label_replace": _label_replace,
}
