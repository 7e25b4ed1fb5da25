from __future__ import annotations

import numpy as np
import pytest
from tests.promql.notation import append_series, parse_series

from sakshi.model.clock import SystemClock
from sakshi.promql import LocalEngine, Scalar, Vector
from sakshi.promql.engine import QueryResult
from sakshi.storage.memory import MemoryStore


def ask(query: str) -> QueryResult:
    store = MemoryStore()
    lines = ['h_bucket{le="1"} 5x9', 'h_bucket{le="2"} 3x9', 'h_bucket{le="+Inf"} 9x9', "x 1x9"]
    append_series(store, [parse_series(line) for line in lines], 10_000)
    return LocalEngine(store, SystemClock()).instant(query, 60_000)


@pytest.mark.parametrize(
    ("query", "infos"),
    [
        pytest.param(
            "sum(rate(x[1m])) + sum(rate(x[1m]))",
            (
                "PromQL info: metric might not be a counter, name does not end in "
                '_total/_sum/_count/_bucket: "x" (1:10)',
                "PromQL info: metric might not be a counter, name does not end in "
                '_total/_sum/_count/_bucket: "x" (1:29)',
            ),
            id="rate of a gauge, twice",
        ),
        pytest.param("rate(({__name__=~'x'}[1m]))", (), id="a name that is not sure is not judged"),
        pytest.param(
            "\nhistogram_quantile(0.5, h_bucket)",
            (
                "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
                "https://prometheus.io/docs/prometheus/latest/querying/functions/"
                "#histogram_quantile) (2:25)",
            ),
            id="buckets that fall",
        ),
    ],
)
def test_infos_say_what_was_probably_not_meant(query: str, infos: tuple[str, ...]) -> None:
    """Each text stands once, with its place, in the order of appearance."""
    result = ask(query)

    assert result.infos == infos
    assert result.warnings == ()


@pytest.mark.parametrize(
    ("query", "warning"),
    [
        pytest.param(
            "quantile(2, x)",
            "PromQL warning: quantile value should be between 0 and 1, got 2 (1:1)",
            id="a quantile above one",
        ),
        pytest.param(
            "histogram_quantile(0.5, x)",
            'PromQL warning: bucket label "le" is missing or has a malformed value of "" '
            'for metric name "x" (1:25)',
            id="a quantile of what is no histogram",
        ),
    ],
)
def test_warnings_say_what_may_be_wrong(query: str, warning: str) -> None:
    """A warning stands beside the answer and stops nothing."""
    assert ask(query).warnings == (warning,)


def test_answers_stand_beside_their_annotations() -> None:
    """What is said about an answer does not change it."""
    rate = ask("rate(x[1m])").value
    quantile = ask("scalar(quantile(2, x))").value

    assert isinstance(rate, Vector)
    assert isinstance(quantile, Scalar)
    assert rate.values.tolist() == [[0.0]]
    assert np.isposinf(quantile.values).all()
