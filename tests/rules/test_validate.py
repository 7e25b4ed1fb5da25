from __future__ import annotations

from typing import Any

import pytest
from tests.rules.station import alerting, recording

from sakshi.rules import Rule, find_label_problems, find_rule_problems

LABEL = "a label name, other than __name__"
HALF = "\ud800"  # of a character


@pytest.mark.parametrize(
    "rule",
    [
        recording("job:rate:5m", "rate(x[5m])", labels={"a_1": "any {{ text"}),
        alerting("Any name, Ünicode", "x > 1", labels={"severity": "{{ $labels.job }}"}),
        recording("http.server.duration", "up", labels={"service.name": "x", "ünï": "y"}),
        recording("a b-c", "up"),
        alerting("A", "up", labels={"a-b": "{{ $value }}"}, annotations={"run-book": "x"}),
        alerting("A", "vector(1)", annotations={"text": "{{ $value | humanize }} {{ query `x` }}"}),
    ],
)
def test_a_good_rule_has_no_problems(rule: Rule) -> None:
    """What Prometheus accepts is accepted; a recording rule's labels are no templates."""
    assert find_rule_problems(rule) == []


@pytest.mark.parametrize(
    ("rule", "problems"),
    [
        pytest.param(
            recording('a{b="c"}', "x"),
            ['record: expected a metric name, without braces, found "a{b="c"}"'],
            id="a selector for a metric name",
        ),
        pytest.param(
            recording(HALF, "x"),
            [f'record: expected a metric name, without braces, found "{HALF}"'],
            id="half a character",
        ),
        pytest.param(
            recording("a", "x", labels={"__name__": "b", "": "c"}),
            [
                f'labels.__name__: expected {LABEL}, found "__name__"',
                f'labels.: expected {LABEL}, found ""',
            ],
            id="label names",
        ),
        pytest.param(
            alerting("", "x"), ["alert: expected a name, found nothing"], id="an alert's name"
        ),
        pytest.param(
            alerting("A", "x[5m]"),
            ["expr: expected an instant vector or a scalar, found a range vector"],
            id="a range vector",
        ),
        pytest.param(
            recording("a", '"x"'),
            ["expr: expected an instant vector or a scalar, found a string"],
            id="a string",
        ),
        pytest.param(
            alerting("A", "x", annotations={"": "x"}),
            ['annotations.: expected the name of an annotation, found ""'],
            id="an annotation's name",
        ),
        pytest.param(
            alerting("A", "x", labels={"a": "{{ $x }}"}, annotations={"b": "\n{{ foo 1 }}"}),
            [
                "labels.a: expected a template, found an error at 1:4:"
                ' variable "$x" is not defined',
                "annotations.b: expected a template, found an error at 2:4:"
                ' function "foo" is not defined',
            ],
            id="templates",
        ),
        pytest.param(
            alerting("A", "x", annotations={"b": "{{ stringSlice `a` }}"}),
            [
                "annotations.b: expected a template, found an error at 1:4:"
                ' function "stringSlice" is not defined'
            ],
            id="a function of notifications, not of rules",
        ),
    ],
)  # fmt: skip
def test_every_problem_is_named(rule: Rule, problems: list[str]) -> None:
    """Each problem names its key, what was expected and what came."""
    assert [str(problem) for problem in find_rule_problems(rule)] == problems


def test_group_labels_are_checked_alike() -> None:
    """The labels of a group obey the same law."""
    labels: dict[str, Any] = {"ok": "x", "__name__": "y"}

    assert [problem.place for problem in find_label_problems(labels)] == ["labels.__name__"]
