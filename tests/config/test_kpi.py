from __future__ import annotations

import pytest
from tests.config.reading import find_problems, read_text

from sakshi.kpi import Kpi, Limit, LimitOperator


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
            expr="1000 * rate(x_sum[$window]) / rate(x_count[$window])",
            unit="ms",
            target=Limit(LimitOperator.BELOW, 2000.0, "ms"),
            warning=Limit(LimitOperator.ABOVE, 3000.0, "ms"),
            critical=Limit(LimitOperator.ABOVE, 5000.0, "ms"),
        ),
        Kpi("bare", "g", "bare", "", "up"),
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
            "x.yml:5:5: kpis.k.treshold: expected one of critical, expr, group, metric, target, "
            'title, unit, warning, found the unknown key "treshold"',
            id="an unknown key",
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
    ("limits", "warnings"),
    [
        pytest.param({"target": "'<2'", "warning": "'>3'", "critical": "'>5'"}, [], id="as meant"),
        pytest.param({"target": "'>9'", "warning": "'<5'", "critical": "'<2'"}, [], id="or below"),
        pytest.param(
            {"target": "'<2'", "warning": "'<3'"},
            ["x.yml:6:14: kpis.k.warning: <3 lies on the same side as the target <2"],
            id="what is on target is a warning",
        ),
        pytest.param(
            {"warning": "'>5'", "critical": "'>3'"},
            ["x.yml:6:15: kpis.k.critical: >3 comes before the warning >5, which is never shown"],
            id="critical before warning",
        ),
        pytest.param(
            {"warning": "'<5'", "critical": "'<5'"},
            ["x.yml:6:15: kpis.k.critical: <5 comes before the warning <5, which is never shown"],
            id="critical with warning",
        ),
    ],
)
def test_limits_that_contradict_each_other_are_warned_of(
    limits: dict[str, str], warnings: list[str]
) -> None:
    """They stop nothing, but nobody means them."""
    assert read_text(kpi(**limits)).warnings == warnings
