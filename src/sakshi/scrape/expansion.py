"""Replacements of relabelling: `$1`, `${name}` and `$$`, as Go's regexp package expands them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

DIGITS_MAX: Final = 8  # Go's: a longer number is a name

_REFERENCE: Final = re.compile(r"\$(?:(?P<dollar>\$)|(?P<bare>\w+)|\{(?P<braced>\w+)\})")


class Replacement:
    """A text with references to the groups of a regular expression.

    A name is as long as it can be: `$1x` is the group `1x`, `${1}x` is the first one and an x. What
    is no reference stays as it is; a group that is not there is empty.

    Args:
        text: as configured.
        regex: the compiled expression; `expand` takes matches of it.

    Source:
        golang/go src/regexp/regexp.go, expand and extract.

    Example:
        >>> regex = re.compile("(.*):(.*)")
        >>> Replacement("$1-${2}x$$", regex).expand(regex.fullmatch("chat:5000"))
        'chat-5000x$'
    """

    def __init__(self, text: str, regex: Any) -> None:
        self._parts = _parse(text, dict(regex.groupindex), regex.groups)

    def expand(self, match: Any) -> str:
        """Return the text with the groups of a match."""
        return "".join(
            part if isinstance(part, str) else match.group(part) or "" for part in self._parts
        )


def _parse(text: str, names: dict[str, int], count: int) -> Sequence[str | int]:
    """Return constant texts and numbers of groups."""
    parts: list[str | int] = []
    end = 0
    for match in _REFERENCE.finditer(text):
        parts.append(text[end : match.start()])
        end = match.end()
        if match["dollar"]:
            parts.append("$")
            continue
        name = match["bare"] or match["braced"]
        number = int(name) if _is_number(name) else names.get(name, count + 1)
        if number <= count:
            parts.append(number)
    parts.append(text[end:])
    return [part for part in parts if part != ""]


def _is_number(name: str) -> bool:
    """Tell whether a name counts groups: digits without a leading zero."""
    is_digits = name.isascii() and name.isdigit() and len(name) <= DIGITS_MAX
    return is_digits and (name == "0" or name[0] != "0")
