from __future__ import annotations

import pytest

from sakshi.promql.errors import QuerySyntaxError
from sakshi.promql.parser import parse_query


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "1 + rate(x)",
            "1:10: expected a range vector as argument 1 of rate(), found an instant vector",
            id="rate of an instant vector",
        ),
        pytest.param(
            "abs(x[5m])",
            "1:5: expected an instant vector as argument 1 of abs(), found a range vector",
            id="abs of a range vector",
        ),
        pytest.param(
            "vector(x)",
            "1:8: expected a scalar as argument 1 of vector(), found an instant vector",
            id="vector of a vector",
        ),
        pytest.param(
            "label_join(x, 'a', 'b', 'c', 5)",
            "1:30: expected a string as argument 5 of label_join(), found a scalar",
            id="any further argument has the last one's type",
        ),
        pytest.param(
            "histogram_quantile(sum(x), y)",
            "1:20: expected a scalar as argument 1 of histogram_quantile(),"
            " found an instant vector",
            id="arguments in the wrong order",
        ),
        pytest.param(
            "time(1)", "1:1: expected no argument in the call of time(), found 1", id="too many"
        ),
        pytest.param(
            "2 * abs()", "1:5: expected 1 argument in the call of abs(), found 0", id="none"
        ),
        pytest.param(
            "clamp(x, 1)",
            "1:1: expected 3 arguments in the call of clamp(), found 2",
            id="too few",
        ),
        pytest.param(
            "round()",
            "1:1: expected 1 to 2 arguments in the call of round(), found 0",
            id="with an optional one",
        ),
        pytest.param(
            "sort_by_label()",
            "1:1: expected at least 1 argument in the call of sort_by_label(), found 0",
            id="any number",
        ),
        pytest.param(
            "label_join(x)",
            "1:1: expected at least 3 arguments in the call of label_join(), found 1",
            id="any number, but some",
        ),
    ],
)
def test_call_is_checked(text: str, message: str) -> None:
    """Number and types of arguments are those of the signature."""
    with pytest.raises(QuerySyntaxError) as caught:
        parse_query(text)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text",
    [
        "round(x)",
        "round(x, 5)",
        "label_join(x, 'a', 'b')",
        "label_join(x, 'a', 'b', 'c', 'd', 'e')",
        "hour()",
        "hour(x)",
        "rate((x[5m]))",
        "rate(x[5m:])",
        "abs(-x)",
        "clamp(x, -1, scalar(y))",
        "sort_by_label(x)",
        "sum(vector(1))",
        "topk(scalar(x), y)",
        "quantile(-0.5, x)",
        "1 == bool 1",
        "vector(1) == 1",
        "x or vector(0)",
        "-x + +y",
        "sum(x)[5m:1m] offset 5m",
    ],
)
def test_what_fits_is_accepted(text: str) -> None:
    """The neighbours of what is refused here."""
    parse_query(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "sum(1)",
            "1:5: expected an instant vector as the operand of sum, found a scalar",
            id="a scalar summed",
        ),
        pytest.param(
            "sum by (a) (x[5m])",
            "1:13: expected an instant vector as the operand of sum, found a range vector",
            id="a range summed",
        ),
        pytest.param(
            "topk('5', x)",
            "1:6: expected a scalar as the parameter of topk, found a string",
            id="topk of a string",
        ),
        pytest.param(
            "topk(x, 5)",
            "1:6: expected a scalar as the parameter of topk, found an instant vector",
            id="topk in the wrong order",
        ),
        pytest.param(
            "count_values(5, x)",
            "1:14: expected a string as the parameter of count_values, found a scalar",
            id="count_values of a number",
        ),
    ],
)
def test_aggregation_is_checked(text: str, message: str) -> None:
    """An instant vector is aggregated; parameters have their types."""
    with pytest.raises(QuerySyntaxError) as caught:
        parse_query(text)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "x + y[5m]",
            '1:5: expected a scalar or an instant vector as operand of "+", found a range vector',
            id="a range added",
        ),
        pytest.param(
            "'a' == 'b'",
            '1:1: expected a scalar or an instant vector as operand of "==", found a string',
            id="strings compared",
        ),
        pytest.param(
            "-x[5m]",
            '1:2: expected a scalar or an instant vector after "-", found a range vector',
            id="a range negated",
        ),
        pytest.param(
            "+'a'",
            '1:2: expected a scalar or an instant vector after "+", found a string',
            id="a string signed",
        ),
        pytest.param(
            "x + bool y", '1:3: expected a comparison before "bool", found "+"', id="bool sum"
        ),
        pytest.param(
            "x and bool y", '1:3: expected a comparison before "bool", found "and"', id="bool set"
        ),
        pytest.param(
            "1 # one\n == 1",
            '2:2: expected "== bool" between scalars, found "=="',
            id="scalars compared without bool",
        ),
        pytest.param(
            "x and 1",
            '1:3: expected instant vectors on both sides of "and", found a scalar',
            id="set with a scalar",
        ),
        pytest.param(
            "1 unless 2",
            '1:3: expected instant vectors on both sides of "unless", found a scalar',
            id="set of scalars",
        ),
        pytest.param(
            "x + on (a) 1",
            '1:3: expected instant vectors on both sides of "on" and "ignoring", found a scalar',
            id="a scalar matched",
        ),
        pytest.param(
            "x or on (a) group_left y",
            '1:3: expected no grouping for "or", found "group_left"',
            id="a grouped set",
        ),
        pytest.param(
            "x unless on (a) group_right (b) y",
            '1:3: expected no grouping for "unless", found "group_right"',
            id="a grouped set, right",
        ),
        pytest.param(
            "x * on (a, b) group_left (c, b) y",
            '1:3: expected labels in either "on" or "group_left", found "b" in both',
            id="a label both matched and copied",
        ),
    ],
)
def test_operator_is_checked(text: str, message: str) -> None:
    """The place is the operand's where it is wrong, else the operator's."""
    with pytest.raises(QuerySyntaxError) as caught:
        parse_query(text)

    assert str(caught.value) == message
