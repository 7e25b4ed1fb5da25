"""One line of OpenMetrics, taken apart.

    latency_seconds_bucket{le="0.5"} 17 1700000000.5 # {trace_id="4bf9"} 0.43 1700000000.1
    └───────────── key ─────────────┘└v┘└ timestamp ┘ └───────── exemplar ────────────────┘

Between two parts stands exactly one space, and none within the braces; times are seconds, with a
fraction. What is read and what is refused is Prometheus' decision, not the standard's: whether a
family's samples fit its type is nobody's question.

Source:
    prometheus/prometheus model/textparse/openmetricslex.l, openmetricsparse.go
"""

from __future__ import annotations

import math
import re
from sys import intern
from typing import Final

from sakshi.exposition.errors import refuse, refuse_bytes
from sakshi.exposition.family import Exemplar, MetricType
from sakshi.exposition.line import (
    TIMESTAMP_MS_MAX,
    LabelPairs,
    Measurement,
    MetaLine,
    SampleLine,
    unescape,
    with_normal_bound,
)
from sakshi.exposition.number import parse_number
from sakshi.model.labels import METRIC_NAME, Labels

EOF: Final = b"# EOF"
EXEMPLAR_MARK: Final = b" # {"

_NAME: Final = re.compile(rb"[a-zA-Z_:][a-zA-Z0-9_:]*")
_STRING: Final = rb'"([^"\\]*(?:\\.[^"\\]*)*)"'
_LABEL_NAME: Final = re.compile(rb"([a-zA-Z_][a-zA-Z0-9_]*)|" + _STRING)
_LABEL_VALUE: Final = re.compile(rb"=" + _STRING)
_META: Final = re.compile(rb"# (HELP|TYPE|UNIT) ")
_META_NAME: Final = re.compile(rb"(?:([a-zA-Z_:][a-zA-Z0-9_:]*)|" + _STRING + rb")(?= )")
_VALUE: Final = re.compile(rb"([^ ]+)(?: (?!# \{)([^ ]+))?( # \{)?")
_EXEMPLAR_VALUE: Final = re.compile(rb" ([^ ]+)(?: ([^ ]+))?")

_TYPES: Final = {kind.value.encode(): kind for kind in MetricType}


def scan_comment(line: bytes, number: int) -> MetaLine | None:
    """Return what a HELP, TYPE or UNIT line says; None for the body's end.

    Raises:
        ExpositionSyntaxError: any other comment, a missing name or text, an unknown type, a unit
            that the name does not end in, or not UTF-8.
    """
    if line in (b"", EOF):  # `split_lines` saw that they are where they belong
        return None
    keyword = _META.match(line)
    if keyword is None:
        refuse(line, number, 0, "# HELP, # TYPE, # UNIT or # EOF")
    name = _META_NAME.match(line, keyword.end())
    if name is None:
        word = keyword[1].decode()
        refuse(line, number, keyword.end(), f"a metric name and a space after {word}")
    try:
        family = unescape((name[1] if name[1] is not None else name[2]).decode())
        text = line[name.end() + 1 :].decode()
    except UnicodeDecodeError:
        refuse_bytes(line, number)
    if keyword[1] == b"HELP":
        return MetaLine(family, help=unescape(text))
    if keyword[1] == b"UNIT":
        if text and not family.endswith(f"_{text}"):
            refuse(line, number, name.end() + 1, "a unit that the name ends in")
        return MetaLine(family, unit=text)
    kind = _TYPES.get(text.encode())
    if kind is None:
        refuse(line, number, name.end() + 1, f"one of {', '.join(MetricType)}")
    return MetaLine(family, type=kind)


def scan_sample(line: bytes, number: int, bound_label: str = "") -> SampleLine:
    """Return a sample line's parts.

    Args:
        line: without its line feed.
        number: of the line, 1-based, for the error.
        bound_label: whose value is a number and is normalized.

    Raises:
        ExpositionSyntaxError: the line is no sample.
    """
    try:
        pairs, end = _scan_series(line, number)
    except UnicodeDecodeError:
        refuse_bytes(line, number)
    if line[end : end + 1] != b" ":
        refuse(line, number, end, "a space and a value")
    pairs = with_normal_bound(pairs, bound_label)
    return SampleLine(line[: end + 1], pairs, scan_measurement(line, number, end + 1))


def scan_measurement(line: bytes, number: int, start: int) -> Measurement:
    """Return value, timestamp and exemplar of a line whose key ends at `start`.

    Raises:
        ExpositionSyntaxError: there stands something else.
    """
    match = _VALUE.match(line, start)
    if match is None:
        refuse(line, number, start, "a value")
    value = _number(line, number, match.start(1), match[1])
    timestamp_ms = None
    if match[2] is not None:
        timestamp_ms = _timestamp_ms(line, number, match.start(2), match[2])
    if match[3] is not None:
        exemplar = scan_exemplar(line, number, match.end())
        return Measurement(value, timestamp_ms, exemplar)
    if match.end() != len(line):
        refuse(line, number, match.end(), "the end of the line, or an exemplar")
    return Measurement(value, timestamp_ms)


def scan_exemplar(line: bytes, number: int, start: int) -> Exemplar:
    """Return the exemplar whose labels begin at `start`, behind `EXEMPLAR_MARK`.

    Raises:
        ExpositionSyntaxError: there stands something else.
    """
    try:
        pairs, end = _scan_labels(line, number, start, takes_name=False)
    except UnicodeDecodeError:
        refuse_bytes(line, number)
    if len({name for name, _ in pairs}) != len(pairs):
        refuse(line, number, start, "each label once")
    match = _EXEMPLAR_VALUE.match(line, end)
    if match is None:
        refuse(line, number, end, "a space and the exemplar's value")
    if match.end() != len(line):
        refuse(line, number, match.end(), "the end of the line")
    value = _number(line, number, match.start(1), match[1])
    if match[2] is None:
        return Exemplar(Labels(pairs), value)
    return Exemplar(Labels(pairs), value, _timestamp_ms(line, number, match.start(2), match[2]))


def _scan_series(line: bytes, number: int) -> tuple[LabelPairs, int]:
    """Return the labels, and where the braces or the bare name end."""
    name = _NAME.match(line)
    end = name.end() if name else 0
    pairs = [(METRIC_NAME, intern(name[0].decode()))] if name else []
    if line[end : end + 1] == b"{":
        inner, end = _scan_labels(line, number, end + 1, takes_name=not pairs)
        pairs += sorted(inner, key=lambda pair: pair[0] != METRIC_NAME)
    elif name is None:
        refuse(line, number, 0, "a metric name")
    if not pairs or pairs[0][0] != METRIC_NAME:
        refuse(line, number, 0, "a metric name, before or within the braces")
    if len({label for label, _ in pairs}) != len(pairs):
        refuse(line, number, 0, "each label once")
    return tuple(pairs), end


def _scan_labels(
    line: bytes, number: int, start: int, *, takes_name: bool
) -> tuple[list[tuple[str, str]], int]:
    """Return the pairs within braces, and where the closing one ends."""
    pairs: list[tuple[str, str]] = []
    position = start
    while line[position : position + 1] != b"}":
        pair, position = _scan_pair(line, number, position, takes_name)
        takes_name = takes_name and pair[0] != METRIC_NAME
        pairs.append(pair)
        if line[position : position + 1] == b",":
            position += 1
        elif line[position : position + 1] != b"}":
            refuse(line, number, position, '"," or "}"')
    return pairs, position + 1


def _scan_pair(
    line: bytes, number: int, start: int, takes_name: bool
) -> tuple[tuple[str, str], int]:
    """Return a label, or the quoted metric name, and where it ends."""
    match = _LABEL_NAME.match(line, start)
    if match is None or match[2] == b"":
        refuse(line, number, start, 'a label name or "}"')
    text = unescape((match[1] if match[1] is not None else match[2]).decode())
    value = _LABEL_VALUE.match(line, match.end())
    if value is None:
        is_name = match[2] is not None and line[match.end() : match.end() + 1] in (b",", b"}")
        if not takes_name or not is_name:
            refuse(line, number, match.end(), "= and a label value in double quotes")
        return (METRIC_NAME, intern(text)), match.end()
    if text == METRIC_NAME:
        refuse(line, number, start, f"a label other than {METRIC_NAME}")
    return (intern(text), intern(unescape(value[1].decode()))), value.end()


def _number(line: bytes, number: int, start: int, text: bytes) -> float:
    try:
        return parse_number(text)
    except ValueError:
        refuse(line, number, start, "a number")


def _timestamp_ms(line: bytes, number: int, start: int, text: bytes) -> int:
    """Return a time in milliseconds; a finer fraction is cut off, as in Prometheus."""
    try:
        milliseconds = parse_number(text) * 1000
    except ValueError:
        milliseconds = math.nan
    if not abs(milliseconds) <= TIMESTAMP_MS_MAX:
        refuse(line, number, start, "a timestamp in seconds")
    return int(milliseconds)
