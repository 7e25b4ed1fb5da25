from __future__ import annotations

from pathlib import Path

import pytest
from tests.config.reading import find_problems, read_text

from sakshi.config import read_configuration
from sakshi.kpi import Baseline, Better, Indicator, Origin

EXAMPLE = Path(__file__).parents[2] / "examples" / "sakshi.yml"
PROMISED = {
    "responseTimes.averageResponseTime": (1800, 1600),
    "responseTimes.p95ResponseTime": (3200, 2800),
    "responseTimes.p99ResponseTime": (5100, 4500),
    "throughput.averageRPS": (12, 15),
    "throughput.peakRPS": (25, 35),
    "resources.averageCPU": (45, 40),
    "resources.averageMemory": (60, 45),
    "resources.peakCPU": (75, 70),
    "resources.peakMemory": (80, 65),
    "consciousness.averageCoherence": (0.82, 0.88),
    "consciousness.averageProcessingTime": (1200, 1000),
    "consciousness.crystalFormationRate": (8, 12),
}
"""The strategy's performanceBaselines and performanceTargets."""

HEAD = """\
kpis: {k: {group: g, expr: up}}
indicators:
  g:
    i: {unit: ms, better: lower, expr: up}
    s: {unit: ratio, better: higher, expr: up}
"""


def test_every_key_is_read() -> None:
    """Indicators have their targets; numbers are in their unit, whatever their own."""
    configuration = read_text(
        """\
        kpis: {overall: {group: g, expr: up}}
        indicators:
          times:
            average:
              title: Average
              unit: ms
              better: lower
              kpi: overall
              expr: 1000 * sum(rate(x_sum[$over]))
              observations: increase(x_count[$over])
            bare: {better: higher, expr: 'max_over_time(up[$over:1m])'}
          other:
            share: {unit: ratio, better: higher, expr: up}
        baselines:
          pre-1.0:
            title: Before
            times: {average: 1.8s, bare: 7}
            other: {share: "85 %"}
          empty: {}
        targets:
          times: {average: 1600, bare: 1e1}
        """
    )

    assert configuration.indicators == (
        Indicator(
            "times.average",
            "times",
            "Average",
            "ms",
            Better.LOWER,
            "1000 * sum(rate(x_sum[$over]))",
            "increase(x_count[$over])",
            "overall",
            1600.0,
        ),
        Indicator(
            "times.bare",
            "times",
            "bare",
            "",
            Better.HIGHER,
            "max_over_time(up[$over:1m])",
            target=10.0,
        ),
        Indicator("other.share", "other", "share", "ratio", Better.HIGHER, "up"),
    )
    assert configuration.baselines == (
        Baseline(
            "pre-1.0",
            "Before",
            Origin.CONFIGURATION,
            values={"times.average": 1800.0, "times.bare": 7.0, "other.share": 0.85},
        ),
        Baseline("empty", "empty", Origin.CONFIGURATION),
    )
    assert configuration.warnings == []


def test_the_example_is_the_strategys() -> None:
    """Its 12 indicators in its order, with its baselines and its targets."""
    configuration = read_configuration(EXAMPLE, {})

    targets = {indicator.name: indicator.target for indicator in configuration.indicators}
    [baseline] = configuration.baselines
    assert list(targets) == list(PROMISED)
    assert {name: (baseline.values[name], targets[name]) for name in targets} == PROMISED
    assert baseline.name == "preEnhancement"
    assert not [warning for warning in configuration.warnings if "targets" in warning]


def indicator(**keys: str) -> str:
    """Return a sakshi.yml with one indicator, a key a line from line 5 on."""
    values = {"unit": "ms", "better": "lower", "expr": "up", **keys}
    lines = [f"      {key}: {value}\n" for key, value in values.items() if value]
    return "kpis: {k: {group: g, expr: up}}\nindicators:\n  g:\n    i:\n" + "".join(lines)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            indicator(unit="parsecs"),
            "x.yml:5:13: indicators.g.i.unit: "
            'expected one of ms, s, %, /s, /h, bytes, ratio, found "parsecs"',
            id="an unknown unit",
        ),
        pytest.param(
            indicator(better="bigger"),
            'x.yml:6:15: indicators.g.i.better: expected one of lower, higher, found "bigger"',
            id="a direction",
        ),
        pytest.param(
            indicator(better=""),
            "x.yml:5:7: indicators.g.i.better: expected one of lower, higher, found nothing",
            id="no direction",
        ),
        pytest.param(
            indicator(expr=""),
            "x.yml:5:7: indicators.g.i.expr: expected a PromQL expression, found nothing",
            id="no expression",
        ),
        pytest.param(
            indicator(expr="rate(x[$over])) + 1"),
            "x.yml:7:13: indicators.g.i.expr at 1:15: "
            'expected an operator or the end of the query, found ")"',
            id="a place behind $over is that in the file",
        ),
        pytest.param(
            indicator(expr="up[$over]"),
            "x.yml:7:13: indicators.g.i.expr: "
            "expected an instant vector or a scalar, found a range vector",
            id="a range",
        ),
        pytest.param(
            indicator(observations="1"),
            "x.yml:8:21: indicators.g.i.observations: expected an instant vector, found a scalar",
            id="observations of no series",
        ),
        pytest.param(
            indicator(kpi="overall"),
            'x.yml:8:12: indicators.g.i.kpi: expected the name of a KPI, found "overall"',
            id="an unknown KPI",
        ),
        pytest.param(
            indicator(titel="x"),
            'x.yml:8:7: indicators.g.i.titel: expected the key "title", '
            'found the unknown key "titel"',
            id="an unknown key",
        ),
        pytest.param(
            "indicators: {g: {a.b: {better: lower, expr: up}}}\n",
            "x.yml:1:23: indicators.g.a.b: "
            'expected a name of letters, digits, _ and -, found "a.b"',
            id="a name with a dot",
        ),
        pytest.param(
            "indicators: {title: {a: {better: lower, expr: up}}}\n",
            "x.yml:1:21: indicators.title: "
            'expected a name of letters, digits, _ and -, not "title", found "title"',
            id="a group that a baseline has no place for",
        ),
        pytest.param(
            "indicators: [a]\nbaselines: {b: {g: {i: 1}}}\n",
            "x.yml:1:13: indicators: expected a mapping, found a list",
            id="a list, and nothing that follows from it",
        ),
        pytest.param(
            f"{HEAD}baselines: {{b: {{g: {{j: 1}}}}}}\n",
            'x.yml:6:21: baselines.b.g.j: expected one of i, s, found the unknown key "j"',
            id="a baseline of an unknown indicator",
        ),
        pytest.param(
            f"{HEAD}baselines: {{b: {{h: {{i: 1}}}}}}\n",
            'x.yml:6:17: baselines.b.h: expected one of g, title, found the unknown key "h"',
            id="a baseline of an unknown group",
        ),
        pytest.param(
            f"{HEAD}baselines: {{../b: {{g: {{i: 1}}}}}}\n",
            "x.yml:6:19: baselines.../b: expected a name of up to 64 letters, digits and . _ -, "
            'a letter or digit first, found "../b"',
            id="a baseline's name",
        ),
        pytest.param(
            f"{HEAD}targets: {{g: {{averge: 1}}}}\n",
            'x.yml:6:15: targets.g.averge: expected one of i, s, found the unknown key "averge"',
            id="a target of an unknown indicator",
        ),
        pytest.param(
            f"{HEAD}targets: {{h: {{i: 1}}}}\n",
            'x.yml:6:11: targets.h: expected one of g, found the unknown key "h"',
            id="a target of an unknown group",
        ),
        *(
            pytest.param(
                f"{HEAD}baselines: {{b: {{g: {{i: {value}}}}}}}\n",
                f"x.yml:6:24: baselines.b.g.i: expected a finite number in ms, found {found}",
                id=f"the number {value}",
            )
            for value, found in (
                ("fast", '"fast"'),
                (".inf", '".inf"'),
                (".nan", '".nan"'),
                ("1e999", '"1e999"'),
                ("1e305h", '"1e305h"'),
                ("0x10", '"0x10"'),
                ("1_000", '"1_000"'),
                ("'<1600'", '"<1600"'),
                ("5 apples", '"5 apples"'),
                ("[1]", "a list"),
                ("5%", '"5%" (% (share) cannot be turned into ms (time))'),
            )
        ),
    ],
)
def test_what_is_wrong_is_named_at_its_place(text: str, problem: str) -> None:
    """Once."""
    assert find_problems(text) == [problem]


def test_all_is_said_at_once() -> None:
    """A number in a unit that is wrong itself is not said again."""
    assert find_problems(
        """\
        indicators: {g: {i: {unit: parsecs, better: lower, expr: up}}}
        baselines: {b: {g: {i: 1.8s}}}
        targets: {g: {i: x}}
        """
    ) == [
        "x.yml:1:28: indicators.g.i.unit: "
        'expected one of ms, s, %, /s, /h, bytes, ratio, found "parsecs"',
        'x.yml:3:18: targets.g.i: expected a finite number, found "x"',
    ]


def test_a_target_worse_than_a_baseline_is_warned_of() -> None:
    """On both sides; one that is equal promises nothing, and is no mistake."""
    configuration = read_text(
        f"""\
{HEAD}baselines:
  b: {{g: {{i: 1500, s: 0.9}}}}
  c: {{g: {{i: 1600, s: 0.8}}}}
targets: {{g: {{i: 1.6s, s: 0.8}}}}
"""
    )

    assert configuration.warnings == [
        "x.yml:9:18: targets.g.i: worse than the baseline b, which has 1500ms",
        "x.yml:9:27: targets.g.s: worse than the baseline b, which has 0.9",
    ]
    assert [indicator.target for indicator in configuration.indicators] == [1600.0, 0.8]
