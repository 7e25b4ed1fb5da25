from __future__ import annotations

import pytest

from sakshi.kpi.source import find_recorded, find_sources, source_name
from sakshi.promql import parse_query
from sakshi.rules import RecordingRule, RuleGroup


def rule(record: str, query: str) -> RecordingRule:
    return RecordingRule(record, query, parse_query(query))


RULES = [
    rule("a", "sum(rate(x_total[5m])) / sum(rate(y_total[5m]))"),
    rule("b", "a + z"),
    rule("b", "a offset 5m"),
    rule("loop", "loop offset 1m + loop offset 2m + w"),
    rule("left", "right + left"),
    rule("right", "left + v"),
]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("x", ["x"], id="exposed"),
        pytest.param("x + x", ["x"], id="each once"),
        pytest.param("a", ["x_total", "y_total"], id="recorded"),
        pytest.param("b", ["x_total", "y_total", "z"], id="recorded from recorded, by two rules"),
        pytest.param("max_over_time(b[5m:])", ["x_total", "y_total", "z"], id="in a subquery"),
        pytest.param("loop", ["w"], id="a rule that reads itself"),
        pytest.param("left", ["v"], id="rules that read each other"),
        pytest.param("1", [], id="nothing"),
    ],
)
def test_sources_are_what_is_exposed_in_the_end(query: str, expected: list[str]) -> None:
    """Through any number of recording rules, circles included."""
    recorded = find_recorded([RuleGroup("g", "rules.yml", 1000, RULES)])

    found = [source_name(source) for source in find_sources(parse_query(query), recorded)]

    assert sorted(found) == expected


def test_selectors_of_one_name_are_different_sources() -> None:
    """Each is looked for by its own matchers; one without a name has none."""
    sources = find_sources(parse_query('x{a="1"} + x{a="2"} + {b="3"}'), {})

    assert [source_name(source) for source in sources] == ["x", "x", ""]
