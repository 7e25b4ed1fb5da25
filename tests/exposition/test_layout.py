from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from sakshi.exposition import ExpositionSyntaxError, Layout, MetricFamily, parse_text, render_text
from sakshi.model.labels import Labels

BODY = b"""# HELP turns_total Turns.
# TYPE turns_total counter
turns_total{channel="http"} 1
turns_total{channel="websocket"} 2

foo 3
"""

VALUES = (
    *(b"0", b"-0", b"-0.0", b"1", b"12", b"1e3", b"1E+3", b"1.", b".5", b"007", b"+1", b"1e-05"),
    *(b"+Inf", b"-Inf", b"inf", b"NaN", b"nan", b"18446744073709551616", b"9007199254740993"),
    *(b"0.1", b"2.2250738585072014e-308", b"1e-400", b"123456789012345678901234567890"),
)
HOSTILE = (
    *(
        b"",
        b"true",
        b"null",
        b'"2"',
        b"[1",
        b"2]",
        b"1,2",
        b",",
        b"1_0",
        b"0x10",
        b"1e999",
        b"-nan",
    ),
    *(b" 1", b"1 ", b"1\r", b"{}", b"--1", b"e5", b"1 2", b"infinit", b"+nan", b"-1e999", b"1\t"),
)


Values = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def read(layout: Layout, body: bytes) -> Values | None:
    reading = layout.read(body)
    return None if reading is None else reading.values


def bits(values: Values) -> list[int]:
    return [int(bit) for bit in values.view(np.uint64)]


def test_layout_reads_the_next_body() -> None:
    """A body that differs in its values only is read, in the order of its lines."""
    layout = Layout.learn(BODY)

    values = read(layout, BODY.replace(b" 2\n", b" 1e3\n").replace(b" 3\n", b" NaN\n"))

    assert values is not None
    np.testing.assert_array_equal(values, [1.0, 1000.0, np.nan])


def test_layout_knows_its_labels() -> None:
    """The labels are those of the lines, the metric name first, empty values kept."""
    layout = Layout.learn(b'up{instance="",job="chat"} 1\n')

    assert layout.pairs == ((("__name__", "up"), ("instance", ""), ("job", "chat")),)
    assert len(layout) == 1


def test_layout_keeps_repeated_series() -> None:
    """A series that is exposed twice is there twice."""
    assert len(Layout.learn(b"up 1\nup 2\n")) == 2


def test_layout_of_nothing() -> None:
    """An empty body has a layout too, and it is its only one."""
    layout = Layout.learn(b"")

    values = read(layout, b"")

    assert values is not None
    assert values.size == 0
    assert read(layout, b"\n") is None


@pytest.mark.parametrize("value", VALUES)
def test_layout_reads_every_way_to_write_a_number(value: bytes) -> None:
    """The fast path finds the very bits that a full parse finds."""
    body = BODY.replace(b" 2\n", b" " + value + b"\n")
    learned = Layout.learn(body)

    values = read(Layout.learn(BODY), body)

    assert values is not None
    assert bits(values) == bits(learned.learned.values)


@pytest.mark.parametrize("value", HOSTILE)
def test_layout_lets_nothing_else_slip_through(value: bytes) -> None:
    """What is no number, though JSON or Python may take it for one, is left to the full parse."""
    layout = Layout.learn(BODY)

    assert read(layout, BODY.replace(b" 2\n", b" " + value + b"\n")) is None
    assert read(Layout.learn(b"foo 1"), b"foo " + value) is None


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(BODY.replace(b"foo 3", b"foo  3"), id="a key with another blank"),
        pytest.param(BODY.replace(b"foo 3", b"fooo 3"), id="a longer name"),
        pytest.param(BODY.replace(b"foo 3", b"fo 3"), id="a shorter name"),
        pytest.param(BODY.replace(b"foo 3", b"3"), id="a value without its key"),
        pytest.param(BODY.replace(b"foo 3", b"nan"), id="a number's name instead of a line"),
        pytest.param(BODY.replace(b"foo 3", b"foo"), id="a key without its value"),
        pytest.param(BODY.replace(b"foo 3", b'foo{a="b"} 3'), id="labels where there were none"),
        pytest.param(BODY.replace(b"foo 3", b"foo 3 4"), id="a timestamp"),
        pytest.param(BODY.replace(b"foo 3", b"#foo 3"), id="a comment instead of a sample"),
        pytest.param(BODY.replace(b"\n\n", b"\nbar 4\n"), id="a sample instead of a blank line"),
        pytest.param(BODY.replace(b"\n\n", b"\n"), id="a line less"),
        pytest.param(BODY + b"bar 4\n", id="a line more"),
        pytest.param(BODY[:-1], id="no last line feed"),
        pytest.param(BODY.replace(b"counter", b"gauge"), id="another type"),
        pytest.param(BODY.replace(b"Turns.", b"Turn."), id="another help"),
        pytest.param(
            BODY.replace(b"http", b"x")
            .replace(b"websocket", b"http")
            .replace(b'"x"', b'"websocket"'),
            id="two lines changed places",
        ),
    ],
)
def test_layout_refuses_another_layout(body: bytes) -> None:
    """A body whose comments or keys differ is left to the full parse."""
    assert read(Layout.learn(BODY), body) is None


def test_layout_with_timestamps_is_always_learned_anew() -> None:
    """Timestamps change with every scrape, so their bodies go the slow way."""
    layout = Layout.learn(b"up 1 1700000000000\nfoo 2\n")

    assert layout.timestamps_ms == (1_700_000_000_000, None)
    assert read(layout, b"up 1 1700000000000\nfoo 2\n") is None


def test_layout_learns_from_a_previous_one() -> None:
    """Lines that are known keep their very labels; the rest is read."""
    previous = Layout.learn(BODY)

    layout = Layout.learn(BODY.replace(b"\n\n", b"\nbar 4\n"), previous)

    assert layout.pairs[0] is previous.pairs[0]
    assert [dict(pairs)["__name__"] for pairs in layout.pairs] == [
        "turns_total",
        "turns_total",
        "bar",
        "foo",
    ]
    assert layout.learned.values.tolist() == [1.0, 2.0, 4.0, 3.0]


def test_layout_learned_from_another_type_reads_labels_anew() -> None:
    """A key means other labels once its family becomes a histogram."""
    body = b'# TYPE h gauge\nh_bucket{le="1"} 2\n'
    previous = Layout.learn(body)

    layout = Layout.learn(body.replace(b"gauge", b"histogram"), previous)

    assert dict(previous.pairs[0])["le"] == "1"
    assert dict(layout.pairs[0])["le"] == "1.0"


def test_layout_says_where_a_known_line_is_wrong() -> None:
    """An error in a line whose key is known has its place, like any other."""
    with pytest.raises(ExpositionSyntaxError, match=r'^6:5: expected a number, found "x"$'):
        Layout.learn(BODY.replace(b" 3", b" x"), Layout.learn(BODY))


def mutate(rng: random.Random, body: bytes) -> bytes:
    """Change values, and once in a while anything."""
    lines = body.split(b"\n")
    for index, line in enumerate(lines):
        if line and not line.startswith(b"#") and rng.random() < 0.5:
            key = line[: line.rindex(b" ") + 1]
            lines[index] = key + rng.choice(VALUES if rng.random() < 0.95 else HOSTILE)
    if rng.random() < 0.3:
        first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
        lines[first], lines[second] = lines[second], lines[first]
    body = b"\n".join(lines)
    if rng.random() < 0.4:
        cut = rng.randrange(len(body) + 1)
        insertion = bytes(rng.choices(b'0123456789 .,-+eE"[]{}\n#nfoa', k=rng.randrange(3)))
        body = body[:cut] + insertion + body[cut + rng.randrange(4) :]
    return body


def test_layout_is_the_full_parse(
    families_of: Callable[[random.Random], list[MetricFamily]],
) -> None:
    """Whatever a layout reads from a mutated body, a full parse finds the same; else None."""
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    count = 0

    for _ in range(1500):
        original = render_text(families_of(rng))
        layout = Layout.learn(original)
        body = mutate(rng, original)
        values = read(layout, body)
        if values is None:
            continue
        fresh = Layout.learn(body)

        assert bits(values) == bits(fresh.learned.values), f"seed {seed}: {body!r}"
        assert layout.pairs == fresh.pairs, f"seed {seed}: {body!r}"
        assert fresh.timestamps_ms is None, f"seed {seed}: {body!r}"
        count += 1
    assert count > 300, f"seed {seed}: the mutations left only {count} layouts as they were"


def test_layout_learned_anew_is_the_full_parse(
    families_of: Callable[[random.Random], list[MetricFamily]],
) -> None:
    """A previous layout's help changes nothing in what is learned, nor in what is refused."""
    seed = random.randrange(2**32)
    rng = random.Random(seed)

    for _ in range(500):
        original = render_text(families_of(rng))
        body = mutate(rng, original)
        previous = Layout.learn(original)
        error = learning_error(body)
        assert learning_error(body, previous) == error, f"seed {seed}: {body!r}"
        if error:
            continue
        fresh = Layout.learn(body)
        helped = Layout.learn(body, previous)

        assert helped.pairs == fresh.pairs, f"seed {seed}: {body!r}"
        assert helped.timestamps_ms == fresh.timestamps_ms, f"seed {seed}: {body!r}"
        assert bits(helped.learned.values) == bits(fresh.learned.values), f"seed {seed}: {body!r}"
        assert parsed_values(body) in (None, series_values(fresh)), f"seed {seed}: {body!r}"


def series_values(layout: Layout) -> set[tuple[Labels, str]]:
    values = layout.learned.values.tolist()
    return {(Labels(pairs), repr(v)) for pairs, v in zip(layout.pairs, values, strict=True)}


def parsed_values(body: bytes) -> set[tuple[Labels, str]] | None:
    """The same by `parse_text`; None where it refuses a repeated series."""
    try:
        families = parse_text(body)
    except ExpositionSyntaxError:
        return None
    return {
        (sample.labels.updated({"__name__": sample.name}), repr(sample.value))
        for family in families
        for sample in family.samples
    }


def learning_error(body: bytes, previous: Layout | None = None) -> str:
    try:
        Layout.learn(body, previous)
    except ExpositionSyntaxError as error:
        return str(error)
    return ""
