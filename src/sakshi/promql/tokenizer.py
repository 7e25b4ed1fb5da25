"""Cuts a query into tokens, lazily, so that the first thing that is wrong is what is reported.

Three regions have their own words: outside, names may hold colons and may be keywords; between
`{` and `}` and between `[` and `]` a colon stands alone and no name is a keyword. Comments run from
`#` to the end of the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from sakshi.promql import token as kinds
from sakshi.promql.token import KEYWORDS, NUMBER_WORDS, Token

# One alternative a group; the group's name decides what becomes of it. A number or duration that
# runs on into a letter, digit, underscore or dot is none.
_SPACE = r"(?P<space> (?: [ \t\r\n]+ | \#[^\r\n]* )+ )"
_DURATION = r"(?P<DURATION> (?: [0-9]+ (?: ms | [smhdwy] ) )+ (?![\w.]) )"
_NUMBER = r"""
    (?P<NUMBER> (?:
        0[xX] (?: _? [0-9a-fA-F] )+
      | (?: [0-9] (?: _? [0-9] )* (?: \. (?: [0-9] (?: _? [0-9] )* )? )?
          | \. [0-9] (?: _? [0-9] )* )
        (?: [eE] [-+]? [0-9] (?: _? [0-9] )* )?
    ) (?![\w.]) )
  | (?P<BAD_NUMBER> \.? [0-9] [\w.]* )
"""
_STRING = r"""
    (?P<STRING>
        " [^"\\\n]* (?: \\. [^"\\\n]* )* "
      | ' [^'\\\n]* (?: \\. [^'\\\n]* )* '
      | ` [^`]* `
    )
  | (?P<OPEN_STRING> ["'`] )
"""
_SYMBOL = r"(?P<symbol> == | != | =~ | !~ | <= | >= | [-+*/%^<>=(){}\[\],@:] )"
_UNKNOWN = r"(?P<UNKNOWN> . )"


def _pattern(name: str) -> re.Pattern[str]:
    parts = (name, _SYMBOL, _SPACE, _STRING, _DURATION, _NUMBER, _UNKNOWN)  # frequent ones first
    return re.compile("|".join(parts), re.VERBOSE | re.ASCII | re.DOTALL)


_OUTSIDE: Final = _pattern(r"(?P<word> [a-zA-Z_:] [a-zA-Z0-9_:]* )")
_INSIDE: Final = _pattern(r"(?P<IDENTIFIER> [a-zA-Z_] [a-zA-Z0-9_]* )")


def tokenize(text: str) -> Iterator[Token]:
    """Yield the tokens of a query, comments and blanks left out; the last one, END, has no text.

    Never raises: what is no token comes as BAD_NUMBER, OPEN_STRING or UNKNOWN.

    Example:
        >>> [(token.kind, token.text) for token in tokenize('Sum(up{on="x"}[5m]) # all')]
        ... # doctest: +NORMALIZE_WHITESPACE
        [('sum', 'Sum'), ('(', '('), ('IDENTIFIER', 'up'), ('{', '{'), ('IDENTIFIER', 'on'),
         ('=', '='), ('STRING', '"x"'), ('}', '}'), ('[', '['), ('DURATION', '5m'), (']', ']'),
         (')', ')'), ('END', '')]
    """
    match = _OUTSIDE.match
    position, length = 0, len(text)
    while position < length:
        found = match(text, position)
        assert found is not None  # UNKNOWN takes any character
        group, word, start = found.lastgroup, found[0], position
        position = found.end()
        if group == "space":
            continue
        if group == "symbol":
            if word in "{[":
                match = _INSIDE.match
            elif word in "}]":
                match = _OUTSIDE.match
            yield Token(word, word, start)
        elif group == "word":
            yield Token(_word_kind(word.lower()), word, start)
        else:
            assert group is not None  # every alternative is named
            yield Token(group, word, start)
    yield Token(kinds.END, "", length)


def _word_kind(word: str) -> str:
    if word in KEYWORDS:
        return word
    return kinds.NUMBER if word in NUMBER_WORDS else kinds.IDENTIFIER
