"""Expositions: the bytes that targets serve, to values, and back. No I/O.

In go bytes and their Content-Type, out come metric families (`parse_text`,
`parse_openmetrics`), or, for a scrape that has seen the target before, just the numbers (`Layout`).
Read `text.py` first, then `openmetrics.py` and `layout.py`; docs/formats/exposition.md draws the
formats.
"""

from sakshi.exposition.errors import ExpositionSyntaxError
from sakshi.exposition.family import Exemplar, ExposedSample, MetricFamily, MetricType
from sakshi.exposition.format import ExpositionFormat, find_format
from sakshi.exposition.layout import Layout, Reading
from sakshi.exposition.line import LabelPairs
from sakshi.exposition.openmetrics import parse_openmetrics
from sakshi.exposition.render import render_text
from sakshi.exposition.text import parse_text

__all__ = [
    "Exemplar",
    "ExposedSample",
    "ExpositionFormat",
    "ExpositionSyntaxError",
    "LabelPairs",
    "Layout",
    "MetricFamily",
    "MetricType",
    "Reading",
    "find_format",
    "parse_openmetrics",
    "parse_text",
    "render_text",
]
