"""The texts of alerts."""

from __future__ import annotations

import pytest
from tests.rules.station import Station

from sakshi.model.labels import Labels
from sakshi.rules.expansion import Expander, External, rule_functions

TEXT = "{{ with query `%s` }}{{ . | first | value }}{{ end }}"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("sum(x)", "3", id="vector"),
        pytest.param("scalar(sum(x)) / 2", "1.5", id="scalar"),
        pytest.param(
            "x[5m]",
            "<error expanding template: Slow.text:1:9: query: the query's value is no vector>",
            id="range vector",
        ),
        pytest.param(
            "x +",
            "<error expanding template: Slow.text:1:9: query: "
            "1:4: expected an expression, found the end of the query>",
            id="no query",
        ),
    ],
)
def test_a_text_may_ask_the_engine(station: Station, query: str, expected: str) -> None:
    """A query's answer is a list of samples; what gives none is said in the text."""
    station.expose({'x{job="a"}': 1.0, 'x{job="b"}': 2.0})
    functions = rule_functions(station.engine, External(), station.clock.now_ms())

    found = Expander("Slow", {"text": TEXT % query}).expand(Labels(), 0.0, External(), functions)

    assert found == {"text": expected}
