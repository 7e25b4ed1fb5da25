from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from sakshi.promql.errors import QueryError, QueryLimitError
from sakshi.promql.parser import parse_query, parse_selector
from sakshi.promql.query_limit import QueryLimits

OPERATORS = "the query has more operators than the limit of 1000"
DEPTH = "the query is nested deeper than the limit of 100 levels"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("x+" * 5000 + "x", OPERATORS, id="10 KB of sums"),
        pytest.param("-" * 5000 + "x", DEPTH, id="signs"),
        pytest.param("(" * 5000 + "x" + ")" * 5000, DEPTH, id="parentheses"),
        pytest.param("(" * 5000, DEPTH, id="parentheses that stay open"),
        pytest.param("abs(" * 5000, DEPTH, id="calls"),
        pytest.param("sum(" * 5000, DEPTH, id="aggregations"),
        pytest.param("x^" * 900 + "x", DEPTH, id="powers lean right"),
        pytest.param("x+" * 100 + "x", DEPTH, id="a chain of 100 operators leans left"),
        pytest.param(
            "+".join(["(" + "+".join(["x"] * 60) + ")"] * 20), OPERATORS, id="1,199 operators"
        ),
        pytest.param(
            "x" * 40_000,
            "the query has 40000 characters, more than the limit of 32768",
            id="length",
        ),
        pytest.param(
            "x{" + 'a=~"b",' * 60 + "} + y{" + 'a!~"b",' * 41 + "}",
            "the query has more regular expressions than the limit of 100",
            id="regular expressions",
        ),
    ],
)
def test_oversized_query_is_refused(text: str, message: str) -> None:
    """An error that names the limit, never a crash."""
    with pytest.raises(QueryLimitError) as caught:
        parse_query(text)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text",
    [
        "x+" * 99 + "x",
        "(" * 99 + "x" + ")" * 99,
        "sum(" * 99 + "x" + ")" * 99,
        "abs(" * 99 + "x" + ")" * 99,
        "-" * 99 + "x",
        "x^" * 99 + "x",
        "+".join(["(" + "+".join(["x"] * 50) + ")"] * 20),
        "x # " + "a" * 32_764,
        "x{" + 'a=~"b",' * 100 + "}",
    ],
)
def test_query_at_the_limits_is_parsed_and_printed(text: str) -> None:
    """Even far down a stack: the recursion fits beside 300 frames of others."""

    def descend(frames: int) -> str:
        return descend(frames - 1) if frames else str(parse_query(text))

    assert parse_query(descend(300)) == parse_query(text)


def test_limits_are_an_argument() -> None:
    """Whoever owns the queries sets them."""
    limits = QueryLimits(length_max=9, operators_max=2, regexes_max=0, depth_max=3)

    assert parse_query("a+a+a", limits) == parse_query("a + a + a")
    for text in ("a + a + aa", "a+a+a-a", "-(a+a)", "{a=~'b'}"):
        with pytest.raises(QueryLimitError):
            parse_query(text, limits)


QUERIES = [
    'sum by (job, "my.label") (rate(http_requests_total{code=~"5..", a!=`b`}[5m] offset -1h)) > 1',
    'a{x="1"} / on (b) group_left (c, d) avg without (e) (f @ 16.5) # comment\n or vector(1)',
    "max_over_time(deriv(x[1h] @ end())[2h30m:10s] offset 5m) == bool -1.5e-3 ^ 0x1F % NaN",
    r"""label_replace(topk(3, {"metric.name", a!~'b\'\u00e9'}), "dst", "$1", 'src', "(.*)")""",
]


def parses(parse: Callable[[str], object], text: str) -> bool:
    """Tell whether a text is accepted; any error but a QueryError fails the test."""
    try:
        parse(text)
    except QueryError:
        return False
    return True


@pytest.mark.parametrize("query", QUERIES)
def test_prefix_of_a_query_raises_nothing_but_query_errors(query: str) -> None:
    """What is typed so far is parsed at every key."""
    lengths = [length for length in range(len(query) + 1) if parses(parse_query, query[:length])]

    assert 0 not in lengths
    assert len(query) in lengths


@pytest.mark.parametrize("seed", range(5))
def test_random_text_raises_nothing_but_query_errors(seed: int) -> None:
    """Bytes, and shuffled pieces of queries."""
    rng = random.Random(seed)
    pieces = [*" \n()[]{},:=~!<>+-*/%^@#.'\"`\\", *" ".join(QUERIES).split(), "\ud800", "é", "\x00"]

    outcomes = set()
    for _ in range(400):
        noise = rng.randbytes(rng.randrange(40)).decode("latin-1")
        shuffled = "".join(rng.choices(pieces, k=rng.randrange(30)))
        outcomes |= {parses(parse, text) for parse in PARSERS for text in (noise, shuffled)}

    assert outcomes == {True, False}


PARSERS: list[Callable[[str], object]] = [parse_query, parse_selector]
