"""What can be wrong with an exposition.

SakshiError
└── BadInputError
    ├── ExpositionSyntaxError   the bytes are not the format that they claim to be; has a position
    ├── ExportError             what an OTLP export says is none of what OTLP has
    └── WireFormatError         the bytes are no Protocol Buffers message of the kind expected
"""

from __future__ import annotations

from typing import Final, NoReturn

from sakshi.model.errors import BadInputError, Problem

FOUND_LENGTH_MAX: Final = 40  # of the offending text that an error shows


class ExpositionSyntaxError(BadInputError):
    """The bytes are no exposition: `3:17: expected a number, found "abc"`.

    Args:
        line: 1-based.
        column: 1-based, in characters.
        expected: in words.
        found: the offending text, quoted, or `the end of the line`.
    """

    def __init__(self, line: int, column: int, expected: str, found: str) -> None:
        self.line, self.column, self.expected, self.found = line, column, expected, found
        super().__init__(Problem(f"{line}:{column}", expected, found))


class WireFormatError(BadInputError):
    """The bytes are no message: `byte 17: expected 8 bytes, found 3`.

    Args:
        position: 0-based, in the message that was being read: the whole, or one inside it.
        expected: in words.
        found: in words.
    """

    def __init__(self, position: int, expected: str, found: str) -> None:
        self.position, self.expected, self.found = position, expected, found
        super().__init__(Problem(f"byte {position}", expected, found))


class TooLargeError(BadInputError):
    """A message has more in it than anybody sends: `the body: expected at most 9 bytes, found 10`.

    Args:
        place: of what is too much.
        expected: at most what, in words.
        found: in words.
    """

    def __init__(self, place: str, expected: str, found: str) -> None:
        super().__init__(Problem(place, expected, found))


class ExportError(BadInputError):
    """An OTLP export is not what it should be: `a data point of x: expected a time, found none`."""

    def __init__(self, place: str, expected: str, found: str) -> None:
        self.place, self.expected, self.found = place, expected, found
        super().__init__(Problem(place, expected, found))


def refuse(line: bytes, number: int, position: int, expected: str) -> NoReturn:
    """Raise the error for what stands at this position of the line."""
    column = len(line[:position].decode(errors="replace")) + 1
    rest = line[position:].decode(errors="backslashreplace")
    shown = rest if len(rest) <= FOUND_LENGTH_MAX else rest[: FOUND_LENGTH_MAX - 3] + "..."
    found = f'"{_printable(shown)}"' if rest else "the end of the line"
    raise ExpositionSyntaxError(number, column, expected, found)


def refuse_bytes(line: bytes, number: int) -> NoReturn:
    """Raise the error for a line that is not UTF-8."""
    text = line.decode(errors="surrogateescape")  # 0xff becomes U+DCFF, which UTF-8 cannot hold
    column = next(
        index for index, character in enumerate(text) if "\udc80" <= character <= "\udcff"
    )
    found = f"the byte 0x{ord(text[column]) - 0xDC00:02x}"
    raise ExpositionSyntaxError(number, column + 1, "UTF-8", found)


def _printable(text: str) -> str:
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
