"""Expositions: the bytes that targets serve, to values, and back. No I/O.

In go bytes and their Content-Type, out come metric families (`parse_text`), or, for a scrape that
has seen the target before, just the numbers (`Layout`). Read `text.py` first, then `layout.py`; the
format is drawn in docs/formats/exposition.md.
"""

from sakshi.exposition.errors import ExpositionSyntaxError
from sakshi.exposition.family import ExposedSample, MetricFamily, MetricType
from sakshi.exposition.format import ExpositionFormat, find_format
from sakshi.exposition.layout import Layout
from sakshi.exposition.line import LabelPairs
from sakshi.exposition.render import render_text
from sakshi.exposition.text import parse_text

__all__ = [
    "ExposedSample",
    "ExpositionFormat",
    "ExpositionSyntaxError",
    "LabelPairs",
    "Layout",
    "MetricFamily",
    "MetricType",
    "find_format",
    "parse_text",
    "render_text",
]
