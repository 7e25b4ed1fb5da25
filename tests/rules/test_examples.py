"""The rule files that ship: the strategy's alerts as they stand in it, and what they read."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from tests.rules.station import MINUTE_MS, read_groups

from sakshi.promql.ast import VectorSelector, iter_nodes
from sakshi.rules import AlertingRule, RecordingRule, find_rule_problems

EXAMPLES = Path(__file__).parents[2] / "examples"
CRITICAL, WARNING = "consciousness_critical_alerts", "consciousness_warning_alerts"
STRATEGY = [
    (CRITICAL, "ConsciousnessProcessingFailure", "consciousness_pipeline_success_rate < 0.95", 2,
     "critical", "Consciousness processing failure rate too high",
     "Consciousness pipeline success rate is {{ $value }}"),
    (CRITICAL, "DatabaseConnectionFailure", "database_connection_success_rate < 0.99", 1,
     "critical", "Database connection issues detected",
     "Database connection success rate is {{ $value }}"),
    (CRITICAL, "AIIntegrationFailure", "ai_response_success_rate < 0.90", 3,
     "critical", "AI integration failure rate too high",
     "AI response success rate is {{ $value }}"),
    (WARNING, "HighResponseTime", "consciousness_response_time_p95 > 3000", 5,
     "warning", "High response times detected",
     "95th percentile response time is {{ $value }}ms"),
    (WARNING, "MemoryUsageHigh", "memory_usage_percent > 85", 5,
     "warning", "High memory usage detected", "Memory usage is {{ $value }}%"),
    (WARNING, "ConsciousnessCoherenceLow", "consciousness_coherence_score < 0.7", 10,
     "warning", "Low consciousness coherence detected",
     "Consciousness coherence score is {{ $value }}"),
]  # fmt: skip


def test_the_alert_rules_are_the_strategys() -> None:
    """Six rules in two groups, in its order, with its words."""
    found = [
        (
            entry.name,
            rule.alert,
            rule.query,
            rule.hold_ms // MINUTE_MS,
            rule.labels["severity"],
            rule.annotations["summary"],
            rule.annotations["description"],
        )
        for entry in read_groups(EXAMPLES / "alert-rules.yml")
        for rule in entry.rules
        if isinstance(rule, AlertingRule)
    ]

    assert found == STRATEGY


def test_every_alert_reads_what_a_rule_records_or_the_service_exposes() -> None:
    """No alert waits for a series that nothing writes."""
    recorded = {
        rule.record
        for entry in read_groups(EXAMPLES / "recording-rules.yml")
        for rule in entry.rules
        if isinstance(rule, RecordingRule)
    }
    read = {
        matcher.value
        for entry in read_groups(EXAMPLES / "alert-rules.yml")
        for rule in entry.rules
        for node in iter_nodes(rule.expr)
        if isinstance(node, VectorSelector)
        for matcher in node.matchers
        if matcher.name == "__name__"
    }

    assert read - recorded == {"consciousness_coherence_score"}  # a gauge of the service's own


def test_there_are_two_windows() -> None:
    """The demo shortens all windows by replacing the texts `[5m]` and `[1h]`."""
    text = (EXAMPLES / "recording-rules.yml").read_text()

    assert set(re.findall(r"\[[^\]]+\]", re.sub(r"#.*", "", text))) == {"[5m]", "[1h]"}


@pytest.mark.parametrize("name", ["alert-rules.yml", "recording-rules.yml"])
def test_prometheus_accepts_the_examples(promtool: str, name: str) -> None:
    """`promtool check rules` finds nothing to complain about, and neither do we."""
    path = EXAMPLES / name

    result = subprocess.run(
        [promtool, "check", "rules", "--lint-fatal", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout + result.stderr
    for entry in read_groups(path):
        for rule in entry.rules:
            assert find_rule_problems(rule) == []
