from __future__ import annotations

from typing import Any

import pytest
from tests.rules.station import Station, alerting, group, recording

from sakshi.model.labels import Labels
from sakshi.rules import DuplicateSeriesError, RuleLimitError, RuleTypeError
from sakshi.rules.evaluate import AlertingEvaluation, evaluate_recording
from sakshi.rules.expansion import External

EXTERNAL = External({"zone": "eu"}, "https://sakshi.example/page")


def evaluate_alerts(station: Station, rule_text: str, **options: Any) -> list[dict[str, str]]:
    """Return the labels and annotations of the alerts of one rule."""
    limits = {key: options.pop(key) for key in ("limit",) if key in options}
    rule = alerting("Slow", rule_text, **options)
    rules = group(rule, labels={"team": "chat", "severity": "none"}, **limits)
    evaluation = AlertingEvaluation("id", rule, rules, EXTERNAL)
    result = evaluation.evaluate(station.engine, (), station.clock.now_ms())
    return [{**alert.labels, **alert.annotations} for alert in result.alerts]


def test_recording_renames_and_relabels(station: Station) -> None:
    """The name is the rule's; its labels win over the group's, and those over the series'."""
    station.expose({'x{job="a",zone="z",drop="d"}': 1.5, 'x{job="b"}': 2.0})
    rule = recording("y", "x", labels={"zone": "", "job": "rule", "drop": ""})
    one = group(recording("y", 'x{job="a"}', labels=rule.labels), labels={"job": "g", "team": "t"})

    rows = evaluate_recording(one.rules[0], one, station.engine, station.clock.now_ms())  # type: ignore[arg-type]

    assert rows == {Labels({"__name__": "y", "job": "rule", "team": "t"}): 1.5}


def test_a_template_that_fails_is_said_once(
    station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    """A thousand alerts with the same broken text are one line in the log, and stay one."""
    station.expose({f'x{{n="{n}"}}': 1.0 for n in range(50)})
    rule = alerting("Slow", "x", annotations={"a": "{{ $labels.n.m }}", "b": "{{ template `c` }}"})
    evaluation = AlertingEvaluation("id", rule, group(rule), EXTERNAL)

    for _ in range(3):
        result = evaluation.evaluate(station.engine, (), station.clock.now_ms())

    assert len(result.alerts) == 50
    assert caplog.text.count("template failed") == 2


def test_a_scalar_is_recorded_without_labels(station: Station) -> None:
    """A scalar is one series."""
    rule = recording("y", "3 * 2")

    rows = evaluate_recording(rule, group(rule), station.engine, station.clock.now_ms())

    assert rows == {Labels({"__name__": "y"}): 6.0}


@pytest.mark.parametrize(
    ("query", "labels", "limit", "error", "message"),
    [
        pytest.param(
            "x", {"job": "same"}, 0, DuplicateSeriesError,
            'two results have the labels y{job="same"}', id="labels that make two series one",
        ),
        pytest.param("x", {}, 1, RuleLimitError, "2 series exceed the limit of 1", id="the limit"),
        pytest.param(
            '"text"', {}, 0, RuleTypeError,
            "the expression's value is neither an instant vector nor a scalar", id="a string",
        ),
    ],
)  # fmt: skip
def test_recording_has_no_result(
    station: Station,
    query: str,
    labels: dict[str, str],
    limit: int,
    error: type[Exception],
    message: str,
) -> None:
    """Results that cannot be stored as they are fail the rule as a whole."""
    station.expose({'x{job="a"}': 1.0, 'x{job="b"}': 2.0})
    rule = recording("y", query, labels=labels)

    with pytest.raises(error) as caught:
        evaluate_recording(rule, group(rule, limit=limit), station.engine, station.clock.now_ms())

    assert str(caught.value) == message


def test_templates_see_series_value_and_surroundings(station: Station) -> None:
    """Labels and annotations are templates over the series with its name, and may query."""
    station.expose({'x{job="a"}': 1500.0, 'y{job="a"}': 2.0})

    (alert,) = evaluate_alerts(
        station,
        "x > 1000",
        labels={
            "severity": "{{ if gt $value 1e3 }}critical{{ end }}",
            "empty": "{{ $labels.none }}",
        },
        annotations={
            "summary": "{{ $labels.__name__ }} of {{ .Labels.job }} is {{ $value | humanize }}",
            "place": "{{ $externalLabels.zone }} {{ $externalURL }} {{ externalURL }}"
            "{{ pathPrefix }}",
            "other": "{{ with query `y` }}{{ . | first | value }}{{ end }}"
            "{{ query `1+1` | first | value }}",
        },
    )

    assert alert == {
        "alertname": "Slow",
        "job": "a",
        "team": "chat",
        "severity": "critical",
        "summary": "x of a is 1.5k",
        "place": "eu https://sakshi.example/page https://sakshi.example/page/page",
        "other": "22",
    }


def test_a_template_that_fails_says_so_in_its_place(station: Station) -> None:
    """The alert is raised all the same, with the error where the text should be."""
    station.expose({"x": 1.0})

    (alert,) = evaluate_alerts(
        station, "x", annotations={"run": "{{ .None }}", "read": "{{ end }}", "ok": "{{ $value }}"}
    )

    assert alert["run"] == (
        "<error expanding template: Slow.annotations.run:1:4:"
        " there is no field None in a SeriesData>"
    )
    assert alert["read"] == (
        "<error expanding template: Slow.annotations.read:1:4:"
        " unexpected {{end}} outside of a block>"
    )
    assert alert["ok"] == "1"


def test_a_query_that_fails_in_a_template_is_its_error(station: Station) -> None:
    """A template's query error is text, and does not fail the rule."""
    station.expose({"x": 1.0})

    (alert,) = evaluate_alerts(station, "x", annotations={"bad": "{{ query `sum(` }}"})

    assert alert["bad"].startswith(
        "<error expanding template: Slow.annotations.bad:1:4: query: 1:5: "
    )


def test_alerts_that_become_one_are_an_error(station: Station) -> None:
    """Labels that make two alerts the same fail the rule: one of them would be lost."""
    station.expose({'x{job="a"}': 1.0, 'x{job="b"}': 2.0})

    with pytest.raises(
        DuplicateSeriesError, match=r'two alerts have the labels \{alertname="Slow", job='
    ):
        evaluate_alerts(station, "x", labels={"job": "same"})


def test_too_many_alerts_are_an_error(station: Station) -> None:
    """The limit counts pending and firing alerts."""
    station.expose({'x{job="a"}': 1.0, 'x{job="b"}': 2.0})

    with pytest.raises(RuleLimitError, match="2 alerts exceed the limit of 1"):
        evaluate_alerts(station, "x", limit=1)
