from __future__ import annotations

import pytest

from sakshi.promql.errors import QuerySyntaxError
from sakshi.promql.function import SIGNATURES
from sakshi.promql.parser import parse_query
from sakshi.promql.token import KEYWORDS
from sakshi.promql.value_type import ValueType

EXAMPLES = {
    ValueType.SCALAR: "1",
    ValueType.STRING: '"a"',
    ValueType.VECTOR: "{x='1'}",
    ValueType.MATRIX: "x[5m]",
}


def call(name: str, count: int) -> str:
    signature = SIGNATURES[name]
    return f"{name}({', '.join(EXAMPLES[signature.argument_type(i)] for i in range(count))})"


@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_signature_is_what_a_call_is_checked_against(name: str) -> None:
    """The least and the most arguments are accepted, one fewer and one more are not."""
    signature = SIGNATURES[name]
    least, most = signature.arguments_min, signature.arguments_max
    accepted = [least, least + 3] if most is None else [least, most]
    refused = [least - 1] * (least > 0) + ([] if most is None else [most + 1] * (most > 0))

    for count in accepted:
        assert parse_query(call(name, count)).type is signature.return_type
    for count in refused:
        with pytest.raises(QuerySyntaxError):
            parse_query(call(name, count))


def test_table_is_keyed_by_name_and_holds_no_keyword() -> None:
    """A keyword would never be read as a function."""
    assert all(name == signature.name for name, signature in SIGNATURES.items())
    assert not KEYWORDS & SIGNATURES.keys()


NAMES = """
abs absent absent_over_time acos acosh asin asinh atan atanh avg_over_time ceil changes clamp
clamp_max clamp_min cos cosh count_over_time day_of_month day_of_week day_of_year days_in_month deg
delta deriv double_exponential_smoothing end exp first_over_time floor histogram_avg
histogram_count histogram_fraction histogram_quantile histogram_quantiles histogram_stddev
histogram_stdvar histogram_sum hour idelta increase info integral irate label_join label_replace
last_over_time ln log10 log2 mad_over_time max_of max_over_time min_of min_over_time minute month pi
predict_linear present_over_time quantile_over_time rad range rate resets round scalar sgn sin sinh
sort sort_by_label sort_by_label_desc sort_desc sqrt start stddev_over_time stdvar_over_time step
sum_over_time tan tanh time timestamp ts_of_first_over_time ts_of_last_over_time
ts_of_max_over_time ts_of_min_over_time vector year
"""


def test_table_is_complete() -> None:
    """All functions of Prometheus 3, and no other; the grammar is final before its evaluation."""
    assert sorted(SIGNATURES) == NAMES.split()
