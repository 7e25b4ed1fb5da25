from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, Info, Summary
from prometheus_client.openmetrics.exposition import generate_latest
from tests.exposition.openmetrics import mutate, render

from sakshi.exposition import (
    Exemplar,
    ExpositionFormat,
    ExpositionSyntaxError,
    Layout,
    MetricFamily,
    MetricType,
    Reading,
    parse_openmetrics,
)
from sakshi.model.labels import Labels

BODY = rb"""# HELP http_requests Requests answered, in \\all\\ \"ways\".\nSecond line.
# TYPE http_requests counter
http_requests_total{method="post",code="200"} 1027 1395066363.25
http_requests_created{method="post",code="200"} 1395066000
# TYPE latency_seconds histogram
# UNIT latency_seconds seconds
latency_seconds_bucket{le="1"} 2 # {trace_id="4bf9",span="a b"} 0.5 1395066363.0019
latency_seconds_bucket{le="+Inf"} 3 # {} 4
latency_seconds_sum 4
latency_seconds_count 3
# TYPE build info
build_info{version="1.0"} 1
# TYPE state stateset
state{state="on"} 1
# TYPE depth gaugehistogram
depth_bucket{le="1"} 1
depth_gcount 1
depth_gsum 1
# TYPE "rpc.duration" summary
{"rpc.duration","quantile"="0.50"} 4773
{"rpc.duration_sum",zone="# {"} -17
# TYPE odd unknown
odd NaN -1.5
# EOF
"""


def learn(body: bytes, previous: Layout | None = None) -> Layout:
    return Layout.learn(body, previous, ExpositionFormat.OPENMETRICS)


def test_a_whole_exposition_is_read() -> None:
    """Names, labels, types, units, times and exemplars arrive as they were meant."""
    families = {family.name: family for family in parse_openmetrics(BODY)}

    assert {name: (family.type, len(family.samples)) for name, family in families.items()} == {
        "http_requests": (MetricType.COUNTER, 2),
        "latency_seconds": (MetricType.HISTOGRAM, 4),
        "build": (MetricType.INFO, 1),
        "state": (MetricType.STATE_SET, 1),
        "depth": (MetricType.GAUGE_HISTOGRAM, 3),
        "rpc.duration": (MetricType.SUMMARY, 2),
        "odd": (MetricType.UNKNOWN, 1),
    }
    requests, latency = families["http_requests"], families["latency_seconds"]
    assert requests.help == 'Requests answered, in \\all\\ "ways".\nSecond line.'
    assert requests.samples[0].timestamp_ms == 1_395_066_363_250
    assert (latency.unit, requests.unit) == ("seconds", "")
    assert latency.samples[0].labels == Labels({"le": "1.0"})
    assert latency.samples[0].exemplar == Exemplar(
        Labels({"trace_id": "4bf9", "span": "a b"}), 0.5, 1_395_066_363_001
    )
    assert latency.samples[1].exemplar == Exemplar(Labels(), 4.0)
    assert families["rpc.duration"].samples[1].labels == Labels({"zone": "# {"})
    assert families["odd"].samples[0].timestamp_ms == -1500


def test_what_the_client_library_writes_is_read() -> None:
    """The exposition of prometheus_client, with every type that it has."""
    registry = CollectorRegistry()
    Counter("turns", "Turns.", ["channel"], registry=registry).labels("http").inc(
        2, {"trace_id": "a b"}
    )
    Gauge("depth", "Depth.", registry=registry).set(-1.5)
    Histogram("latency_seconds", "Time.", unit="seconds", registry=registry).observe(
        0.3, {"trace_id": "x"}
    )
    Summary("size_bytes", "Size.", registry=registry).observe(1)
    Info("build", "Build.", registry=registry).info({"version": "1"})
    Enum("mode", "Mode.", states=["on", "off"], registry=registry).state("off")

    families = {family.name: family for family in parse_openmetrics(generate_latest(registry))}

    assert [family.type for family in families.values()] == [
        MetricType.COUNTER,
        MetricType.GAUGE,
        MetricType.HISTOGRAM,
        MetricType.SUMMARY,
        MetricType.INFO,
        MetricType.STATE_SET,
    ]
    total = families["turns"].samples[0]
    assert (total.name, total.value) == ("turns_total", 2.0)
    assert total.exemplar is not None
    assert total.exemplar.labels == Labels({"trace_id": "a b"})
    assert families["latency_seconds"].unit == "seconds"


REFUSED = [
    (b"", "1:1: expected # EOF as the last line, found the end of the body"),
    (b"a 1\n", "1:1: expected # EOF as the last line, found the end of the body"),
    (b"a 1\n# EOF\n\n", "3:1: expected # EOF as the last line, found the end of the body"),
    (b"# EOF\na 1\n# EOF\n", "2:1: expected nothing after # EOF, found more"),
    (b"a 1\n\n# EOF\n", "2:1: expected no empty line, found one"),
    (b"# a remark\n# EOF", '1:1: expected # HELP, # TYPE, # UNIT or # EOF, found "# a remark"'),
    (
        b"#TYPE a gauge\n# EOF",
        '1:1: expected # HELP, # TYPE, # UNIT or # EOF, found "#TYPE a gauge"',
    ),
    (b"# HELP a\n# EOF", '1:8: expected a metric name and a space after HELP, found "a"'),
    (
        b"# TYPE a untyped\n# EOF",
        "1:10: expected one of counter, gauge, histogram, summary, unknown, gaugehistogram, info, "
        'stateset, found "untyped"',
    ),
    (
        b"# UNIT a_seconds second\n# EOF",
        '1:18: expected a unit that the name ends in, found "second"',
    ),
    (
        b"# UNIT seconds seconds\n# EOF",
        '1:16: expected a unit that the name ends in, found "seconds"',
    ),
    (b" a 1\n# EOF", '1:1: expected a metric name, found " a 1"'),
    (b"a  1\n# EOF", '1:3: expected a value, found " 1"'),
    (b"a\t1\n# EOF", '1:2: expected a space and a value, found "\\t1"'),
    (b"a 1 \n# EOF", '1:4: expected the end of the line, or an exemplar, found " "'),
    (
        b'a{b = "c"} 1\n# EOF',
        '1:4: expected = and a label value in double quotes, found " = "c"} 1"',
    ),
    (b'a{b="c", d="e"} 1\n# EOF', '1:9: expected a label name or "}", found " d="e"} 1"'),
    (b'a{b="c"}1\n# EOF', '1:9: expected a space and a value, found "1"'),
    (b'a {b="c"} 1\n# EOF', '1:3: expected a number, found "{b="c"} 1"'),
    (b'a{"b"} 1\n# EOF', '1:6: expected = and a label value in double quotes, found "} 1"'),
    (b'{"a","b"} 1\n# EOF', '1:9: expected = and a label value in double quotes, found "} 1"'),
    (
        b'{b="c"} 1\n# EOF',
        '1:1: expected a metric name, before or within the braces, found "{b="c"} 1"',
    ),
    (b'a{b="c",b="d"} 1\n# EOF', '1:1: expected each label once, found "a{b="c",b="d"} 1"'),
    (b"a 1 x\n# EOF", '1:5: expected a timestamp in seconds, found "x"'),
    (b"a 1 Inf\n# EOF", '1:5: expected a timestamp in seconds, found "Inf"'),
    (b"a 1 2 3\n# EOF", '1:6: expected the end of the line, or an exemplar, found " 3"'),
    (
        b'a 1 # {b="c"}\n# EOF',
        "1:14: expected a space and the exemplar's value, found the end of the line",
    ),
    (b'a 1 # {b="c"} x\n# EOF', '1:15: expected a number, found "x"'),
    (b'a 1 # {b="c"} 1 2 3\n# EOF', '1:18: expected the end of the line, found " 3"'),
    (b'a 1 # {"b"} 1\n# EOF', '1:11: expected = and a label value in double quotes, found "} 1"'),
    (b'a 1 #{b="c"} 1\n# EOF', '1:5: expected a timestamp in seconds, found "#{b="c"} 1"'),
    (b'a{b="\xff"} 1\n# EOF', "1:6: expected UTF-8, found the byte 0xff"),
    (b"a 1\na 2\n# EOF", "2:1: expected each series once, found a again"),
]


@pytest.mark.parametrize(("body", "message"), REFUSED)
def test_what_is_no_openmetrics_is_refused(body: bytes, message: str) -> None:
    """Place, expectation and finding; spaces are exactly where they belong."""
    with pytest.raises(ExpositionSyntaxError) as caught:
        parse_openmetrics(body)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    "body",
    [
        b"# EOF",
        b"# EOF\n",
        b"# HELP a \n# EOF\n",
        b"# UNIT a \n# EOF",
        b'a{b="c",} 1\n# EOF',
        b"a{} 1\n# EOF",
    ],
)
def test_the_neighbours_are_read(body: bytes) -> None:
    """What Prometheus accepts is accepted."""
    parse_openmetrics(body)


PLAIN = b"""# TYPE turns counter
turns_total{channel="http"} 1 # {trace_id="a"} 0.5 17.5
turns_total{channel="a # {b} 1"} 2
turns_created{channel="http"} 1700000000.125
# EOF
"""


def test_layout_reads_values_and_exemplars() -> None:
    """The next body's exemplars may be others, elsewhere, or gone: its layout is the same."""
    layout = learn(PLAIN)

    body = PLAIN.replace(b' 1 # {trace_id="a"} 0.5 17.5', b" 7").replace(
        b'1"} 2', b'1"} 3 # {trace_id="} # {"} NaN'
    )
    reading = layout.read(body)

    assert layout.learned.exemplars == ((0, Exemplar(Labels({"trace_id": "a"}), 0.5, 17_500)),)
    assert reading is not None
    assert reading.values.tolist() == [7.0, 3.0, 1700000000.125]
    [(position, exemplar)] = reading.exemplars
    assert (position, exemplar.labels, exemplar.timestamp_ms) == (
        1,
        Labels({"trace_id": "} # {"}),
        None,
    )


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(PLAIN.replace(b"# EOF\n", b"# EOF"), id="no last line feed"),
        pytest.param(PLAIN.replace(b"# EOF\n", b""), id="no end"),
        pytest.param(PLAIN.replace(b" 0.5 17.5", b" x"), id="an exemplar without a number"),
        pytest.param(PLAIN.replace(b" 0.5 17.5", b" 0.5 x"), id="an exemplar's time"),
        pytest.param(PLAIN.replace(b'# {trace_id="a"', b'# {trace_id="a\xff"'), id="no UTF-8"),
        pytest.param(PLAIN.replace(b"# {trace_id", b"#{trace_id"), id="no space behind the mark"),
        pytest.param(PLAIN.replace(b"} 1 # {", b"} 1 5 # {"), id="a timestamp before it"),
        pytest.param(PLAIN.replace(b"} 1 # {", b"} # {"), id="no value before it"),
    ],
)
def test_layout_refuses_another_layout(body: bytes) -> None:
    """A body of another shape is left to the full parse."""
    assert learn(PLAIN).read(body) is None


def test_layouts_of_two_formats_share_nothing() -> None:
    """A key of the text format may be none of OpenMetrics."""
    text = Layout.learn(b'a{ b="c" } 1\n')

    with pytest.raises(ExpositionSyntaxError):
        learn(b'a{ b="c" } 1\n# EOF\n', text)


def seen(layout: Layout, reading: Reading) -> list[object]:
    exemplars = [(at, str(e)) for at, e in reading.exemplars]
    return [layout.pairs, reading.values.view(np.uint64).tolist(), exemplars]


def test_layout_is_the_full_parse(
    families_of: Callable[[random.Random], list[MetricFamily]],
) -> None:
    """Whatever a layout reads from a mutated body, a full parse finds the same; else None."""
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    read = 0

    for _ in range(1000):
        original = mutate(rng, render(families_of(rng)))
        try:
            layout = learn(original)
        except ExpositionSyntaxError:
            continue
        body = mutate(rng, original)
        reading = layout.read(body)
        if reading is None:
            continue
        fresh = learn(body)

        assert seen(layout, reading) == seen(fresh, fresh.learned), f"seed {seed}: {body!r}"
        assert fresh.timestamps_ms is None, f"seed {seed}: {body!r}"
        helped = learn(body, layout)
        assert seen(helped, helped.learned) == seen(fresh, fresh.learned), f"seed {seed}: {body!r}"
        read += 1
    assert read > 200, f"seed {seed}: the mutations left only {read} layouts as they were"
