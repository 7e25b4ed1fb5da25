from __future__ import annotations

from pathlib import Path

import pytest
from tests.config.reading import find_problems, read_text

from sakshi.config import read_configuration
from sakshi.kpi import (
    Aggregation,
    Holds,
    Kpi,
    Limit,
    LimitOperator,
    NoDataPolicy,
    Statistic,
)
from sakshi.model.errors import BadInputError


def kpi(**keys: str) -> str:
    """Return a sakshi.yml with one KPI, a key a line from line 3 on."""
    values = {"group": "g", "expr": "up", **keys}
    lines = [f"    {key}: {value}\n" for key, value in values.items() if value]
    return "kpis:\n  k:\n" + "".join(lines)


def test_every_key_is_read() -> None:
    """A KPI has what the file says; limits are in its unit, whatever theirs."""
    configuration = read_text(
        """\
        kpis:
          overallResponseTime:
            group: responseTime
            title: Overall response time
            metric: http_request_duration_seconds
            expr: 1000 * rate(x_sum[$window]) / rate(x_count[$window])
            statistic: mean
            aggregation: max
            window: 10m
            observations: increase(x_count[$window])
            min_observations: 10
            condition: rate(x_count[$window]) > 1
            covered_by: x_count
            recovery: 12.5%
            no_data: keep
            for: {critical: 30s, warning: 2m, target: 1h, no_data: 0s}
            unit: ms
            target: <2s
            warning: '>3000ms'
            critical: '>5000'
          bare: {group: g, expr: up}
        """
    )

    assert configuration.kpis == [
        Kpi(
            name="overallResponseTime",
            group="responseTime",
            title="Overall response time",
            metric="http_request_duration_seconds",
            expr="1000 * rate(x_sum[10m]) / rate(x_count[10m])",
            unit="ms",
            target=Limit(LimitOperator.BELOW, 2000.0, "ms"),
            warning=Limit(LimitOperator.ABOVE, 3000.0, "ms"),
            critical=Limit(LimitOperator.ABOVE, 5000.0, "ms"),
            statistic=Statistic.MEAN,
            aggregation=Aggregation.MAX,
            window="10m",
            observations="increase(x_count[10m])",
            min_observations=10,
            condition="rate(x_count[10m]) > 1",
            covered_by="x_count",
            recovery=0.125,
            no_data=NoDataPolicy.KEEP,
            holds=Holds(critical=30_000, warning=120_000, target=3_600_000, no_data=0),
        ),
        Kpi("bare", "g", "bare", "", "up", window="5m"),
    ]
    assert configuration.warnings == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            kpi(group=""), "x.yml:3:5: kpis.k.group: expected a name, found nothing", id="no group"
        ),
        pytest.param(
            kpi(expr=""),
            "x.yml:3:5: kpis.k.expr: expected a PromQL expression, found nothing",
            id="no expression",
        ),
        pytest.param(
            kpi(expr="rate(x[$window])) + 1"),
            "x.yml:4:11: kpis.k.expr at 1:17: "
            'expected an operator or the end of the query, found ")"',
            id="a place behind $window is that in the file",
        ),
        pytest.param(
            kpi(expr="x[5m]"),
            "x.yml:4:11: kpis.k.expr: expected an instant vector or a scalar, found a range vector",
            id="a range for a value",
        ),
        pytest.param(
            kpi(unit="min"),
            'x.yml:5:11: kpis.k.unit: expected one of ms, s, %, /s, /h, bytes, ratio, found "min"',
            id="a unit",
        ),
        pytest.param(
            kpi(unit="ms", target="2000"),
            'x.yml:6:13: kpis.k.target: expected a limit like "<2000ms", found "2000"',
            id="a limit without side",
        ),
        pytest.param(
            kpi(unit="'%'", warning="'>80ms'"),
            'x.yml:6:14: kpis.k.warning: expected a limit like "<70%", found ">80ms"',
            id="a limit in another unit",
        ),
        pytest.param(
            kpi(unit="min", target="'<5s'"),
            'x.yml:5:11: kpis.k.unit: expected one of ms, s, %, /s, /h, bytes, ratio, found "min"',
            id="a limit is not wrong because the unit is",
        ),
        pytest.param(
            kpi(treshold="5"),
            "x.yml:5:5: kpis.k.treshold: expected one of aggregation, alert, condition, "
            "covered_by, critical, expr, for, group, metric, min_observations, no_data, "
            "observations, recovery, statistic, target, title, unit, warning, window, "
            'found the unknown key "treshold"',
            id="an unknown key",
        ),
        pytest.param(
            kpi(statistic="median"),
            "x.yml:5:16: kpis.k.statistic: expected one of mean, p50, p90, p95, p99, min, max, "
            'rate, share, current, found "median"',
            id="a statistic",
        ),
        pytest.param(
            kpi(aggregation="average"),
            "x.yml:5:18: kpis.k.aggregation: expected one of none, sum, avg, min, max, "
            'found "average"',
            id="an aggregation",
        ),
        pytest.param(
            kpi(no_data="ignore"),
            'x.yml:5:14: kpis.k.no_data: expected one of alert, keep, ok, found "ignore"',
            id="a policy",
        ),
        pytest.param(
            kpi(window="500ms"),
            'x.yml:5:13: kpis.k.window: expected a duration like "30s" or "1h30m" of at least 1s, '
            'found "500ms"',
            id="a window below a second",
        ),
        pytest.param(
            kpi(recovery="51%"),
            'x.yml:5:15: kpis.k.recovery: expected a share of the limit from "0%" to "50%", '
            'found "51%"',
            id="a recovery beyond half",
        ),
        pytest.param(
            kpi(recovery="0.1"),
            'x.yml:5:15: kpis.k.recovery: expected a share of the limit from "0%" to "50%", '
            'found "0.1"',
            id="a recovery without per cent",
        ),
        pytest.param(
            kpi(condition="1 > bool 0"),
            "x.yml:5:16: kpis.k.condition: expected an instant vector, found a scalar",
            id="a condition that never goes away",
        ),
        pytest.param(
            kpi(observations="x[$window]"),
            "x.yml:5:19: kpis.k.observations: expected an instant vector, found a range vector",
            id="observations that are no numbers",
        ),
        pytest.param(
            kpi(min_observations="5"),
            "x.yml:5:23: kpis.k.min_observations: expected `observations`, which counts them, "
            "found none",
            id="a minimum of what is not counted",
        ),
        pytest.param(
            kpi(covered_by="rate(x[5m])"),
            "x.yml:5:17: kpis.k.covered_by: expected a selector, such as a metric's name, "
            'found "rate(x[5m])"',
            id="covered by what is no selector",
        ),
        pytest.param(
            kpi(covered_by="x offset 1m"),
            "x.yml:5:17: kpis.k.covered_by: expected a selector, such as a metric's name, "
            'found "x offset 1m"',
            id="covered by what has an offset already",
        ),
        pytest.param(
            kpi(alert="Nobody"),
            "x.yml:5:12: kpis.k.alert: expected the name of an alert in a rule file, "
            'found "Nobody"',
            id="an alert that does not exist",
        ),
        pytest.param(
            kpi(**{"for": "{critical: soon}"}),
            'x.yml:5:21: kpis.k.for.critical: expected a duration like "30s" or "1h30m", '
            'found "soon"',
            id="a duration",
        ),
        pytest.param(
            kpi(metric="x_seconds", unit="'%'"),
            "x.yml:6:11: kpis.k.unit: expected a unit of x_seconds, which is in s (time), "
            "found % (share)",
            id="a unit of something else than the metric's",
        ),
        pytest.param(
            kpi(metric="x_per_second"),
            "x.yml:3:5: kpis.k.unit: expected a unit of x_per_second, which is in /s (rate), "
            "found a count",
            id="no unit where the metric has one",
        ),
        pytest.param(
            "kpis:\n  'a b': {group: g, expr: up}\n",
            'x.yml:2:10: kpis.a b: expected a name of letters, digits and _ . : -, found "a b"',
            id="a name",
        ),
        pytest.param(
            "kpis:\n  a.b: {group: g, expr: up}\n  aB: {group: g, expr: up}\n",
            "x.yml:3:7: kpis.aB: expected a name that differs from a.b by more than punctuation, "
            'found "aB"',
            id="two names that make one alert",
        ),
        pytest.param(
            "kpis: {k: up}", 'x.yml:1:11: kpis.k: expected a mapping, found "up"', id="no mapping"
        ),
    ],
)
def test_what_is_wrong_has_its_place(text: str, problem: str) -> None:
    """One mistake is one problem, with line, column and key."""
    assert find_problems(text) == [problem]


def test_a_limit_is_wrong_whatever_the_unit() -> None:
    """What no unit would make right is said beside a wrong unit."""
    assert find_problems(kpi(unit="min", target="five"))[1:] == [
        'x.yml:6:13: kpis.k.target: expected a limit like "<80", found "five"'
    ]


@pytest.mark.parametrize(
    ("limits", "problems"),
    [
        pytest.param({"target": "'<2'", "warning": "'>3'", "critical": "'>5'"}, [], id="as meant"),
        pytest.param({"target": "'>9'", "warning": "'<5'", "critical": "'<2'"}, [], id="or below"),
        pytest.param(
            {"target": "'<2'", "warning": "'>2'", "critical": "'>2'"}, [], id="or at once"
        ),
        pytest.param({"target": "'<2'", "critical": "'>2'"}, [], id="or without a warning"),
        pytest.param(
            {"target": "'<2'", "warning": "'<3'"},
            ['warning: expected >2 or further, beyond the target <2, found "<3"'],
            id="a warning on the target's side",
        ),
        pytest.param(
            {"target": "'<2000'", "warning": "'>1500'"},
            ['warning: expected >2000 or further, beyond the target <2000, found ">1500"'],
            id="a warning before the target",
        ),
        pytest.param(
            {"target": "'>10'", "warning": "'<12'"},
            ['warning: expected <10 or further, beyond the target >10, found "<12"'],
            id="a lower warning before the target",
        ),
        pytest.param(
            {"warning": "'>5'", "critical": "'>3'"},
            ['critical: expected >5 or further, beyond the warning >5, found ">3"'],
            id="critical before warning",
        ),
        pytest.param(
            {"warning": "'<5'", "critical": "'>3'"},
            ['critical: expected <5 or further, beyond the warning <5, found ">3"'],
            id="critical on the other side",
        ),
        pytest.param(
            {"target": "'<2'", "warning": "'<3'", "critical": "'>1'"},
            [
                'warning: expected >2 or further, beyond the target <2, found "<3"',
                'critical: expected <3 or further, beyond the warning <3, found ">1"',
            ],
            id="all at once",
        ),
    ],
)
def test_limits_that_contradict_each_other_are_refused(
    limits: dict[str, str], problems: list[str]
) -> None:
    """From the target outwards each limit lies beyond the one before it."""
    try:
        read_text(kpi(**limits))
    except BadInputError as error:
        found = [str(problem).partition("kpis.k.")[2] for problem in error.problems]
    else:
        found = []

    assert found == problems


def test_a_kpi_may_name_an_alert_of_a_rule_file(tmp_path: Path) -> None:
    """The name is looked for in all rule files."""
    (tmp_path / "rules.yml").write_text(
        "groups: [{name: g, rules: [{alert: High, expr: up == 0}]}]\n"
    )
    (tmp_path / "sakshi.yml").write_text(
        "rule_files: [rules.yml]\nkpis: {k: {group: g, expr: up, alert: High}}\n"
    )

    assert read_configuration(tmp_path / "sakshi.yml", {}).kpis[0].alert == "High"
