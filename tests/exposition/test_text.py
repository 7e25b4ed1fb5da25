from __future__ import annotations

import contextlib
import math
import random

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from sakshi.exposition import (
    ExposedSample,
    ExpositionSyntaxError,
    MetricFamily,
    MetricType,
    parse_text,
)
from sakshi.model.labels import Labels

EXPOSITION = rb"""
# HELP http_requests_total Requests answered, in \\all\\ ways.\nSecond line.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3

# A remark, and no HELP.
#TYPE nor_this gauge
path_bytes{path="C:\\DIR\\FILE.TXT",error="no file: \"FILE\"\n"} 1.458255915e9
metric_without_labels 12.47
spaced	{ a = "b" , c = "d" , }	+Inf	17
{"http.server.active",zone="a","host.name"="b"} -Inf
# TYPE "rpc.duration" summary
{"rpc.duration","quantile"="0.50"} 4773
{"rpc.duration_sum"} 1.7560473e+07
{"rpc.duration_count"} 2693
# TYPE latency_seconds histogram
latency_seconds_bucket{le="1"} 2
latency_seconds_bucket{le="+Inf"} 3
latency_seconds_sum 4
latency_seconds_count 3
latency_seconds_created 1
"""


def samples_of(body: bytes) -> list[ExposedSample]:
    return [sample for family in parse_text(body) for sample in family.samples]


def test_parse_text_reads_a_whole_exposition() -> None:
    """Names, labels, escapes, values, timestamps and metadata arrive as they were meant."""
    families = {family.name: family for family in parse_text(EXPOSITION)}

    assert list(families) == [
        "http_requests_total",
        "path_bytes",
        "metric_without_labels",
        "spaced",
        "http.server.active",
        "rpc.duration",
        "latency_seconds",
        "latency_seconds_created",
    ]
    assert families["http_requests_total"] == MetricFamily(
        "http_requests_total",
        MetricType.COUNTER,
        "Requests answered, in \\all\\ ways.\nSecond line.",
        samples=(
            ExposedSample(
                "http_requests_total",
                Labels({"method": "post", "code": "200"}),
                1027.0,
                1395066363000,
            ),
            ExposedSample("http_requests_total", Labels({"method": "post", "code": "400"}), 3.0),
        ),
    )
    assert families["path_bytes"].samples[0].labels == Labels(
        {"path": "C:\\DIR\\FILE.TXT", "error": 'no file: "FILE"\n'}
    )
    assert families["spaced"].samples == (
        ExposedSample("spaced", Labels({"a": "b", "c": "d"}), math.inf, 17),
    )
    assert families["http.server.active"].samples == (
        ExposedSample("http.server.active", Labels({"zone": "a", "host.name": "b"}), -math.inf),
    )


def test_parse_text_gathers_the_samples_of_a_family() -> None:
    """Suffixes that the type has belong to the family; any other name is a family of its own."""
    families = {family.name: family for family in parse_text(EXPOSITION)}

    assert [sample.name for sample in families["latency_seconds"].samples] == [
        "latency_seconds_bucket",
        "latency_seconds_bucket",
        "latency_seconds_sum",
        "latency_seconds_count",
    ]
    assert [sample.name for sample in families["rpc.duration"].samples] == [
        "rpc.duration",
        "rpc.duration_sum",
        "rpc.duration_count",
    ]
    assert families["latency_seconds_created"].type is MetricType.UNKNOWN


def test_parse_text_normalizes_bucket_edges() -> None:
    """`le` and `quantile` are numbers in histograms and summaries, and mere text elsewhere."""
    histogram = samples_of(b'# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="0.50"} 2\n')
    summary = samples_of(b'# TYPE s summary\ns{quantile="1",le="1"} 2\n')
    gauge = samples_of(b'# TYPE g gauge\ng{le="1"} 2\n')

    assert [sample.labels["le"] for sample in histogram] == ["1.0", "0.5"]
    assert summary[0].labels == Labels({"quantile": "1.0", "le": "1"})
    assert gauge[0].labels["le"] == "1"


@pytest.mark.parametrize(
    ("body", "count"),
    [
        pytest.param(b"", 0, id="nothing"),
        pytest.param(b"\n \n\t\n", 0, id="blank lines"),
        pytest.param(b"# EOF", 0, id="another format's end is a remark"),
        pytest.param(b"up 1", 1, id="no last line feed"),
        pytest.param(b"up{} 1\n", 1, id="empty braces"),
        pytest.param(b'up{a="b"}1\n', 1, id="no blank after the brace"),
        pytest.param(b" up 1 \n", 1, id="blanks around"),
        pytest.param(b'up{a=""} 1\n', 1, id="an empty label value"),
        pytest.param(b'up{a="}"} 1\n', 1, id="a brace in a label value"),
        pytest.param(
            b"# HELP up\n# TYPE up gauge \nup 1\n", 1, id="no help, a blank after the type"
        ),
        pytest.param(b"# TYPE\n# HELP\nup 1", 1, id="keywords alone are remarks"),
        pytest.param(b'up{a="\\x"} 1', 1, id="an unknown escape is left as it is"),
        pytest.param(b'up{a="\x00"} 1', 1, id="a zero byte in a label value"),
        pytest.param(b"up 1 1\nup 1 2\n", 2, id="one series at two moments"),
        pytest.param(b"up 1\nup 1 2\n", 2, id="one series with and without timestamp"),
        pytest.param(b"up 1 9223372036854775807", 1, id="the last moment"),
    ],
)
def test_parse_text_accepts(body: bytes, count: int) -> None:
    """What Prometheus accepts is accepted."""
    assert len(samples_of(body)) == count


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(
            b"up",
            '1:3: expected a value after a space, or "{", found the end of the line',
            id="no value",
        ),
        pytest.param(
            b"\nup \n", "2:4: expected a value, found the end of the line", id="only a blank"
        ),
        pytest.param(
            b"up{} ", "1:6: expected a value, found the end of the line", id="braces, no value"
        ),
        pytest.param(b"up abc\n", '1:4: expected a number, found "abc"', id="no number"),
        pytest.param(b"up 1_0", '1:4: expected a number, found "1_0"', id="an underscore"),
        pytest.param(b"up 0x1p3", '1:4: expected a number, found "0x1p3"', id="hexadecimal"),
        pytest.param(b"up 1e999", '1:4: expected a number, found "1e999"', id="too large"),
        pytest.param(b"up 1\r\n", '1:4: expected a number, found "1\\r"', id="a carriage return"),
        pytest.param(
            b"up 1 1.5",
            '1:6: expected a timestamp in milliseconds, found "1.5"',
            id="a timestamp in seconds",
        ),
        pytest.param(
            b"up 1 9223372036854775808",
            '1:6: expected a timestamp in milliseconds, found "9223372036854775808"',
            id="a timestamp beyond 64 bits",
        ),
        pytest.param(
            b"up 1 -5",
            '1:6: expected a timestamp in milliseconds, found "-5"',
            id="a timestamp before 1970",
        ),
        pytest.param(
            b"up 1 2 # {} 3",
            '1:8: expected the end of the line, found "# {} 3"',
            id="an exemplar of OpenMetrics",
        ),
        pytest.param(b"5up 1", '1:1: expected a metric name, found "5up 1"', id="a digit first"),
        pytest.param(
            b"<html><body>Not found</body></html>",
            '1:1: expected a metric name, found "<html><body>Not found</body></html>"',
            id="a web page",
        ),
        pytest.param(
            b"up-time 1",
            '1:3: expected a value after a space, or "{", found "-time 1"',
            id="a dash in a name",
        ),
        pytest.param(
            b'{a="b"} 1',
            '1:2: expected a metric name, before or within the braces, found "a="b"} 1"',
            id="no name at all",
        ),
        pytest.param(
            b'{__name__="up"} 1',
            '1:2: expected a label other than __name__, found "__name__="up"} 1"',
            id="the name as a label",
        ),
        pytest.param(
            b'up{"down"} 1', '1:4: expected each label once, found ""down"} 1"', id="two names"
        ),
        pytest.param(
            b'up{a="1",a="2"} 1',
            '1:4: expected each label once, found "a="1",a="2"} 1"',
            id="a label twice",
        ),
        pytest.param(
            b'up{""="1"} 1',
            '1:4: expected a label name or "}", found """="1"} 1"',
            id="an empty name",
        ),
        pytest.param(
            b'up{,a="1"} 1',
            '1:4: expected a label name or "}", found ",a="1"} 1"',
            id="a comma first",
        ),
        pytest.param(
            b'up{a="1",,} 1', '1:10: expected a label name or "}", found ",} 1"', id="two commas"
        ),
        pytest.param(
            b'up{a="1" b="2"} 1', '1:10: expected "," or "}", found "b="2"} 1"', id="no comma"
        ),
        pytest.param(
            b"up{a} 1",
            '1:5: expected = and a label value in double quotes, found "} 1"',
            id="no label value",
        ),
        pytest.param(
            b"up{a=b} 1",
            '1:5: expected = and a label value in double quotes, found "=b} 1"',
            id="a label value without quotes",
        ),
        pytest.param(
            b'up{a="b\nc"} 1',
            '1:5: expected = and a label value in double quotes, found "="b"',
            id="a raw line feed in a label value",
        ),
        pytest.param(
            b'up{a="b"', '1:9: expected "," or "}", found the end of the line', id="an open brace"
        ),
        pytest.param(
            b'up{a="\xff"} 1',
            "1:7: expected UTF-8, found the byte 0xff",
            id="bytes that are not UTF-8",
        ),
        pytest.param(
            b"# HELP up \xc3\x28",
            "1:11: expected UTF-8, found the byte 0xc3",
            id="help is not UTF-8",
        ),
        pytest.param(
            '# HELP up साक्षी\nup{a="साक्षी"} x'.encode(),
            '2:16: expected a number, found "x"',
            id="columns count characters",
        ),
        pytest.param(
            b"# TYPE up gauge2",
            '1:11: expected counter, gauge, histogram, summary or untyped, found "gauge2"',
            id="an unknown type",
        ),
        pytest.param(
            b"# TYPE up",
            "1:10: expected counter, gauge, histogram, summary or untyped, "
            "found the end of the line",
            id="no type",
        ),
        pytest.param(
            b"# HELP 5 up",
            '1:8: expected a metric name after HELP, found "5 up"',
            id="help without a name",
        ),
        pytest.param(
            b"up 1\nup 2", "2:1: expected each series once, found up again", id="a series twice"
        ),
        pytest.param(
            b'up{a="1",b="2"} 1\nup{b="2",a="1",c=""} 1',
            '2:1: expected each series once, found up{b="2",a="1",c=""} again',
            id="a series twice in other words",
        ),
        pytest.param(
            b"x" * 60 + b"! 1",
            '1:61: expected a value after a space, or "{", found "! 1"',
            id="a long name",
        ),
        pytest.param(
            b"!" * 60,
            f'1:1: expected a metric name, found "{"!" * 37}..."',
            id="a long line is cut",
        ),
    ],
)
def test_parse_text_refuses(body: bytes, message: str) -> None:
    """Each neighbour of the accepted is refused, with its place, expectation and finding."""
    with pytest.raises(ExpositionSyntaxError) as caught:
        parse_text(body)

    assert str(caught.value) == message


def test_parse_text_raises_nothing_else_on_prefixes() -> None:
    """Every prefix of an exposition is parsed or refused as an exposition."""
    for length in range(len(EXPOSITION)):
        with contextlib.suppress(ExpositionSyntaxError):
            parse_text(EXPOSITION[:length])


def test_parse_text_raises_nothing_else_on_any_bytes() -> None:
    """Random bytes and mutated expositions are parsed or refused as an exposition."""
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    alphabet = b' \t\r\n\\"{}=,#+-.0123456789eEaNnf_:\x00\x7f\xc3\xa9\xff'

    for _ in range(3000):
        if rng.random() < 0.3:
            body = bytes(rng.choices(alphabet, k=rng.randrange(60)))
        else:
            start = rng.randrange(len(EXPOSITION))
            body = EXPOSITION[start : start + rng.randrange(120)]
            cut = rng.randrange(len(body) + 1)
            body = body[:cut] + bytes(rng.choices(alphabet, k=rng.randrange(3))) + body[cut + 1 :]
        try:
            parse_text(body)
        except ExpositionSyntaxError:
            continue
        except Exception as error:
            raise AssertionError(f"seed {seed}: {body!r}") from error


def test_parse_text_stays_linear_on_hostile_lines() -> None:
    """A megabyte of quotes, backslashes or blanks is refused without backtracking over it."""
    for filler in (b"\\", b'"', b" ", b'a="b",', b"1 ", b"{", b"\\n"):
        with contextlib.suppress(ExpositionSyntaxError):
            parse_text(b'up{a="' + filler * (1_000_000 // len(filler)))
        with contextlib.suppress(ExpositionSyntaxError):
            parse_text(b"up " + filler * (1_000_000 // len(filler)))


def test_parse_text_agrees_with_the_reference_parser() -> None:
    """Values and labels are those that prometheus_client's own parser finds."""
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    registry = CollectorRegistry()
    counter = Counter("turns", "Turns.", ["channel"], registry=registry)
    gauge = Gauge("active", 'Back\\slash\nand "quotes".', registry=registry)
    histogram = Histogram("latency_seconds", "Latency.", buckets=[0.1, 1, 10], registry=registry)
    for _ in range(50):
        counter.labels(rng.choice(["http", 'web"socket', "a\\b\nc"])).inc(rng.random())
        gauge.set(rng.choice([1e9, -0.0, math.inf, 0.1]))
        histogram.observe(rng.expovariate(1))
    body = generate_latest(registry)

    ours = {(s.name, s.labels): s.value for s in samples_of(body)}
    theirs = {
        (s.name, Labels(s.labels)): s.value
        for family in text_string_to_metric_families(body.decode())
        for s in family.samples
    }

    assert ours == theirs, f"seed {seed}"


def test_whatever_stands_behind_a_name_in_a_comment_is_passed_over() -> None:
    """One character of it, as in Prometheus: a name with a dot spoils its own line at most."""
    [family] = parse_text(b'# HELP e3"help\n# TYPE e3.gauge\n')

    assert (family.name, family.help, family.type) == ("e3", "help", MetricType.GAUGE)
