"""Metric families to the text format 0.0.4: the way back of `text.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sakshi.exposition.family import ExposedSample, MetricFamily, MetricType
from sakshi.exposition.number import format_number
from sakshi.model.labels import LEGACY_METRIC_NAME, format_label_name, quote_value

_TYPE_WORDS: Final = {
    MetricType.UNKNOWN: "untyped",
    MetricType.GAUGE_HISTOGRAM: "untyped",
    MetricType.INFO: "gauge",
    MetricType.STATE_SET: "gauge",
}
"""Words of the types that the format has not, or names otherwise."""


def render_text(families: Iterable[MetricFamily]) -> bytes:
    """Return an exposition that `parse_text` reads back, for types that the format has.

    Example:
        >>> family = MetricFamily("up", MetricType.GAUGE, samples=(ExposedSample("up", value=1),))
        >>> print(render_text([family]).decode(), end="")
        # TYPE up gauge
        up 1
    """
    return "".join(line for family in families for line in _lines(family)).encode()


def _lines(family: MetricFamily) -> list[str]:
    name = _name(family.name)
    lines = []
    if family.help:
        text = family.help.replace("\\", "\\\\").replace("\n", "\\n")
        lines.append(f"# HELP {name} {text}\n")
    lines.append(f"# TYPE {name} {_TYPE_WORDS.get(family.type, family.type)}\n")
    lines.extend(map(_sample_line, family.samples))
    return lines


def _sample_line(sample: ExposedSample) -> str:
    is_legacy = LEGACY_METRIC_NAME.fullmatch(sample.name) is not None
    inner = [] if is_legacy else [quote_value(sample.name)]
    inner += [
        f"{format_label_name(name)}={quote_value(value)}" for name, value in sample.labels.pairs
    ]
    series = (sample.name if is_legacy else "") + (f"{{{','.join(inner)}}}" if inner else "")
    timestamp = "" if sample.timestamp_ms is None else f" {sample.timestamp_ms}"
    return f"{series} {format_number(sample.value)}{timestamp}\n"


def _name(name: str) -> str:
    return name if LEGACY_METRIC_NAME.fullmatch(name) else quote_value(name)
