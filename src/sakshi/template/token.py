"""Cuts a template into tokens: text between actions, and what stands inside `{{ }}`.

    Hello {{- $labels.job | toUpper -}} !
    └─┬──┘└┬┘ └──┬──┘└┬─┘ │ └──┬──┘ └┬┘ └── text
     text open variable field pipe word close     (`-`: the text beside it is trimmed)

Comments leave no token. Strings keep their quotes here; `parser.py` reads their values.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

BLANKS: Final = " \t\r\n"


class Kind(StrEnum):
    """What a token is; the values name it in error messages."""

    TEXT = "text"
    OPEN = '"{{"'
    CLOSE = '"}}"'
    STRING = "a string"
    RAW_STRING = "a raw string"
    CHARACTER = "a character"
    NUMBER = "a number"
    FIELD = "a field"
    DOT = '"."'
    VARIABLE = "a variable"
    WORD = "a word"
    DECLARE = '":="'
    ASSIGN = '"="'
    PIPE = '"|"'
    LEFT = '"("'
    RIGHT = '")"'
    COMMA = '","'
    END = "the end of the text"


@dataclass(frozen=True)
class Token:
    """A piece of a template.

    Args:
        text: as written, without the blanks that a trim marker took.
        position: character offset in the template, 0-based.
        follows_blank: whether blanks stand before it; two operands need some, a field must not.
    """

    kind: Kind
    text: str
    position: int
    follows_blank: bool = False


class TokenError(Exception):
    """A character that begins no token; `parser.py` turns it into a TemplateSyntaxError."""

    def __init__(self, position: int, message: str) -> None:
        self.position, self.message = position, message
        super().__init__(message)


_CLOSE: Final = re.compile(r"(?P<trim>[ \t\r\n]+-)?\}\}|[ \t\r\n]+\}\}")
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_NUMBER: Final = (
    r"[+-]?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+"
    r"|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)"
)
_TOKEN: Final = re.compile(
    "|".join(
        f"(?P<{kind.name}>{pattern})"
        for kind, pattern in {
            Kind.STRING: r'"(?:[^"\\\n]|\\.)*"',
            Kind.RAW_STRING: r"`[^`]*`",
            Kind.CHARACTER: r"'(?:[^'\\\n]|\\.)+'",
            Kind.NUMBER: _NUMBER,
            Kind.FIELD: r"\.[^\W\d]\w*",
            Kind.DOT: r"\.",
            Kind.VARIABLE: r"\$\w*",
            Kind.WORD: r"[^\W\d]\w*",
            Kind.DECLARE: r":=",
            Kind.ASSIGN: r"=",
            Kind.PIPE: r"\|",
            Kind.LEFT: r"\(",
            Kind.RIGHT: r"\)",
            Kind.COMMA: r",",
        }.items()
    )
)
_BLANK: Final = re.compile(r"[ \t\r\n]*")
_ENDS_OPERAND: Final = frozenset(
    {Kind.NUMBER, Kind.STRING, Kind.RAW_STRING, Kind.CHARACTER, Kind.FIELD, Kind.VARIABLE}
    | {Kind.WORD, Kind.DOT, Kind.RIGHT}
)
_NEEDS_GAP: Final = frozenset(
    {Kind.NUMBER, Kind.STRING, Kind.RAW_STRING, Kind.CHARACTER, Kind.VARIABLE, Kind.WORD}
    | {Kind.DOT, Kind.LEFT}
)


def iter_tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a template; the last one is END.

    Raises:
        TokenError: an action or comment is not closed, or holds a character that begins no token.

    Source:
        golang/go src/text/template/parse/lex.go.
    """
    position, trims = 0, False
    while True:
        start = text.find("{{", position)
        piece = text[position:] if start < 0 else text[position:start]
        if trims:
            stripped = piece.lstrip(BLANKS)
            position, piece = position + len(piece) - len(stripped), stripped
        if start < 0:
            if piece:
                yield Token(Kind.TEXT, piece, position)
            yield Token(Kind.END, "", len(text))
            return
        inside = start + 2
        if text.startswith("-", inside) and text[inside + 1 : inside + 2] in tuple(BLANKS):
            piece, inside = piece.rstrip(BLANKS), inside + 2
        if piece:
            yield Token(Kind.TEXT, piece, position)
        position, trims = yield from _iter_action(text, start, inside)


def _iter_action(text: str, start: int, inside: int) -> Generator[Token, None, tuple[int, bool]]:
    """Yield the tokens of an action; return where it ends and whether it trims what follows."""
    if text.startswith("/*", inside):
        return _skip_comment(text, start, inside)
    yield Token(Kind.OPEN, "{{", start)
    position, previous = inside, Kind.OPEN
    while True:
        if closing := _CLOSE.match(text, position):
            yield Token(Kind.CLOSE, "}}", closing.end() - 2)
            return closing.end(), closing["trim"] is not None
        blank_end = _BLANK.match(text, position).end()  # type: ignore[union-attr]  # always matches
        follows_blank, position = blank_end > position, blank_end
        match = _TOKEN.match(text, position)
        if match is None:
            raise TokenError(*_explain(text, start, position))
        kind = Kind[match.lastgroup or ""]
        if kind in _NEEDS_GAP and previous in _ENDS_OPERAND and not follows_blank:
            raise TokenError(position, f"expected a blank before {_shown(match[0])}")
        yield Token(kind, match[0], position, follows_blank)
        position, previous = match.end(), kind


def _skip_comment(text: str, start: int, inside: int) -> tuple[int, bool]:
    comment = _COMMENT.match(text, inside)
    if comment is None:
        raise TokenError(start, "expected */ to end the comment")
    closing = _CLOSE.match(text, comment.end())
    if closing is None or (closing["trim"] is None and closing[0] != "}}"):
        raise TokenError(comment.end(), "expected the action to end with its comment")
    return closing.end(), closing["trim"] is not None


def _explain(text: str, start: int, position: int) -> tuple[int, str]:
    """Return the place and the reason why no token begins at a position."""
    if position >= len(text):
        return start, "expected }} to end the action"
    character = text[position]
    if character in "\"`'":
        return position, f"expected another {character} to end the string"
    return position, f"unexpected {_shown(character)} in an action"


def _shown(text: str) -> str:
    return f'"{text if len(text) <= 20 else text[:20] + "..."}"'
