"""Matchers: one condition on one label, as in `job=~"chat|worker"`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import re2

from sakshi.model.errors import SakshiError
from sakshi.model.labels import Labels, format_label_name, quote_value


class InvalidRegexError(SakshiError):
    """A regular expression that RE2 does not accept; the message is RE2's reason."""


class MatchOperator(StrEnum):
    """How a matcher compares a label's value with its own."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@dataclass(frozen=True)
class Matcher:
    """One label condition. An absent label has the empty value.

    Regular expressions run on RE2 and are anchored at both ends, as Prometheus' are.

    Raises:
        InvalidRegexError: the value of a regex matcher is not a regular expression of RE2.

    Example:
        >>> Matcher("job", MatchOperator.REGEX, "ch.*").matches("chat")
        True
        >>> Matcher("zone", MatchOperator.NOT_EQUAL, "").matches("")
        False
    """

    name: str
    operator: MatchOperator
    value: str
    matches: Callable[[str], bool] = field(init=False, repr=False, compare=False)
    """Tells whether a label value meets the condition."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "matches", _condition(self.operator, self.value))

    def __str__(self) -> str:
        return f"{format_label_name(self.name)}{self.operator}{quote_value(self.value)}"


def matches_all(matchers: Iterable[Matcher], labels: Labels) -> bool:
    """Tell whether a label set meets every matcher; true where there is none."""
    return all(matcher.matches(labels.get(matcher.name, "")) for matcher in matchers)


def _condition(operator: MatchOperator, value: str) -> Callable[[str], bool]:
    if operator is MatchOperator.EQUAL:
        return value.__eq__
    if operator is MatchOperator.NOT_EQUAL:
        return value.__ne__
    compile_regex(value)  # is refused now, and asked for again at each text: see COMPILED_MAX
    if operator is MatchOperator.REGEX:
        return lambda text: compile_regex(value).fullmatch(text) is not None
    return lambda text: compile_regex(value).fullmatch(text) is None


COMPILED_MAX: Final = 256
"""Compiled expressions that are kept: those of a few hundred rules and panels. Each may take a
megabyte once it is used (`max_mem`), and there are matchers in thousands of syntax trees and
selections: so none keeps its own."""


@lru_cache(maxsize=COMPILED_MAX)
def compile_regex(pattern: str) -> Any:
    """Return the compiled RE2 expression; a dot matches a newline too, as in Prometheus.

    It has the methods of a `re.Pattern` (`google-re2` ships no types).

    Raises:
        InvalidRegexError: RE2 does not accept the pattern.
    """
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        reason = error.args[0]
        text = reason.decode() if isinstance(reason, bytes) else str(reason)
        raise InvalidRegexError(
            f"{text} in the regular expression {quote_value(pattern)}"
        ) from None


_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.dot_nl = True
_OPTIONS.max_mem = 1 << 20  # bytes; `\pL{300}` took 190 ms and 4.5 MB to compile with 8 MiB
