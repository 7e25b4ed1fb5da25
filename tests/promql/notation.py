"""Prometheus' series notation: `up{job="api"} 0+10x4 5+10x4 _ stale`.

What stands for what: `3.5`, `NaN`, `-Inf` one sample each; `_` no sample; `stale` a stale marker;
`5x3` 5 5 5 5; `0+10x4` 0 10 20 30 40; `9-3x2` 9 6 3; `_x3` no sample, thrice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from sakshi.model.labels import Labels
from sakshi.promql.ast import VectorSelector
from sakshi.promql.parser import parse_query
from sakshi.storage import ABSENT, STALE_MARKER, Appender, is_absent

_NUMBER = r"[+-]?(?:Inf|NaN|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
_ITEM = re.compile(
    rf"(?P<hole>_)(?:x(?P<holes>\d+))?|(?P<stale>stale)(?:x(?P<stales>\d+))?"
    rf"|(?P<start>{_NUMBER})(?:(?P<sign>[+-])(?P<change>{_NUMBER}))?(?:x(?P<times>\d+))?"
)


def parse_labels(text: str) -> Labels:
    """Return the label set that PromQL writes so: `name{a="x"}`; `{}` is the empty one."""
    if text.replace(" ", "") == "{}":
        return Labels()
    selector = parse_query(text)
    assert isinstance(selector, VectorSelector), text
    return Labels((matcher.name, matcher.value) for matcher in selector.matchers)


def parse_series(line: str) -> tuple[Labels, list[float]]:
    """Return the label set and the values of one line; `ABSENT` stands for no sample."""
    labels, values = split_series(line)
    return parse_labels(labels), list(iter_values(values))


def split_series(line: str) -> tuple[str, str]:
    """Return the label set and the values of one line, as text."""
    quoted = False
    for index, character in enumerate(line):
        if character == '"' and line[index - 1] != "\\":
            quoted = not quoted
        if character == "}" and not quoted:
            return line[: index + 1], line[index + 1 :]
    name, _, values = line.strip().partition(" ")
    return name, values


def iter_values(text: str) -> Iterator[float]:
    """Yield the values that a run of notation stands for."""
    for item in text.split():
        match = _ITEM.fullmatch(item)
        assert match is not None, f"not series notation: {item!r}"
        if match["hole"]:
            yield from _holes(int(match["holes"] or 1))
        elif match["stale"]:
            yield from [STALE_MARKER] * (int(match["stales"] or 0) + 1)
        else:
            start, change = parse_number(match["start"]), parse_number(match["change"] or "0")
            step = -change if match["sign"] == "-" else change
            for repetition in range(int(match["times"] or 0) + 1):
                yield start + repetition * step if repetition else start


def _holes(count: int) -> Iterator[float]:
    for _ in range(count):
        yield ABSENT


def parse_number(text: str) -> float:
    """Return a number as PromQL writes it."""
    return float(text)


def append_series(
    appender: Appender, lines: Sequence[tuple[Labels, list[float]]], interval_ms: int
) -> None:
    """Append series as one target, from time 0, a sample every so many milliseconds."""
    target = appender.target(Labels({"job": f"script {interval_ms}"}))
    columns = target.columns([labels for labels, _ in lines])
    length = max(len(values) for _, values in lines)
    table = np.full((length, len(lines)), ABSENT)
    for column, (_, values) in enumerate(lines):
        table[: len(values), column] = values
    for index, row in enumerate(table):
        known = ~is_absent(row)
        if known.any():
            target.append(index * interval_ms, columns[known], row[known])
