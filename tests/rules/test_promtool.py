"""Rules compared with Prometheus itself: promtool evaluates the same data and must agree."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.conftest import FakeClock
from tests.promql.notation import append_series, parse_series
from tests.rules.station import MINUTE_MS, Station, alerting, group, read_groups

from sakshi.model.duration import format_duration
from sakshi.rules import AlertingRule

EXAMPLES = Path(__file__).parents[2] / "examples"


def check(
    promtool: str,
    folder: Path,
    rule_files: Sequence[Path],
    test: dict[str, Any],
    order: Sequence[str] = (),
    interval: str = "1m",
) -> None:
    """Have promtool run one unit test, groups in this order, a sample at each interval."""
    document = {
        "group_eval_order": list(order),
        "rule_files": [str(path) for path in rule_files],
        "evaluation_interval": "1m",
        "tests": [{"interval": interval, **test}],
    }
    (folder / "test.yml").write_text(yaml.safe_dump(document))
    result = subprocess.run(
        [promtool, "test", "rules", "test.yml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[:4000] + result.stderr[:4000]


def expect(station: Station, query: str, minutes: int) -> list[dict[str, Any]]:
    """Return what promtool must find at each minute: what we find."""
    return [
        {
            "expr": query,
            "eval_time": f"{minute}m",
            "exp_samples": [
                {"labels": labels, "value": value}
                for labels, value in station.query(query, minute * MINUTE_MS).items()
            ],
        }
        for minute in range(minutes)
    ]


def write_rules(path: Path, rules: Sequence[AlertingRule]) -> None:
    entries = [
        {
            "alert": rule.alert,
            "expr": rule.query,
            "for": format_duration(rule.hold_ms),
            "keep_firing_for": format_duration(rule.keep_firing_ms),
            "labels": dict(rule.labels),
            "annotations": dict(rule.annotations),
        }
        for rule in rules
    ]
    path.write_text(yaml.safe_dump({"groups": [{"name": "group", "rules": entries}]}))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_alerts_are_in_the_states_that_prometheus_sees(
    promtool: str, tmp_path: Path, seed: int
) -> None:
    """On random conditions, ALERTS and ALERTS_FOR_STATE are Prometheus' at every minute."""
    minutes, jobs = 40, ["a", "b", "c"]
    choose = random.Random(seed)
    series = {
        f'wrong{{job="{job}"}}': [int(choose.random() < 0.7) for _ in range(minutes)]
        for job in jobs
    }
    rules = [
        alerting(
            f"For{hold}Keep{keep}",
            "wrong > 0",
            hold_ms=hold * MINUTE_MS,
            keep_firing_ms=keep * MINUTE_MS,
            labels={"severity": "critical", "of": "{{ $labels.job | toUpper }}"},
        )
        for hold in (0, 1, 2, 5)
        for keep in (0, 1, 3)
    ]
    clock = FakeClock(0)
    with Station(tmp_path / "alerts.db", clock) as station:
        evaluator = station.evaluator(group(*rules))
        for minute in range(minutes):
            station.expose({text: values[minute] for text, values in series.items()})
            evaluator.evaluate(clock.now_ms())
            clock.move(MINUTE_MS)
        expected = [
            *expect(station, "ALERTS", minutes),
            *expect(station, "ALERTS_FOR_STATE", minutes),
        ]

    write_rules(tmp_path / "rules.yml", rules)
    check(
        promtool,
        tmp_path,
        [tmp_path / "rules.yml"],
        {
            "input_series": [
                {"series": text, "values": " ".join(map(str, values))}
                for text, values in series.items()
            ],
            "promql_expr_test": expected,
        },
    )


EXPOSED = {
    'consciousness_response_time_seconds_bucket{endpoint="/chat",le="1"}': "0+6x20 120x20",
    'consciousness_response_time_seconds_bucket{endpoint="/chat",le="5"}': "0+10x20 200x20",
    'consciousness_response_time_seconds_bucket{endpoint="/chat",le="+Inf"}': "0+10x20 200x20",
    'consciousness_response_time_seconds_sum{endpoint="/chat"}': "0+17x20 340x20",
    'consciousness_response_time_seconds_count{endpoint="/chat"}': "0+10x20 200x20",
    'consciousness_pipeline_duration_seconds_sum{layer="total",user_id="ada"}': "0+12x40",
    'consciousness_pipeline_duration_seconds_count{layer="total",user_id="ada"}': "0+8x40",
    'consciousness_pipeline_duration_seconds_sum{layer="memory",user_id="ada"}': "0+90x40",
    'consciousness_pipeline_duration_seconds_count{layer="memory",user_id="ada"}': "0+8x40",
    'consciousness_pipeline_runs_total{outcome="success"}': "0+8x40",
    'consciousness_pipeline_runs_total{outcome="failure"}': "0+1x40",
    'ai_model_response_time_seconds_sum{model="m",provider="openai"}': "0+5x40",
    'ai_model_response_time_seconds_count{model="m",provider="openai"}': "0+10x40",
    'ai_model_response_time_seconds_sum{model="n",provider="gemini"}': "0x40",
    'ai_model_response_time_seconds_count{model="n",provider="gemini"}': "0x40",
    'ai_requests_total{model="m",outcome="success",provider="openai"}': "0+9x40",
    'ai_requests_total{model="m",outcome="failure",provider="openai"}': "0+3x40",
    'ai_requests_total{model="v",outcome="failure",provider="venice"}': "0+2x40",
    'ai_requests_total{model="n",outcome="success",provider="gemini"}': "0x40",
    'consciousness_messages_total{transport="http"}': "0+120x40",
    'consciousness_messages_total{transport="websocket"}': "0+60x40",
    "websocket_message_processing_seconds_sum": "0+3x40",
    "websocket_message_processing_seconds_count": "0+60x40",
    "crystal_formations_total": "0+1x40",
    "consciousness_evolution_events_total": "0+2x40",
    'database_connections{instance="chat:5000",state="active"}': "4x40",
    'database_connections{instance="chat:5000",state="idle"}': "6x40",
    'database_connection_attempts_total{outcome="failure"}': "0+1x40",
    'service_cpu_usage_ratio{instance="chat:5000"}': "0.42x40",
    'service_memory_usage_ratio{instance="chat:5000"}': "0.5x10 0.9x30",
}


def test_the_examples_yield_what_prometheus_computes(promtool: str, tmp_path: Path) -> None:
    """Every recorded series, and every alert of the strategy, is Prometheus' at every minute."""
    minutes = 31
    files = [EXAMPLES / "recording-rules.yml", EXAMPLES / "alert-rules.yml"]
    groups = [entry for path in files for entry in read_groups(path)]
    # Samples never lie on the edge of a range: Prometheus 2 counted its left edge, 3 does not.
    values = {text: f"_ {line}" for text, line in EXPOSED.items()}
    clock = FakeClock(0)
    with Station(tmp_path / "alerts.db", clock) as station:
        lines = [parse_series(f"{text} {line}") for text, line in values.items()]
        append_series(station.store, lines, 47_000)
        evaluators = [station.evaluator(entry) for entry in groups]
        for _ in range(minutes):
            for evaluator in evaluators:
                evaluator.evaluate(clock.now_ms())
            clock.move(MINUTE_MS)
        recorded = sorted({rule.name for entry in groups[:-2] for rule in entry.rules})
        queries = [f"round({name} * 1e6)" for name in recorded]  # the last digit may differ
        expected = [
            sample for query in [*queries, "ALERTS"] for sample in expect(station, query, minutes)
        ]
        last = {name: station.query(name, (minutes - 1) * MINUTE_MS) for name in recorded}
        states = station.query("ALERTS", (minutes - 1) * MINUTE_MS)

    assert {name for name, samples in last.items() if not samples} == {
        "consciousness_response_time_p95",
        "consciousness_response_time_p99",
        "consciousness_response_time_mean",
        "http_request_duration_seconds",
    }, "requests ceased after 20 minutes: all others have a value"
    assert (
        'ALERTS{alertname="DatabaseConnectionFailure", alertstate="firing", severity="critical"}'
        in states
    )
    check(
        promtool,
        tmp_path,
        files,
        {
            "input_series": [{"series": text, "values": line} for text, line in values.items()],
            "promql_expr_test": expected,
        },
        [entry.name for entry in groups],
        interval="47s",
    )
