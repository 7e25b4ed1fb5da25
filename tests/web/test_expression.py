from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.peers import Prometheus, PrometheusPeer
from tests.peers import prometheus as prometheus

LONG = "a" * 60

QUERIES = [
    'sum by (job) (rate(x{a=~"b",c!="d"}[5m] offset -1m))',
    "topk without (a) (3, -x @ start())",
    "a * on (x) group_left (y, z) b",
    "a * ignoring (x) group_right () b",
    "a and on (x) b or c unless d",
    "1 + 2.5 > bool 3",
    "(x)[1h:5m] @ 123.5 offset 1m",
    "x @ end() offset 5m",
    "foo[5m:]",
    '"text"',
    "1e3", "0x1F", "NaN", "Inf", "-Inf", "1e-7", "123456789012345678", "5m",
    "time()", "round(x)", "round(x, 5)", "label_join(x, 'a', 'b', 'c', 'd')", "day_of_week()",
    '{"utf.8"="x", __name__=~"a"}',
    '{__name__="foo"}',
    'x{a="b", a!~"c"}',
    "quantile(0.5, x)", 'count_values("a", x)', "limitk(2, x)",
    "+x", "-(x + y)", "x ^ y ^ z", "- x ^ 2",
    f'{LONG}{{b="c"}} + on ({LONG}) group_left (c) sum by ({LONG}) (rate({LONG}[5m]))',
    f"histogram_quantile(0.99, sum by (le, {LONG}) (rate({LONG}[5m])))",
    f"(({LONG} + {LONG} > bool 2))",
    f"max_over_time(rate({LONG}{LONG}[5m])[1h:5m] offset 5m)",
    f"-{LONG} + -({LONG})", f"topk(3, {LONG} or {LONG})", f"{LONG}{LONG}", f"sum({LONG} or {LONG})",
]  # fmt: skip


PRINTED_OTHERWISE = {"Inf", '{__name__="foo"}', 'x{a="b", a!~"c"}'}
"""Our printer writes Inf without a sign, a name before the braces, matchers in their own order."""


@pytest.fixture(scope="module")
def peer(prometheus: PrometheusPeer) -> Iterator[Prometheus]:
    with prometheus.serving("# TYPE up gauge\nup 1 1\n# EOF\n") as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/api/v1/parse_query", "/api/v1/format_query"])
async def test_queries_are_shown_as_prometheus_shows_them(
    client: httpx2.AsyncClient, peer: Prometheus, path: str
) -> None:
    """Tree and formatted text are those of a real Prometheus."""
    here: dict[str, Any] = {}
    there: dict[str, Any] = {}
    unlike = PRINTED_OTHERWISE if path.endswith("format_query") else set()
    for query in set(QUERIES) - unlike:
        here[query] = (await client.post(path, data={"query": query})).json()
        there[query] = peer.client.post(path, data={"query": query}).json()

    assert here == there


@pytest.mark.parametrize("path", ["/api/v1/parse_query", "/api/v1/format_query"])
@pytest.mark.parametrize(
    ("query", "error"),
    [
        (" ", "expected a PromQL expression, found nothing"),
        ("foo(", '1:1: expected the name of a function, found "foo" (did you mean "floor"?)'),
    ],
)
async def test_what_is_no_query_is_refused(
    client: httpx2.AsyncClient, path: str, query: str, error: str
) -> None:
    """400, with the place."""
    answer = await client.get(path, params={"query": query})

    assert answer.status_code == 400
    assert answer.json()["errorType"] == "bad_data"
    assert answer.json()["error"] == f'invalid parameter "query": {error}'
