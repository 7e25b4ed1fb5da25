from __future__ import annotations

import pytest
from tests.config.reading import take

from sakshi.config.query import find_bound_warnings, read_expr
from sakshi.promql import parse_query


@pytest.mark.parametrize(
    ("query", "warnings"),
    [
        pytest.param('x_bucket{le="3.0"}', [], id="the form in which it is scraped"),
        pytest.param('x_bucket{le="+Inf"}', [], id="the last bucket"),
        pytest.param('x_bucket{le=~"3|5"}', [], id="a regular expression may mean anything"),
        pytest.param('x_bucket{le!="3"}', [], id="what is left out anyway"),
        pytest.param('x{level="3"}', [], id="another label"),
        pytest.param("sum by (le) (x_bucket)", [], id="no condition"),
        pytest.param('x_bucket{le="none"}', [], id="no number"),
        pytest.param(
            'rate(x_bucket{le="3"}[5m]) / on (job) x{quantile="1"}',
            [
                'le="3" selects nothing that is scraped: its form is le="3.0"',
                'quantile="1" selects nothing that is scraped: its form is quantile="1.0"',
            ],
            id="whole numbers, anywhere",
        ),
        pytest.param(
            'x_bucket{le="0.50"}',
            ['le="0.50" selects nothing that is scraped: its form is le="0.5"'],
            id="a zero too many",
        ),
    ],
)
def test_bounds_that_are_never_scraped_are_warned_of(query: str, warnings: list[str]) -> None:
    """Prometheus 3 writes every bound in one form; a selector of another one finds nothing."""
    assert list(find_bound_warnings(query, parse_query(query))) == warnings


def test_a_warning_has_the_place_of_the_query() -> None:
    """Line, column and key of the file."""
    _, problems, warnings = take(
        "expr: x_bucket{le='3'}\n", lambda root: read_expr(root, "expr", "x_bucket{le='3'}")
    )

    assert problems == []
    assert warnings == [
        'x.yml:1:7: expr: le="3" selects nothing that is scraped: its form is le="3.0"'
    ]


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("sum(", "x.yml:1:7: expr at 1:5: expected an expression, found the end of the query"),
        (
            "sum(\nup{)",
            "x.yml:1:7: expr at 2:4: "
            'expected a label name, a metric name in quotes or "}", found ")"',
        ),
        (
            "(" * 5000,
            "x.yml:1:7: expr: expected a query within the limits, found "
            "the query is nested deeper than the limit of 100 levels",
        ),
    ],
)
def test_what_is_wrong_with_a_query_has_its_place_in_it(query: str, problem: str) -> None:
    """Behind the place of the key stands that within the query."""
    _, problems, _ = take("expr: x\n", lambda root: read_expr(root, "expr", query))

    assert problems == [problem]
