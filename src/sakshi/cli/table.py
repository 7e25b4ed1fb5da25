"""Shows answers of the query API to people: one line for each series and value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any


def render_answer(data: Mapping[str, Any]) -> Sequence[str]:
    r"""Return the lines that show an answer's `data`; empty where it has no series.

    Example:
        >>> print(*render_answer({"resultType": "vector", "result": [
        ...     {"metric": {"__name__": "up", "job": "chat"}, "value": [1, "1"]},
        ...     {"metric": {"__name__": "up", "job": "worker"}, "value": [1, "0.25"]},
        ... ]}), sep="\n")
        up{job="chat"}    1
        up{job="worker"}  0.25
    """
    kind, result = data["resultType"], data["result"]
    if kind in ("scalar", "string"):
        return [result[1]]
    if kind == "matrix":
        return [line for series in result for line in _range_lines(series)]
    names = [format_series(series["metric"]) for series in result]
    width = max(map(len, names), default=0)
    return [
        f"{name:<{width}}  {series['value'][1]}" for name, series in zip(names, result, strict=True)
    ]


def format_series(metric: Mapping[str, str]) -> str:
    """Return a label set as PromQL writes it.

    Example:
        >>> format_series({"__name__": "up", "job": "chat"}), format_series({})
        ('up{job="chat"}', '{}')
    """
    labels = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}"
        for name, value in sorted(metric.items())
        if name != "__name__"
    )
    return metric.get("__name__", "") + (f"{{{labels}}}" if labels or not metric else "")


def format_moment(seconds: float) -> str:
    """Return a moment in UTC, with milliseconds where it has any.

    Example:
        >>> format_moment(1_700_000_000), format_moment(1_700_000_000.5)
        ('2023-11-14T22:13:20Z', '2023-11-14T22:13:20.500Z')
    """
    moment = datetime.fromtimestamp(seconds, UTC)
    precision = "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def point_at(query: str, line: int, column: int) -> Sequence[str]:
    r"""Return the line of a query that has a mistake, and a caret below it; empty: no such place.

    Args:
        query: as it was asked.
        line: 1-based.
        column: 1-based, in characters; one behind the last is the end.

    Example:
        >>> print(*point_at("sum(up", 1, 7), sep="\n")
          sum(up
                ^
    """
    lines = query.split("\n")
    if not 1 <= line <= len(lines) or not 1 <= column <= len(lines[line - 1]) + 1:
        return []
    return [f"  {lines[line - 1]}".replace("\t", " "), " " * (column + 1) + "^"]


def _range_lines(series: Mapping[str, Any]) -> Sequence[str]:
    samples = (f"  {format_moment(moment)}  {value}" for moment, value in series["values"])
    return [format_series(series["metric"]), *samples]
