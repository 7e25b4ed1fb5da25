"""Phase rules: CPU of 400 rules a second, against the same subject without them."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.engine.feed import Feed
from benchmarks.engine.ingest import MIB
from benchmarks.engine.kind import Watch
from benchmarks.engine.settings import Settings
from benchmarks.engine.stored import HISTOGRAM
from benchmarks.engine.subject import Subject
from benchmarks.process import PeakMemory
from benchmarks.report import Figures

RULES_EACH = 200  # of recording and of alerting rules
GROUP_RULES = 20
SETTLE_SECONDS = 15.0  # until the rules' windows hold samples
ENDPOINTS = ("/v1/chat/completions", "/v1/chat/stream", "/v1/embeddings", "/v1/models")
RECORDING = (
    'sum by (endpoint) (rate({h}_count{{instance="{i}"}}[30s]))',
    "histogram_quantile(0.95, sum by (le) "
    '(rate({h}_bucket{{instance="{i}",endpoint="{e}"}}[30s])))',
    'sum by (status) (rate({h}_count{{instance="{i}"}}[1m]))',
    'avg by (gpu) (gpu_utilization_percent{{instance="{i}"}})',
    'sum(max_over_time(worker_resident_memory_bytes{{instance="{i}"}}[30s]))',
)
ALERTING = (
    'sum(rate({h}_count{{instance="{i}",endpoint="{e}",status=~"5.."}}[30s])) / '
    'sum(rate({h}_count{{instance="{i}",endpoint="{e}"}}[30s])) > 0.9',
    "histogram_quantile(0.99, sum by (le) "
    '(rate({h}_bucket{{instance="{i}",endpoint="{e}"}}[30s]))) > 60',
    'max(gpu_utilization_percent{{instance="{i}"}}) > 101',
    'absent(bench_tick{{instance="{i}"}})',
    'sum(increase(model_errors_total{{instance="{i}"}}[1m])) > 1e6',
)
"""None of them fires: what is measured is the evaluation."""


def measure_rules(subject: Subject, feed: Feed, settings: Settings) -> Figures:
    """Return the CPU with and without rules, and for each rule."""
    rules = subject.work / "rules.yml"
    rules.write_text(rule_file(settings.targets))
    subject.start(Watch(feed.ports))
    without = _measure_cores(subject, settings.rules_seconds)
    subject.stop()
    subject.start(Watch(feed.ports, rules=rules))
    peak = PeakMemory(subject.memory_bytes)
    cores = _measure_cores(subject, settings.rules_seconds)
    memory = peak.stop()
    points = subject.api.value("avg(count_over_time(bench:rule:0[10s]))")
    names = subject.api.value("count(count by (__name__) ({__name__=~'bench:rule:.*'}))")
    subject.stop()
    return {
        "cpu_percent_without": round(without * 100, 1),
        "cpu_percent_with": round(cores * 100, 1),
        "cpu_us_per_rule": round((cores - without) / (2 * RULES_EACH) * 1e6, 1),
        "memory_peak_mib": round(memory / MIB, 1),
        "recording_rules_with_output": int(names),
        "recorded_points_per_series_in_10s": round(points, 2),
    }


def _measure_cores(subject: Subject, seconds: float) -> float:
    """Return how many cores the subject used, after it has settled."""
    time.sleep(SETTLE_SECONDS)
    cpu, started = subject.cpu_seconds(), time.perf_counter()
    time.sleep(seconds)
    return (subject.cpu_seconds() - cpu) / (time.perf_counter() - started)


def rule_file(targets: int) -> str:
    """Return 200 recording and 200 alerting rules in groups of 20, evaluated every second."""
    lines = ["groups:"]
    for kind, templates in (("record", RECORDING), ("alert", ALERTING)):
        for number in range(RULES_EACH):
            if number % GROUP_RULES == 0:
                lines += [f"- name: {kind}_{number // GROUP_RULES}", "  interval: 1s", "  rules:"]
            expr = templates[number % len(templates)].format(
                h=HISTOGRAM,
                i=f"t{number // len(templates) % targets:02d}",
                e=ENDPOINTS[number // 7 % len(ENDPOINTS)],
            )
            name = f"bench:rule:{number}" if kind == "record" else f"BenchAlert{number}"
            lines += [f"  - {kind}: {name}", f"    expr: '{expr}'"]
            if kind == "alert":
                lines += ["    for: 10s", "    labels: {severity: page}"]
    return "\n".join(lines) + "\n"


def write_fault_rule(folder: Path) -> Path:
    """Write a rule that fires for each slot whose fault gauge is 1; return its file."""
    path = folder / "fault.yml"
    path.write_text(
        "groups:\n- name: fault\n  interval: 1s\n  rules:\n"
        "  - {alert: Fault, expr: 'bench_fault == 1'}\n"
    )
    return path
