"""OpenMetrics read part after part is what OpenMetrics read as a whole is."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest

from sakshi.exposition import ExpositionSyntaxError, parse_openmetrics
from sakshi.exposition.openmetrics_stream import LINE_BYTES_MAX, StreamReader
from sakshi.model.labels import METRIC_NAME, Labels

BODY = rb"""# HELP a Of \"all\".
# TYPE a counter
a_total{x="1 2",y=""} 1 1.5
a_total{x="# {"} 2 1.0019 # {trace_id="4bf9",span="a b"} 0.5 1395066363.0019
a_total{x="1 2",y=""} -0 2
# TYPE h histogram
h_bucket{le="1"} 3 5
h_bucket{le="+Inf"} +Inf 5
h_bucket{le="1"} NaN 6
h_bucket{le="1.0"} 1e3 7
# TYPE o unknown
{"o.\"dd","le"="1"} 5e-324 -1.5
o{le="1"} 1 0
# EOF
"""

Sample = tuple[Labels, int, int]


def read(body: bytes, part_bytes: int) -> list[Sample]:
    reader = StreamReader()
    found = []
    for first in range(0, len(body), part_bytes):
        for columns in reader.feed(body[first : first + part_bytes]):
            series = list(reader.series)
            bits = columns.values.view(np.uint64).tolist()
            places, moments = columns.places.tolist(), columns.timestamps.tolist()
            found += [
                (series[place], moment, bit)
                for place, moment, bit in zip(places, moments, bits, strict=True)
            ]
    reader.finish()
    return found


def samples(body: bytes) -> Iterator[Sample]:
    """What the parser of whole bodies finds."""
    for family in parse_openmetrics(body):
        for sample in family.samples:
            assert sample.timestamp_ms is not None
            labels = sample.labels.updated({METRIC_NAME: sample.name})
            yield labels, sample.timestamp_ms, int(np.float64(sample.value).view(np.uint64))


@pytest.mark.parametrize("part_bytes", [1, 7, 64, 10_000])
def test_parts_are_read_as_the_whole(part_bytes: int) -> None:
    """Wherever they are cut."""
    assert sorted(read(BODY, part_bytes)) == sorted(samples(BODY))


def test_many_lines_are_read_as_the_whole() -> None:
    """Keys that were met are looked up; the numbers are the same to the bit."""
    chance = random.Random(7)
    lines = [
        f'm{{i="{index % 5}"}} {chance.choice([chance.random(), 10**300, -0.0, 7])!r} '
        f"{index + chance.random():.{chance.randrange(7)}f}"
        for index in range(2000)
    ]
    body = "\n".join([*lines, "# EOF\n"]).encode()

    assert sorted(read(body, 4096)) == sorted(samples(body))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(
            b"a 1\n# EOF\n",
            "1:4: expected a timestamp in seconds behind the value, found the end of the line",
            id="no timestamp",
        ),
        pytest.param(
            b"a 1 1\na 1 2",
            "2:1: expected # EOF as the last line, found the end of the body",
            id="no end",
        ),
        pytest.param(
            b"", "1:1: expected # EOF as the last line, found the end of the body", id="nothing"
        ),
        pytest.param(b"# EOF\na 1 1\n", "2:1: expected nothing after # EOF, found more", id="more"),
        pytest.param(
            b"# EOF\nx", "2:1: expected nothing after # EOF, found more", id="half a line"
        ),
        pytest.param(
            b"# EOF\n# EOF\n", "2:1: expected nothing after # EOF, found more", id="twice"
        ),
        pytest.param(
            b"a 1 1\n\n# EOF\n", "2:1: expected no empty line, found one", id="empty line"
        ),
        pytest.param(
            b"a 1 1\na 1 2\na x 3\n# EOF\n", '3:3: expected a number, found "x 3"', id="no number"
        ),
        pytest.param(
            b"a 1 1\na 1e999 3\n# EOF\n", '2:3: expected a number, found "1e999 3"', id="too large"
        ),
        pytest.param(
            b"a 1 1\na -nan 3\n# EOF\n", '2:3: expected a number, found "-nan 3"', id="Python's"
        ),
        pytest.param(
            b"a 1 1\na 1_0 3\n# EOF\n", '2:3: expected a number, found "1_0 3"', id="underscore"
        ),
        pytest.param(
            b"a 1 1\na 1 3\r\n# EOF\n",
            '2:5: expected a timestamp in seconds, found "3\\r"',
            id="carriage return",
        ),
        pytest.param(
            b"a 1 1\na 1 1e17\n# EOF\n",
            '2:5: expected a timestamp in seconds, found "1e17"',
            id="far away",
        ),
        pytest.param(
            b"a" * (LINE_BYTES_MAX + 1),
            f"1:1: expected a line of at most {LINE_BYTES_MAX} bytes, found more",
            id="no line feed",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(body: bytes, message: str) -> None:
    """Also where a line of the same key was right before it."""
    with pytest.raises(ExpositionSyntaxError) as caught:
        read(body, 1 << 22)

    assert str(caught.value) == message


def test_the_end_needs_no_line_feed() -> None:
    """As Prometheus reads it."""
    assert [str(labels) for labels, _, _ in read(b"a 1 1\n# EOF", 100)] == ["a"]
