"""OpenMetrics 1.0 (and 0.0.1): bytes to metric families.

    # TYPE http_requests counter
    # UNIT latency_seconds seconds
    # TYPE latency_seconds histogram
    http_requests_total{code="200"} 1027 # {trace_id="4bf9"} 1.0 1700000000.1
    latency_seconds_created 1700000000.0
    # EOF

docs/formats/exposition.md draws it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from sakshi.exposition.errors import ExpositionSyntaxError
from sakshi.exposition.family import MetricFamily, MetricType
from sakshi.exposition.grammar import Grammar
from sakshi.exposition.openmetrics_line import (
    EOF,
    EXEMPLAR_MARK,
    scan_comment,
    scan_measurement,
    scan_sample,
)
from sakshi.exposition.reader import read_families


def parse_openmetrics(body: bytes) -> list[MetricFamily]:
    r"""Return the families of an exposition, in the order in which they first appear.

    A family's name has no suffix, its samples have: `_total`, `_created`, `_bucket`, `_info`, ...

    Raises:
        ExpositionSyntaxError: the bytes are not this format, do not end with `# EOF`, or have two
            samples of one series and moment.

    Example:
        >>> [family] = parse_openmetrics(b"# TYPE turns counter\nturns_total 17\n# EOF\n")
        >>> family.name, family.type, family.samples[0].name
        ('turns', <MetricType.COUNTER: 'counter'>, 'turns_total')
    """
    return read_families(body, OPENMETRICS)


def split_lines(body: bytes) -> Sequence[bytes]:
    """Return the lines of a body.

    Raises:
        ExpositionSyntaxError: `# EOF` is missing, or is not the end; or there is an empty line.
    """
    lines = body.split(b"\n")
    end = len(lines) - (len(lines) > 1 and lines[-1] == b"")
    if lines[end - 1] != EOF:
        raise ExpositionSyntaxError(end, 1, "# EOF as the last line", "the end of the body")
    for unwanted, expected in ((EOF, "nothing after # EOF"), (b"", "no empty line")):
        if unwanted in lines[: end - 1]:
            line = lines.index(unwanted) + (2 if unwanted else 1)
            raise ExpositionSyntaxError(line, 1, expected, "more" if unwanted else "one")
    return lines


def _is_comment(line: bytes) -> bool:
    return line[:1] in (b"", b"#")


OPENMETRICS: Final = Grammar(
    split=split_lines,
    is_comment=_is_comment,
    scan_comment=scan_comment,
    scan_sample=scan_sample,
    scan_measurement=scan_measurement,
    key=re.compile(rb'[^{ ]*(?:\{(?>[^"}]+|"(?>[^"\\]+|\\.)*")*\})? '),
    suffixes={
        MetricType.COUNTER: ("_total", "_created"),
        MetricType.SUMMARY: ("_sum", "_count", "_created"),
        MetricType.HISTOGRAM: ("_bucket", "_sum", "_count", "_created"),
        MetricType.GAUGE_HISTOGRAM: ("_bucket", "_gsum", "_gcount"),
        MetricType.INFO: ("_info",),
    },
    exemplar_mark=EXEMPLAR_MARK,
)
