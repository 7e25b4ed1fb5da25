r"""Reads Go's literals: `"text\n"`, `` `raw` ``, `'x'`, `42`, `0x1F`, `1e3`."""

from __future__ import annotations

import re
from typing import Final

_SIMPLE_ESCAPES: Final = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", '"': '"', "'": "'",
}  # fmt: skip
_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.)|$)", re.DOTALL
)
_OTHER_QUOTE: Final = {'"': "'", "'": '"'}


def parse_string(token: str) -> str:
    r"""Return the value of a string, raw string or character literal, quotes included.

    `\x` and octal escapes are bytes of UTF-8, as in Go; bytes that are none become U+FFFD.

    Raises:
        ValueError: an escape that Go does not know, or a character beyond Unicode.

    Example:
        >>> parse_string(r'"a\tb\u00e9\xc3\xa9"')
        'a\tbéé'
    """
    quote, body = token[0], token[1:-1]
    if quote == "`":
        return body.replace("\r", "")
    return _decode(_ESCAPE.sub(lambda match: _unescape(match, quote), body))


def parse_character(token: str) -> int:
    """Return the code point of a character literal.

    Raises:
        ValueError: not exactly one character.
    """
    text = parse_string(token)
    if len(text) != 1:
        raise ValueError(f"expected one character, found {token}")
    return ord(text)


def parse_number(token: str) -> int | float:
    """Return a number: a float where it has a point or an exponent, as in Go.

    Raises:
        ValueError: misplaced underscores or digits.
        OverflowError: an integer beyond 64 bits.

    Example:
        >>> parse_number("1e3"), parse_number("0x1F"), parse_number("017"), parse_number("-4")
        (1000.0, 31, 15, -4)
    """
    digits = token.lstrip("+-")
    if not digits.lower().startswith("0x") and any(mark in digits for mark in ".eE"):
        return float(token)
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        token = token.replace("0", "0o", 1)
    number = int(token, 0)
    if not -(1 << 63) <= number < 1 << 63:
        raise OverflowError(f"{token} does not fit in 64 bits")
    return number


def _unescape(match: re.Match[str], quote: str) -> str:
    two, four, eight, octal, character = match.groups()
    if two or octal:
        byte = int(two, 16) if two else int(octal, 8)
        if byte > 0xFF:
            raise ValueError(f"unknown escape {match[0]}")
        return chr(byte) if byte < 0x80 else chr(0xDC00 + byte)  # a lone surrogate: decoded below
    if four or eight:
        code = int(four or eight, 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise ValueError(f"no character has the code {match[0]}")
        return chr(code)
    if character not in _SIMPLE_ESCAPES or character == _OTHER_QUOTE[quote]:
        raise ValueError(f"unknown escape {match[0]}")
    return _SIMPLE_ESCAPES[character]


def _decode(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
