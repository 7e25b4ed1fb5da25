"""Go's `fmt`: how values look in the output, and `printf` with its verbs.

A verb is `%`, flags (`+ - # space 0`), width, precision and a letter; `*` takes width or precision
from the arguments, `%[2]s` the second argument. What does not fit is printed, not raised, as in Go:
`%!d(string=x)`, `%!s(MISSING)`, `%!(EXTRA int=1)`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from sakshi.template.errors import SizeLimitError
from sakshi.template.value import KV, Pairs, sorted_items, type_name

SIZE_MAX: Final = 1 << 20  # characters that one value may grow to; e-mails and Slack take far less
_WIDTH_MAX: Final = 1_000_000  # Go's own
_SHORTEST_EXPONENTS: Final = range(-4, 6)  # what %v writes without an exponent


class Builder:
    """Text that grows by pieces, up to a limit.

    Raises:
        SizeLimitError: from `add`, where the text would be longer than `size_max`.
    """

    def __init__(self, size_max: int = SIZE_MAX) -> None:
        self._pieces: list[str] = []
        self._size, self._size_max = 0, size_max

    def add(self, piece: str) -> None:
        """Append a piece."""
        self._size += len(piece)
        if self._size > self._size_max:
            raise SizeLimitError(f"the text is longer than {self._size_max} characters")
        self._pieces.append(piece)

    def text(self) -> str:
        """Return what was added."""
        return "".join(self._pieces)


@dataclass(frozen=True)
class Spec:
    """What stands between `%` and the verb's letter."""

    flags: str = ""
    width: int | None = None
    precision: int | None = None

    def pad(self, text: str, *, zeros: bool = False) -> str:
        """Return the text filled up to the width; zeros go between sign and digits."""
        width = self.width or 0
        if "-" in self.flags:
            return text.ljust(width)
        if zeros and "0" in self.flags:
            return text.zfill(width)
        return text.rjust(width)


PLAIN: Final = Spec()


def print_value(value: Any) -> str:
    """Return a value as `{{ value }}` and `%v` print it.

    Example:
        >>> [print_value(value) for value in (0.931, 1e6, 42, True, None, ["a", 1.5], {"b": 1})]
        ['0.931', '1e+06', '42', 'true', '<nil>', '[a 1.5]', 'map[b:1]']
    """
    return format_verb(value, "v", PLAIN)


def join_printed(values: Sequence[Any]) -> str:
    """Return values one after the other, with a blank between two that are no strings."""
    builder = Builder()
    for index, value in enumerate(values):
        if index and not isinstance(value, str) and not isinstance(values[index - 1], str):
            builder.add(" ")
        builder.add(print_value(value))
    return builder.text()


def print_line(values: Sequence[Any]) -> str:
    """Return values with blanks between them and a line's end."""
    builder = Builder()
    for index, value in enumerate(values):
        builder.add(" " if index else "")
        builder.add(print_value(value))
    builder.add("\n")
    return builder.text()


def format_float(value: float, verb: str, precision: int | None = None) -> str:
    """Return a float as Go's `%e`, `%f` or `%g`; without a precision, `%g` is as short as exact.

    Example:
        >>> format_float(0.1 + 0.2, "g"), format_float(1234.5678, "g", 4), format_float(2.5, "f")
        ('0.30000000000000004', '1235', '2.500000')
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if precision is None and verb in "gG":
        text = _shortest(value)
    else:
        text = format(value, f".{6 if precision is None else precision}{verb.lower()}")
    return text.upper() if verb in "EG" else text


def _shortest(value: float) -> str:
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    point = len(digits) + int(exponent) - 1
    prefix = "-" if sign else ""
    if not text:
        return prefix + "0"
    if point in _SHORTEST_EXPONENTS:
        return prefix + format(Decimal(repr(abs(value))).normalize(), "f")
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{prefix}{text[0]}{fraction}e{point:+03d}"


def format_verb(value: Any, verb: str, spec: Spec) -> str:
    """Return one value formatted by one verb."""
    if isinstance(value, Mapping) and not isinstance(value, KV | Pairs):
        inner = (
            f"{format_verb(key, verb, spec)}:{format_verb(entry, verb, spec)}"
            for key, entry in sorted_items(value)
        )
        return _join(inner, "map[", "]")
    if isinstance(value, list | tuple) and not isinstance(value, KV | Pairs):
        return _join((format_verb(entry, verb, spec) for entry in value), "[", "]")
    text = _format_scalar(value, verb, spec)
    if text is not None:
        return text
    return f"%!{verb}({type_name(value)}={print_value(value)})"


def _join(pieces: Any, opening: str, closing: str) -> str:
    builder = Builder()
    builder.add(opening)
    for index, piece in enumerate(pieces):
        builder.add((" " if index else "") + piece)
    builder.add(closing)
    return builder.text()


def _format_scalar(value: Any, verb: str, spec: Spec) -> str | None:
    """Return the text, or None where the verb is not for this type."""
    if value is None:
        return "<nil>" if verb == "v" else f"%!{verb}(<nil>)"
    if isinstance(value, bool):
        return spec.pad(str(value).lower()) if verb in "vt" else None
    if isinstance(value, int):
        return _format_int(value, verb, spec)
    if isinstance(value, float):
        return _format_float(value, verb, spec)
    return _format_text(str(value), verb, spec)


def _format_int(value: int, verb: str, spec: Spec) -> str | None:
    if verb in "cqU":
        return _format_character(value, verb, spec)
    form = {"v": "d", "d": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}.get(verb)
    if form is None:
        return None
    digits = format(abs(value), form)
    if spec.precision is not None:
        digits = digits.zfill(spec.precision)
        spec = replace(spec, flags=spec.flags.replace("0", ""))
    prefix = "0o" if verb == "O" else ""
    if "#" in spec.flags:
        prefix = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}.get(verb, prefix)
    return spec.pad(_sign(value < 0, spec) + prefix + digits, zeros=True)


def _format_character(value: int, verb: str, spec: Spec) -> str:
    character = chr(value) if 0 <= value <= 0x10FFFF else "\ufffd"
    if verb == "U":
        return spec.pad(f"U+{value:04X}")
    return spec.pad(character if verb == "c" else _quote(character, "'"))


def _format_float(value: float, verb: str, spec: Spec) -> str | None:
    if verb not in "veEfFgG":
        return None
    text = format_float(value, "g" if verb == "v" else verb, spec.precision)
    if not math.isfinite(value):
        sign = _sign(value < 0, spec) or ("+" if math.isinf(value) else "")
        return spec.pad(sign + text.lstrip("+-"))
    negative = text.startswith("-")
    return spec.pad(_sign(negative, spec) + text.removeprefix("-"), zeros=True)


def _format_text(text: str, verb: str, spec: Spec) -> str | None:
    cut = text if spec.precision is None else text[: spec.precision]
    match verb:
        case "v" | "s":
            return spec.pad(cut, zeros=False)
        case "q":
            return spec.pad(_quote(cut, '"'))
        case "x":
            return spec.pad(cut.encode().hex())
        case "X":
            return spec.pad(cut.encode().hex().upper())
    return None


def _sign(negative: bool, spec: Spec) -> str:
    if negative:
        return "-"
    return "+" if "+" in spec.flags else " " if " " in spec.flags else ""


_QUOTED: Final = {
    "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
    "\\": "\\\\",
}  # fmt: skip


def _quote(text: str, quote: str) -> str:
    """Return a text as a literal of Go: printable characters stay, others become escapes."""
    pieces = [quote]
    for character in text:
        code = ord(character)
        if character == quote:
            pieces.append("\\" + quote)
        elif character in _QUOTED:
            pieces.append(_QUOTED[character])
        elif character.isprintable():
            pieces.append(character)
        elif code < 0x80:
            pieces.append(f"\\x{code:02x}")
        else:
            pieces.append(f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}")
    return "".join([*pieces, quote])


_VERB: Final = re.compile(
    r"%(?P<flags>[-+# 0]*)(?:\[(?P<index>\d+)\])?(?P<width>\d+|\*)?"
    r"(?:\.(?P<precision>\d+|\*)?(?P<dot>))?(?:\[(?P<last>\d+)\])?(?P<verb>.)?",
    re.DOTALL,
)


def format_printf(layout: str, arguments: Sequence[Any]) -> str:
    """Return a layout with its verbs replaced by the arguments.

    Raises:
        SizeLimitError: the text would be longer than 1 MiB.

    Source:
        golang/go src/fmt/print.go, doPrintf.

    Example:
        >>> format_printf("%.1f%% of %q, %5d|%-5s|%d", [99.5, "chat", 42, "ab", "x"])
        '99.5% of "chat",    42|ab   |%!d(string=x)'
    """
    return _Printf(arguments).format(layout)


class _Printf:
    """One call of `printf`: a cursor over its arguments."""

    def __init__(self, arguments: Sequence[Any]) -> None:
        self._arguments = arguments
        self._cursor = 0
        self._is_reordered = False

    def format(self, layout: str) -> str:
        builder, end = Builder(), 0
        for match in _VERB.finditer(layout):
            builder.add(layout[end : match.start()])
            builder.add(self._replace(match))
            end = match.end()
        builder.add(layout[end:])
        extra = self._arguments[self._cursor :]
        if extra and not self._is_reordered:
            shown = ", ".join(f"{type_name(value)}={print_value(value)}" for value in extra)
            builder.add(f"%!(EXTRA {shown})")
        return builder.text()

    def _replace(self, match: re.Match[str]) -> str:
        self._seek(match["index"])
        complaint = ""
        width = precision = None
        if match["width"]:
            width = self._number(match["width"], -_WIDTH_MAX)
            complaint += "%!(BADWIDTH)" if width is None else ""
        if match["precision"]:
            precision = self._number(match["precision"], 0)
            complaint += "%!(BADPREC)" if precision is None else ""
        elif match["dot"] is not None:
            precision = 0
        self._seek(match["last"])
        flags = match["flags"] + ("-" if (width or 0) < 0 else "")
        spec = Spec(flags, width and abs(width), precision)
        return complaint + self._format_next(match["verb"], spec)

    def _format_next(self, verb: str | None, spec: Spec) -> str:
        if verb is None:
            return "%!(NOVERB)"
        if verb == "%":
            return "%"
        if not 0 <= self._cursor < len(self._arguments):
            return f"%!{verb}(BADINDEX)" if self._is_reordered else f"%!{verb}(MISSING)"
        value = self._arguments[self._cursor]
        self._cursor += 1
        return format_verb(value, verb, spec)

    def _seek(self, index: str | None) -> None:
        if index is not None:
            self._cursor, self._is_reordered = int(index) - 1, True

    def _number(self, text: str, least: int) -> int | None:
        """Return a width or precision, written out or an argument for a `*`; None: a bad one."""
        number: Any = text
        if text == "*":
            number = self._arguments[self._cursor] if self._cursor < len(self._arguments) else None
            self._cursor += 1
        elif len(text) < 10:
            number = int(text)
        is_number = isinstance(number, int) and not isinstance(number, bool)
        return number if is_number and least <= number <= _WIDTH_MAX else None
