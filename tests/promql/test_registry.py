from __future__ import annotations

import pytest

from sakshi.promql.errors import QuerySyntaxError
from sakshi.promql.function import SIGNATURES
from sakshi.promql.parser import parse_query
from sakshi.promql.registry import FUNCTIONS, check_supported

NOT_SUPPORTED = {
    # Native histograms are not stored.
    "histogram_avg", "histogram_count", "histogram_stddev", "histogram_stdvar", "histogram_sum",
    # No released Prometheus has it.
    "integral",
}  # fmt: skip


def test_every_function_is_supported_or_known_not_to_be() -> None:
    """The two lists together are PromQL; adding a function means removing it here."""
    assert set(SIGNATURES) - set(FUNCTIONS) == NOT_SUPPORTED
    assert set(FUNCTIONS) <= set(SIGNATURES)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        pytest.param(
            "sum(\n  histogram_avg(x))",
            "2:3: expected a function of classic histograms or of numbers "
            "(native histograms are not stored), found histogram_avg()",
            id="a function on the second line",
        ),
    ],
)
def test_what_is_not_supported_is_refused_with_its_place(query: str, message: str) -> None:
    """The check needs the tree only; with the text it knows lines."""
    with pytest.raises(QuerySyntaxError) as raised:
        check_supported(parse_query(query), query)

    assert str(raised.value) == message


def test_canonical_text_stands_in_for_the_query() -> None:
    """Without the text, the place is that in the canonical form of one line."""
    with pytest.raises(QuerySyntaxError, match=r"^1:5: "):
        check_supported(parse_query("sum(histogram_avg(x))"))

    check_supported(parse_query("sum(rate(x[5m]))"))
