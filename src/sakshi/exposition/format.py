"""Which format an exposition is in: its Content-Type decides."""

from __future__ import annotations

from enum import StrEnum


class ExpositionFormat(StrEnum):
    """A format that sakshi reads; the values are media types."""

    TEXT = "text/plain"


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
    if media_type in ("", ExpositionFormat.TEXT):
        return ExpositionFormat.TEXT
    return None
