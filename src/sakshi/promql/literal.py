"""What number, duration and string tokens mean.

Each function takes a token's text and raises InvalidLiteralError with the place inside of it.
"""

from __future__ import annotations

import math
import re
from typing import Final

from sakshi.model.duration import InvalidDurationError, parse_duration

HEXADECIMAL_MAX: Final = 2**63 - 1  # Go's int64; beyond it, Prometheus refuses the number
UNICODE_MAX: Final = 0x10FFFF

_OCTAL: Final = re.compile(r"0[0-7_]+")
_ESCAPE: Final = re.compile(
    r"""\\(?: ([abfnrtv\\'"]) | ([0-7]{3}) | x ([0-9a-fA-F]{2})
          | u ([0-9a-fA-F]{4}) | U ([0-9a-fA-F]{8}) )""",
    re.VERBOSE,
)
_CONTROLS: Final = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\",
}  # fmt: skip


class InvalidLiteralError(Exception):
    """A literal that means nothing. Never leaves the package: the parser adds the place.

    Args:
        offset: of the offending character in the literal, 0-based.
        expected: in words.
        found: the offending text; None: the whole literal.
    """

    def __init__(self, offset: int, expected: str, found: str | None = None) -> None:
        super().__init__(expected)
        self.offset, self.expected, self.found = offset, expected, found


def parse_number(text: str) -> float:
    """Return the value of a number token: decimal, hexadecimal, octal (with a leading 0), Inf, NaN.

    Raises:
        InvalidLiteralError: it is too large for a float, or hexadecimal and too large for an int64.

    Source:
        Go's strconv, ParseInt with base 0, then ParseFloat: what Prometheus does.

    Example:
        >>> parse_number("1_000.5"), parse_number("0x1F"), parse_number("010")
        (1000.5, 31.0, 8.0)
    """
    if text[1:2] in ("x", "X"):
        number = int(text, 0)
        if number > HEXADECIMAL_MAX:
            raise InvalidLiteralError(0, "a hexadecimal number below 2^63")
        return float(number)
    if _OCTAL.fullmatch(text):
        number = int(text, 8)
        return float(number) if number <= HEXADECIMAL_MAX else float(text)
    value = float(text)
    if math.isinf(value) and text[0] not in "iI":
        raise InvalidLiteralError(0, "a number below 1.8e308")
    return value


def parse_duration_token(text: str) -> int:
    """Return a duration token in milliseconds.

    Raises:
        InvalidLiteralError: a unit stands twice or out of order, or it is longer than 292 years.
    """
    try:
        return parse_duration(text)
    except InvalidDurationError:
        expected = "a duration below 292 years, each unit at most once, from y to ms"
        raise InvalidLiteralError(0, expected) from None


def unquote(text: str) -> str:
    r"""Return what a string token stands for.

    In single and double quotes, Go's escapes are undone. `\x` and octal escapes are bytes; all
    bytes together must be UTF-8.

    Raises:
        InvalidLiteralError: an escape is unknown or incomplete, or the bytes are not UTF-8.

    Example:
        >>> unquote(r'"caf\u00e9 \xc3\xa9"'), unquote(r"`raw \n`")
        ('café é', 'raw \\n')
    """
    if text[0] == "`" or "\\" not in text:
        return text[1:-1]
    quote, end = text[0], len(text) - 1
    out, position = bytearray(), 1
    while (backslash := text.find("\\", position)) >= 0:
        out += text[position:backslash].encode()
        match = _ESCAPE.match(text, backslash, end)
        out += _escape(match, backslash, quote, text)
        assert match is not None
        position = match.end()
    out += text[position:end].encode()
    try:
        return out.decode()
    except UnicodeDecodeError:
        raise InvalidLiteralError(0, "escapes that together are UTF-8") from None


def _escape(match: re.Match[str] | None, offset: int, quote: str, text: str) -> bytes:
    """Return the bytes of one escape sequence."""
    if match is None:
        raise InvalidLiteralError(
            offset, r"an escape sequence such as \n, \x41 or \u00e9", text[offset : offset + 2]
        )
    character, octal, byte, short, long = match.groups()
    if character is not None:
        if character in "'\"" and character != quote:
            raise InvalidLiteralError(offset, f"no backslash before {character}", match[0])
        return _CONTROLS.get(character, character).encode()
    if octal is not None or byte is not None:
        number = int(octal, 8) if octal is not None else int(byte, 16)
        if number > 0xFF:
            raise InvalidLiteralError(offset, r"an octal escape up to \377", match[0])
        return bytes([number])
    number = int(short or long, 16)
    if number > UNICODE_MAX or 0xD800 <= number < 0xE000:
        raise InvalidLiteralError(offset, "the escape of a Unicode character", match[0])
    return chr(number).encode()
