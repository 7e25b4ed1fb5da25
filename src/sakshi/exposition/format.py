"""Which format an exposition is in: its Content-Type decides."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from sakshi.exposition.grammar import Grammar
from sakshi.exposition.openmetrics import OPENMETRICS
from sakshi.exposition.text import TEXT


class ExpositionFormat(StrEnum):
    """A format that sakshi reads; the values are media types."""

    TEXT = "text/plain"
    OPENMETRICS = "application/openmetrics-text"


GRAMMARS: Final[Mapping[ExpositionFormat, Grammar]] = {
    ExpositionFormat.TEXT: TEXT,
    ExpositionFormat.OPENMETRICS: OPENMETRICS,
}


def find_format(content_type: str) -> ExpositionFormat | None:
    """Return the format that a Content-Type names, or None where sakshi cannot read it.

    An empty one counts as text, for the many small exporters that send none. (Prometheus 3 refuses
    them until `fallback_scrape_protocol` is set to `PrometheusText0.0.4`.)

    Example:
        >>> find_format("text/plain; version=0.0.4; charset=utf-8")
        <ExpositionFormat.TEXT: 'text/plain'>
        >>> find_format("text/html") is None
        True
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if not media_type:
        return ExpositionFormat.TEXT
    return next((format for format in ExpositionFormat if format == media_type), None)
