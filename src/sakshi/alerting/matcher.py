"""Matchers as Alertmanager's file writes them: `severity="critical"`, `{job=~"a|b", zone!=x}`."""

from __future__ import annotations

import re
from typing import Final

from sakshi.alerting.errors import InvalidMatcherError
from sakshi.model.errors import Problem
from sakshi.model.matcher import InvalidRegexError, Matcher, MatchOperator

_LITERAL: Final = r"[^\s{}!=~,\\\"'`]+"
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_NAME: Final = re.compile(rf"\s*({_QUOTED}|{_LITERAL})\s*", re.DOTALL)
_OPERATOR: Final = re.compile(r"=~|!~|!=|=")
_VALUE: Final = re.compile(rf"\s*({_QUOTED}|[^\s,\"{{}}]*)\s*", re.DOTALL)

_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    r"""Return the matchers of one text, all of which an alert must meet.

    Braces around them and a comma after the last are optional; a value without quotes ends at a
    space or a comma.

    Raises:
        InvalidMatcherError: the text is no matcher; `1:N` in the place is the character.

    Source:
        prometheus/alertmanager docs/configuration.md, <matcher>.

    Example:
        >>> [str(matcher) for matcher in parse_matchers('{severity="critical", job=~chat.*,}')]
        ['severity="critical"', 'job=~"chat.*"']
    """
    start, end = _inside_braces(text)
    matchers = []
    position = start
    while position < end:
        matcher, position = _read_matcher(text, position, end)
        matchers.append(matcher)
        if position < end:
            if text[position] != ",":
                raise _error(text, position, "a comma or the end after a matcher")
            position += len(text[position:end]) - len(text[position + 1 : end].lstrip())
    if not matchers:
        raise _error(text, start, "a matcher")
    return tuple(matchers)


def _inside_braces(text: str) -> tuple[int, int]:
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    if text.startswith("{", start):
        if not text.endswith("}", start + 1, end):
            raise _error(text, end, 'a closing "}"')
        return start + 1, end - 1
    return start, end


def _read_matcher(text: str, position: int, end: int) -> tuple[Matcher, int]:
    name = _NAME.match(text, position, end)
    if name is None:
        raise _error(text, position, "a label name")
    operator = _OPERATOR.match(text, name.end(), end)
    if operator is None:
        raise _error(text, name.end(), 'one of "=", "!=", "=~", "!~"')
    value = _VALUE.match(text, operator.end(), end)
    assert value is not None, "a value may be empty"
    try:
        matcher = Matcher(_unquote(name[1]), MatchOperator(operator[0]), _unquote(value[1]))
    except InvalidRegexError as error:
        raise InvalidMatcherError(
            Problem(f"1:{value.start(1) + 1}", "a regular expression of RE2", str(error))
        ) from None
    return matcher, value.end()


def _unquote(text: str) -> str:
    if not text.startswith('"'):
        return text
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], _kept(match[1])), text[1:-1])


def _kept(character: str) -> str:
    """Return what is escaped; a backslash before anything but a quote or itself is literal."""
    return character if character in '"\\' else "\\" + character


def _error(text: str, position: int, expected: str) -> InvalidMatcherError:
    found = f'"{text[position:]}"' if position < len(text) else "the end"
    return InvalidMatcherError(Problem(f"1:{position + 1}", expected, found))
