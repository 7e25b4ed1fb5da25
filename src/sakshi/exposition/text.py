"""The Prometheus text format 0.0.4 (and 1.0.0, which adds quoted names): bytes to metric families.

    # HELP http_requests_total Requests answered.
    # TYPE http_requests_total counter
    http_requests_total{method="post",code="200"} 1027
    {"http.server.active",zone="a"} 3 1395066363000

docs/formats/exposition.md draws it and names the few places where we are stricter than Prometheus.
"""

from __future__ import annotations

import re
from typing import Final

from sakshi.exposition.family import MetricFamily, MetricType
from sakshi.exposition.grammar import Grammar
from sakshi.exposition.line import is_comment, scan_comment, scan_sample, scan_value
from sakshi.exposition.reader import read_families

TEXT: Final = Grammar(
    split=lambda body: body.split(b"\n"),
    is_comment=is_comment,
    scan_comment=scan_comment,
    scan_sample=scan_sample,
    scan_measurement=scan_value,
    key=re.compile(rb".*\}[ \t]*|[ \t]*[a-zA-Z_:][a-zA-Z0-9_:]*[ \t]+"),
    suffixes={
        MetricType.HISTOGRAM: ("_bucket", "_sum", "_count"),
        MetricType.SUMMARY: ("_sum", "_count"),
    },
)


def parse_text(body: bytes) -> list[MetricFamily]:
    r"""Return the families of an exposition, in the order in which they first appear.

    Samples without a TYPE line make a family of their own name and UNKNOWN type. The last line
    needs no line feed. An empty body is an exposition without families.

    Raises:
        ExpositionSyntaxError: the bytes are not this format, or have two samples of one series
            and moment. (A scrape keeps the first of the two, as Prometheus does: `Layout`.)

    Example:
        >>> [family] = parse_text(b'# TYPE up gauge\nup{job="chat"} 1\n')
        >>> family.type, family.samples[0].labels["job"], family.samples[0].value
        (<MetricType.GAUGE: 'gauge'>, 'chat', 1.0)
    """
    return read_families(body, TEXT)
