r"""One line of the text format, taken apart.

    http_requests_total{method="post",code="200"} 1027 1395066363000
    └───────────────────── key ──────────────────┘└val┘└ timestamp ┘

The **key** is everything before the value, whitespace included. It decides the labels, and nothing
right of it can change them, so whoever has seen a key knows its labels when it comes again: that is
what `layout.py` lives on.
"""

from __future__ import annotations

import re
from sys import intern
from typing import Final, NamedTuple

from sakshi.exposition.errors import refuse, refuse_bytes
from sakshi.exposition.family import Exemplar, MetricType
from sakshi.exposition.number import normalize_bound, parse_number
from sakshi.model.labels import METRIC_NAME

LabelPairs = tuple[tuple[str, str], ...]
"""Labels as exposed: the metric name first, then in the line's order, empty values kept."""

TIMESTAMP_MS_MAX: Final = 2**63 - 1

BOUND_LABELS: Final = {MetricType.HISTOGRAM: "le", MetricType.SUMMARY: "quantile"}
"""The label whose value is a number, by type of the family."""

_BLANK: Final = b" \t"
_NAME: Final = re.compile(rb"[ \t]*([a-zA-Z_:][a-zA-Z0-9_:]*)[ \t]*")
_OPEN: Final = re.compile(rb"[ \t]*\{[ \t]*")
_CLOSE: Final = re.compile(rb"[ \t]*\}[ \t]*")
_STRING: Final = rb'"([^"\\]*(?:\\.[^"\\]*)*)"'
_LABEL_NAME: Final = re.compile(rb"[ \t]*(?:([a-zA-Z_][a-zA-Z0-9_]*)|" + _STRING + rb")[ \t]*")
_LABEL_VALUE: Final = re.compile(rb"=[ \t]*" + _STRING + rb"[ \t]*")
_VALUE: Final = re.compile(rb"([^ \t]+)(?:[ \t]+([^ \t]+))?[ \t]*")
_META: Final = re.compile(rb"[ \t]*#[ \t]+(HELP|TYPE)[ \t]+")
_META_NAME: Final = re.compile(rb"(?:([a-zA-Z_:][a-zA-Z0-9_:]*)|" + _STRING + rb")")
_ESCAPE: Final = re.compile(r'\\(["\\n])')
_HELP_ESCAPE: Final = re.compile(r"\\([\\n])")

_TYPES: Final = {
    b"counter": MetricType.COUNTER,
    b"gauge": MetricType.GAUGE,
    b"histogram": MetricType.HISTOGRAM,
    b"summary": MetricType.SUMMARY,
    b"untyped": MetricType.UNKNOWN,
}


class Measurement(NamedTuple):
    """What stands right of a sample's key."""

    value: float
    timestamp_ms: int | None = None
    exemplar: Exemplar | None = None


class SampleLine(NamedTuple):
    """A line that is a sample; see the module's drawing."""

    key: bytes
    pairs: LabelPairs
    measurement: Measurement


class MetaLine(NamedTuple):
    """A HELP, TYPE or UNIT line; all but one of `help`, `type` and `unit` are None."""

    name: str
    help: str | None = None
    type: MetricType | None = None
    unit: str | None = None


def is_comment(line: bytes) -> bool:
    """Tell whether a line holds no sample: blank, HELP, TYPE, or a remark."""
    return line.lstrip(_BLANK)[:1] in (b"", b"#")


def scan_comment(line: bytes, number: int) -> MetaLine | None:
    """Return what a HELP or TYPE line says; None for remarks and blank lines.

    Args:
        line: without its line feed; `is_comment` holds.
        number: of the line, 1-based, for the error.

    Raises:
        ExpositionSyntaxError: a HELP or TYPE line without a name, an unknown type, or not UTF-8.
    """
    keyword = _META.match(line)
    if keyword is None:
        return None
    name = _META_NAME.match(line, keyword.end())
    if name is None:
        refuse(line, number, keyword.end(), f"a metric name after {keyword[1].decode()}")
    try:
        family = unescape((name[1] if name[1] is not None else name[2]).decode())
        if keyword[1] == b"HELP":
            text = line[name.end() + 1 :].decode()
            return MetaLine(family, help=_HELP_ESCAPE.sub(_escaped, text))
    except UnicodeDecodeError:
        refuse_bytes(line, number)
    kind = _TYPES.get(line[name.end() + 1 :].strip(_BLANK))  # whatever stands behind the name
    if kind is None:
        expected = "counter, gauge, histogram, summary or untyped"
        refuse(line, number, _after_blank(line, name.end()), expected)
    return MetaLine(family, type=kind)


def scan_sample(line: bytes, number: int, bound_label: str = "") -> SampleLine:
    """Return a sample line's parts.

    Args:
        line: without its line feed; `is_comment` does not hold.
        number: of the line, 1-based, for the error.
        bound_label: whose value is a number and is normalized: see `BOUND_LABELS`.

    Raises:
        ExpositionSyntaxError: the line is no sample.
    """
    try:
        pairs, end = _scan_series(line, number)
    except UnicodeDecodeError:
        refuse_bytes(line, number)
    pairs = with_normal_bound(pairs, bound_label)
    return SampleLine(line[:end], pairs, scan_value(line, number, end))


def scan_value(line: bytes, number: int, start: int) -> Measurement:
    """Return value and timestamp of a sample line whose key ends at `start`.

    Raises:
        ExpositionSyntaxError: there stands something else.
    """
    match = _VALUE.fullmatch(line, start)
    if match is None:
        surplus = _VALUE.match(line, start)
        if surplus is None:
            refuse(line, number, start, "a value")
        refuse(line, number, surplus.end(), "the end of the line")
    text, timestamp = match.groups()
    try:
        value = parse_number(text)
    except ValueError:
        refuse(line, number, start, "a number")
    if timestamp is None:
        return Measurement(value)
    if not timestamp.isdigit() or len(timestamp) > 19 or int(timestamp) > TIMESTAMP_MS_MAX:
        refuse(line, number, match.start(2), "a timestamp in milliseconds")
    return Measurement(value, int(timestamp))


def with_normal_bound(pairs: LabelPairs, bound_label: str) -> LabelPairs:
    """Return the pairs with the value of this label in its one form; as they are where it is ""."""
    if not bound_label:
        return pairs
    return tuple(
        (name, intern(normalize_bound(value))) if name == bound_label else (name, value)
        for name, value in pairs
    )


def unescape(text: str) -> str:
    r"""Return a quoted text without its escapes: backslash, quote and line feed."""
    return _ESCAPE.sub(_escaped, text) if "\\" in text else text


def _scan_series(line: bytes, number: int) -> tuple[LabelPairs, int]:
    """Return the labels, and where the key ends."""
    name = _NAME.match(line)
    opened = _OPEN.match(line, name.end() if name else 0)
    if name is not None and opened is None:
        if line[name.end() - 1] not in _BLANK:
            refuse(line, number, name.end(), 'a value after a space, or "{"')
        return ((METRIC_NAME, intern(name[1].decode())),), name.end()
    if opened is None:
        refuse(line, number, _after_blank(line, 0), "a metric name")
    pairs, end = _scan_labels(line, number, opened.end())
    if name is not None:
        pairs.insert(0, (METRIC_NAME, intern(name[1].decode())))
    if not pairs or pairs[0][0] != METRIC_NAME:
        refuse(line, number, opened.end(), "a metric name, before or within the braces")
    if len({label for label, _ in pairs}) != len(pairs):
        refuse(line, number, opened.end(), "each label once")
    return tuple(pairs), end


def _scan_labels(line: bytes, number: int, start: int) -> tuple[list[tuple[str, str]], int]:
    """Return the pairs within the braces, a quoted metric name first, and where the key ends."""
    pairs: list[tuple[str, str]] = []
    position = start
    while (closed := _CLOSE.match(line, position)) is None:
        pair, position = _scan_pair(line, number, position)
        pairs.insert(0 if pair[0] == METRIC_NAME else len(pairs), pair)
        separator = line[position : position + 1]
        if separator == b",":
            position = _after_blank(line, position + 1)
        elif separator != b"}":
            refuse(line, number, position, '"," or "}"')
    return pairs, closed.end()


def _scan_pair(line: bytes, number: int, start: int) -> tuple[tuple[str, str], int]:
    """Return a label, or the quoted metric name, and where it ends."""
    match = _LABEL_NAME.match(line, start)
    if match is None or match[2] == b"":
        refuse(line, number, start, 'a label name or "}"')
    text = unescape((match[1] if match[1] is not None else match[2]).decode())
    value = _LABEL_VALUE.match(line, match.end())
    if value is None:
        if match[2] is None or line[match.end() : match.end() + 1] not in (b",", b"}"):
            refuse(line, number, match.end(), "= and a label value in double quotes")
        return (METRIC_NAME, intern(text)), match.end()
    if text == METRIC_NAME:
        refuse(line, number, start, f"a label other than {METRIC_NAME}")
    return (intern(text), intern(unescape(value[1].decode()))), value.end()


def _escaped(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else match[1]


def _after_blank(line: bytes, position: int) -> int:
    while line[position : position + 1] in (b" ", b"\t"):
        position += 1
    return position
