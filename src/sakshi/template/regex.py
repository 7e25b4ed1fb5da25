"""Go's regular expressions in templates: RE2, unanchored, with Go's `$1` in replacements."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

import re2

from sakshi.template.errors import FunctionError
from sakshi.template.printing import Builder

DIGITS_MAX: Final = 9  # Go's: a longer number is a name
_REFERENCE: Final = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})", re.ASCII)


@lru_cache(maxsize=200)  # the regexes of a few dozen templates
def compile_pattern(pattern: str) -> Any:
    """Return the compiled expression; a dot matches no newline, unlike in a matcher.

    Raises:
        FunctionError: RE2 does not accept the pattern.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        text = reason.decode() if isinstance(reason, bytes) else str(reason)
        raise FunctionError(f'{text} in the regular expression "{pattern}"') from None


def matches(pattern: str, text: str) -> bool:
    """Tell whether a text holds a match anywhere."""
    return compile_pattern(pattern).search(text) is not None


def replace_all(pattern: str, replacement: str, text: str) -> str:
    """Return a text with every match replaced; `$1`, `${name}` stand for groups, `$$` for a dollar.

    Raises:
        FunctionError: the pattern is none.
        SizeLimitError: the text would be longer than 1 MiB.

    Source:
        golang/go src/regexp/regexp.go, ReplaceAllString and Expand.

    Example:
        >>> replace_all("([a-z]+):([0-9]+)", "$2 at ${1}", "chat:5000")
        '5000 at chat'
    """
    builder, end = Builder(), 0
    for match in compile_pattern(pattern).finditer(text):
        start, stop = match.span()
        if start == stop == end > 0:
            continue  # Go ignores an empty match right behind another
        builder.add(text[end:start])
        _expand(builder, replacement, match)
        end = stop
    builder.add(text[end:])
    return builder.text()


def _expand(builder: Builder, replacement: str, match: Any) -> None:
    end = 0
    for reference in _REFERENCE.finditer(replacement):
        builder.add(replacement[end : reference.start()])
        name = reference[1] or reference[2]
        builder.add("$" if name is None else _group(match, name))
        end = reference.end()
    builder.add(replacement[end:])


def _group(match: Any, name: str) -> str:
    """Return what a group matched; empty where it did not take part or does not exist."""
    if name.isdecimal() and len(name) < DIGITS_MAX:
        index = int(name)
        return (match.group(index) or "") if index <= match.re.groups else ""
    return (match.group(name) or "") if name in match.re.groupindex else ""
