"""The rules that KPIs become, judged by Prometheus' own promtool."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from tests.conftest import FakeClock
from tests.kpi.catalogue import make_kpi
from tests.promql.notation import append_series, iter_values, parse_labels
from tests.rules.station import Station

from sakshi.alerting import Inhibitor
from sakshi.config import read_configuration
from sakshi.kpi import (
    Aggregation,
    Holds,
    Kpi,
    NoDataPolicy,
    generate_groups,
    generate_inhibit_rules,
)
from sakshi.model.alert import Alert, AlertState
from sakshi.model.labels import Labels
from sakshi.rules import AlertingRule, find_rule_problems
from sakshi.rules.render import render_groups

EXAMPLES = Path(__file__).parents[2] / "examples"
HOLDS = Holds(critical=30_000, warning=60_000, target=90_000, no_data=40_000)
ABOVE = make_kpi(target="<2000", warning=">3000", critical=">5000", recovery=0.1, holds=HOLDS)
BELOW = make_kpi(unit="/s", target=">10", warning="<5", critical="<2", recovery=0.1, holds=HOLDS)
STEP = 10  # seconds
NEVER = 10**6
LAST = 200  # seconds: how long is looked at

Firing = dict[str, tuple[int, int]]
"""From when to when an alert fires, in seconds, both inclusive; by name and severity."""


def firing_at(expected: Firing, at: int) -> list[tuple[str, str]]:
    return sorted(
        (key.split()[0], key.split()[1])
        for key, (begin, end) in expected.items()
        if begin <= at <= end
    )


def check_in_prometheus(
    promtool: str, folder: Path, kpi: Kpi, series: dict[str, str], expected: Firing
) -> None:
    """Have promtool evaluate the rules on the series, and compare what fires at each step."""
    (folder / "rules.yml").write_text(
        render_groups(generate_groups([kpi], "sakshi.yml", 1000 * STEP))
    )
    tests = [
        {
            "expr": 'ALERTS{alertstate="firing"}',
            "eval_time": f"{at}s",
            "exp_samples": [
                {
                    "labels": (
                        f'ALERTS{{alertname="{name}", alertstate="firing", kpi="k", '
                        f'severity="{severity}"}}'
                    ),
                    "value": 1,
                }
                for name, severity in firing_at(expected, at)
            ],
        }
        for at in range(0, LAST + 1, STEP)
    ]
    document = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": f"{STEP}s",
        "group_eval_order": ["kpi_values", "kpi_alerts"],
        "tests": [
            {
                "interval": f"{STEP}s",
                "input_series": [
                    {"series": name, "values": values} for name, values in series.items()
                ],
                "promql_expr_test": tests,
            }
        ],
    }
    (folder / "test.yml").write_text(yaml.safe_dump(document))
    result = subprocess.run(
        [promtool, "test", "rules", "test.yml"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[:3000] + result.stderr[:3000]


def check_in_sakshi(folder: Path, kpi: Kpi, series: dict[str, str], expected: Firing) -> None:
    """Evaluate the rules on the same series here, and compare what fires at each step."""
    clock = FakeClock(0)
    with Station(folder / "alerts.db", clock) as station:
        lines = [(parse_labels(name), list(iter_values(values))) for name, values in series.items()]
        append_series(station.store, lines, 1000 * STEP)
        groups = generate_groups([kpi], "sakshi.yml", 1000 * STEP)
        evaluators = [station.evaluator(group) for group in groups]
        for at in range(0, LAST + 1, STEP):
            for evaluator in evaluators:
                evaluator.evaluate(1000 * at)
            found = sorted(
                (alert.name, alert.labels["severity"])
                for evaluator in evaluators
                for status in evaluator.status.rules
                for alert in status.alerts
                if alert.state is AlertState.FIRING
            )
            assert found == firing_at(expected, at), f"at {at} s"


CRITICAL, WARNING, INFO = "K critical", "K warning", "K info"
ALL = {CRITICAL: (30, NEVER), WARNING: (60, NEVER), INFO: (90, NEVER)}
FROM_WARNING = {WARNING: (60, NEVER), INFO: (90, NEVER)}
FROM_TARGET = {INFO: (90, NEVER)}


def constant(value: float) -> dict[str, str]:
    return {"m": f"{value}x40"}


@pytest.mark.parametrize(
    ("kpi", "series", "expected"),
    [
        pytest.param(ABOVE, constant(5000.1), ALL, id="above critical"),
        pytest.param(ABOVE, constant(5000), FROM_WARNING, id="at critical"),
        pytest.param(ABOVE, constant(3000.1), FROM_WARNING, id="above warning"),
        pytest.param(ABOVE, constant(3000), FROM_TARGET, id="at warning"),
        pytest.param(ABOVE, constant(2000), FROM_TARGET, id="at target"),
        pytest.param(ABOVE, constant(1999.9), {}, id="on target"),
        pytest.param(BELOW, constant(1.9), ALL, id="below critical"),
        pytest.param(BELOW, constant(2), FROM_WARNING, id="at the lower critical"),
        pytest.param(BELOW, constant(4.9), FROM_WARNING, id="below warning"),
        pytest.param(BELOW, constant(5), FROM_TARGET, id="at the lower warning"),
        pytest.param(BELOW, constant(10), FROM_TARGET, id="at the lower target"),
        pytest.param(BELOW, constant(10.1), {}, id="on the lower target"),
        pytest.param(
            ABOVE,
            {"m": "5001x6 4501x6 4500x20"},
            ALL | {CRITICAL: (30, 130)},
            id="held until behind the recovery",
        ),
        pytest.param(
            ABOVE,
            {"m": "5001x1 4501x1 5001x30"},
            {CRITICAL: (70, NEVER), WARNING: (60, NEVER), INFO: (90, NEVER)},
            id="what is pending is not held",
        ),
        pytest.param(
            BELOW,
            {"m": "1x8 2.1x4 2.2x20"},
            ALL | {CRITICAL: (30, 130)},
            id="held from below",
        ),
        pytest.param(
            replace(ABOVE, no_data=NoDataPolicy.KEEP),
            {"m": "5001x8 stale _x30"},
            {CRITICAL: (30, NEVER), WARNING: (60, NEVER)},
            id="keep: without a value it fires on",
        ),
        pytest.param(
            ABOVE,
            {"m": "5001x8 stale _x30"},
            {CRITICAL: (30, 80), WARNING: (60, 80)},
            id="ok: without a value nothing fires",
        ),
        pytest.param(
            replace(ABOVE, no_data=NoDataPolicy.ALERT),
            {"m": "1x8 stale _x30"},
            {"KNoData warning": (130, NEVER)},
            id="alert: without a value there is one, after its own for",
        ),
        pytest.param(
            replace(ABOVE, no_data=NoDataPolicy.ALERT, condition="load > 0"),
            {"m": "_x40", "load": "0x10 1x30"},
            {"KNoData warning": (150, NEVER)},
            id="alert: only while the condition is met",
        ),
        pytest.param(
            replace(ABOVE, condition="load > 0"),
            {"m": "5001x40", "load": "0x9 1x30"},
            {CRITICAL: (130, NEVER), WARNING: (160, NEVER), INFO: (190, NEVER)},
            id="a condition",
        ),
        pytest.param(
            replace(ABOVE, observations="n", min_observations=10),
            {"m": "5001x40", "n": "9x9 10x30"},
            {CRITICAL: (130, NEVER), WARNING: (160, NEVER), INFO: (190, NEVER)},
            id="enough observations",
        ),
        pytest.param(
            replace(ABOVE, covered_by="m", window="50s"),
            {"m": "5001x40"},
            {CRITICAL: (80, NEVER), WARNING: (110, NEVER), INFO: (140, NEVER)},
            id="a covered window",
        ),
        pytest.param(
            ABOVE,
            {'m{a="1"}': "5001x40", 'm{a="2"}': "5001x40"},
            {},
            id="two series where one is judged",
        ),
        pytest.param(
            replace(ABOVE, aggregation=Aggregation.MAX),
            {'m{a="1"}': "1x40", 'm{a="2"}': "3001x40"},
            FROM_WARNING,
            id="two series of which the larger is judged",
        ),
    ],
)
def test_alerts_fire_exactly_beyond_the_limits_after_exactly_their_for(
    promtool: str, tmp_path: Path, kpi: Kpi, series: dict[str, str], expected: Firing
) -> None:
    """Critical after 30 s, warning 60 s, target 90 s, no data 40 s; here as in Prometheus."""
    check_in_prometheus(promtool, tmp_path, kpi, series, expected)
    check_in_sakshi(tmp_path, kpi, series, expected)


def test_prometheus_accepts_the_rules_of_the_catalogue(promtool: str, tmp_path: Path) -> None:
    """`promtool check rules` finds nothing to complain about, and neither do we."""
    configuration = read_configuration(EXAMPLES / "sakshi.yml", {})
    groups = generate_groups(configuration.kpis, "sakshi.yml", 5000, configuration.rule_groups)
    path = tmp_path / "rules.yml"
    path.write_text(render_groups(groups))

    result = subprocess.run(
        [promtool, "check", "rules", "--lint-fatal", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert result.returncode == 0, result.stdout + result.stderr
    rules = [rule for group in groups for rule in group.rules]
    assert [problem for rule in rules for problem in find_rule_problems(rule)] == []


def test_each_limit_of_the_catalogue_has_one_alert() -> None:
    """Generated where none is named; the strategy's own three are not doubled."""
    configuration = read_configuration(EXAMPLES / "sakshi.yml", {})
    groups = generate_groups(configuration.kpis, "sakshi.yml", 5000, configuration.rule_groups)
    alerts = [rule for rule in groups[1].rules if isinstance(rule, AlertingRule)]
    found = [
        (rule.labels["kpi"], rule.labels["severity"])
        for rule in alerts
        if not rule.alert.endswith("NoData")
    ]

    severities = ("critical", "warning", "info")
    expected = [(kpi.name, severity) for kpi in configuration.kpis for severity in severities]
    named = ("overallResponseTime", "memoryUtilization", "consciousnessCoherence")
    covered = {(name, "warning") for name in named}
    assert found == [pair for pair in expected if pair not in covered]
    assert len(expected) == 66


def mutes(kpis: Sequence[Kpi], firing: list[dict[str, str]], labels: dict[str, str]) -> bool:
    alerts = [Alert("r", Labels(each), Labels(), AlertState.FIRING, 1.0, 0, 0) for each in firing]
    return Inhibitor(generate_inhibit_rules(kpis), lambda: alerts).mutes(Labels(labels))


def alert(severity: str, kpi: str = "k", name: str = "K") -> dict[str, str]:
    return {"alertname": name, "severity": severity} | ({"kpi": kpi} if kpi else {})


@pytest.mark.parametrize(
    ("firing", "labels", "is_muted"),
    [
        (alert("critical"), alert("warning"), True),
        (alert("critical"), alert("info"), True),
        (alert("warning"), alert("info"), True),
        (alert("warning"), alert("critical"), False),
        (alert("info"), alert("warning"), False),
        (alert("critical", "other"), alert("warning"), False),
        (alert("critical", ""), alert("warning", "", "Other"), False),
        (alert("critical"), alert("warning", "", "Named"), True),
        (alert("critical", "other"), alert("warning", "", "Named"), False),
        (alert("warning", "", "Named"), alert("info"), True),
        (alert("warning", "", "Named"), alert("critical"), False),
    ],
)
def test_the_graver_alert_mutes_the_lesser_one_of_the_same_kpi(
    firing: dict[str, str], labels: dict[str, str], is_muted: bool
) -> None:
    """Critical mutes warning and info, warning info; the alert that a KPI names takes part."""
    kpis = [make_kpi(alert="Named"), make_kpi("other")]

    assert mutes(kpis, [firing], labels) is is_muted


def test_no_kpis_are_no_rules() -> None:
    """A prometheus.yml without KPIs gets no groups of ours."""
    assert generate_groups([], "prometheus.yml", 1000) == []
    assert generate_inhibit_rules([]) == []
