"""The functions of Go's template language itself.

`and` and `or` are the interpreter's: they stop early.

Source:
    golang/go src/text/template/funcs.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote_plus

from sakshi.template.errors import FunctionError
from sakshi.template.printing import format_printf, join_printed, print_line
from sakshi.template.value import are_equal, is_less, is_true, type_name

SHORT_CIRCUITS: Final = frozenset({"and", "or"})

_HTML: Final[dict[str, str | int | None]] = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&#34;",
    "'": "&#39;",
    "\0": "\ufffd",
}
_JS: Final[dict[str, str | int | None]] = {
    "\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026",
    "=": "\\u003D", "\n": "\\u000A", "\r": "\\u000D", "\t": "\\u0009",
}  # fmt: skip


def escape_html(text: str) -> str:
    """Return a text in which no character means anything to HTML."""
    return text.translate(str.maketrans(_HTML))


def _equals(first: Any, *others: Any) -> bool:
    if not others:
        raise FunctionError("eq takes at least two arguments")
    return any(are_equal(first, other) for other in others)


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        value = _entry(value, key)
    return value


def _entry(value: Any, key: Any) -> Any:
    if isinstance(value, Mapping):
        return value.get(key, "")
    position = _position(value, key, len(value) - 1 if isinstance(value, _SIZED) else -1)
    return ord(value[position]) if isinstance(value, str) else value[position]


_SIZED: Final = (str, list, tuple)


def _position(value: Any, key: Any, last: int) -> int:
    if not isinstance(value, _SIZED):
        raise FunctionError(f"a {type_name(value)} cannot be indexed")
    if not isinstance(key, int) or isinstance(key, bool):
        raise FunctionError(f"a {type_name(key)} is no index")
    if not 0 <= key <= last:
        raise FunctionError(f"index {key} is out of range 0 to {last}")
    return key


def _slice(value: Any, *bounds: Any) -> Any:
    if len(bounds) > 2:
        raise FunctionError("slice takes at most two bounds")
    size = len(value) if isinstance(value, _SIZED) else 0
    start = bounds[0] if bounds else 0
    stop = bounds[1] if len(bounds) > 1 else size
    if _position(value, start, size) > _position(value, stop, size):
        raise FunctionError(f"a slice cannot go from {start} to {stop}")
    return value[start:stop]


def _length(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())  # bytes, as in Go
    if isinstance(value, Mapping | list | tuple):
        return len(value)
    raise FunctionError(f"a {type_name(value)} has no length")


BUILTINS: Final[Mapping[str, Callable[..., Any]]] = {
    "not": lambda value: not is_true(value),
    "eq": _equals,
    "ne": lambda left, right: not are_equal(left, right),
    "lt": is_less,
    "le": lambda left, right: is_less(left, right) or are_equal(left, right),
    "gt": lambda left, right: not (is_less(left, right) or are_equal(left, right)),
    "ge": lambda left, right: not is_less(left, right),
    "len": _length,
    "index": _index,
    "slice": _slice,
    "print": lambda *values: join_printed(values),
    "println": lambda *values: print_line(values),
    "printf": lambda layout, *values: format_printf(layout, values),
    "html": lambda *values: escape_html(join_printed(values)),
    "js": lambda *values: join_printed(values).translate(str.maketrans(_JS)),
    "urlquery": lambda *values: quote_plus(join_printed(values)),
}
