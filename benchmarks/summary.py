"""The figures that have a target, of all benchmarks that ran, beside their peers.

python -m benchmarks.summary
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.engine.table import flatten, format_ratio
from benchmarks.report import ROOT, Figures, format_table

Read = Callable[[Figures], float | None]


@dataclass(frozen=True)
class Row:
    """A figure of a report, its peer's, and what must hold.

    Args:
        benchmark: whose report it is read from.
        what: it is, with its unit.
        sakshi: reads the figure; None: it was not measured.
        peer: reads the peer's.
        peer_name: whose that is; empty: there is none.
        target: the figure must stay below it; None: no target.
        ratio_target: the ratio to the peer must stay below it, or at it; None: no target.
    """

    benchmark: str
    what: str
    sakshi: Read
    peer: Read = lambda _: None
    peer_name: str = ""
    target: float | None = None
    ratio_target: float | None = None


def figure(path: str) -> Read:
    """Return a reader of one number of a report, by the dotted path of its names."""
    return lambda report: flatten(report).get(path)


def engine_figure(subject: str, path: str) -> Read:
    """Return a reader of the median of one number over an engine's runs."""

    def read(report: Figures) -> float | None:
        runs = [flatten(run) for run in report["runs"] if run["subject"] == subject]
        values = [run[path] for run in runs if path in run]
        return statistics.median(values) if values else None

    return read


def engine_row(
    what: str,
    path: str,
    target: float | None = None,
    *,
    ratio: float | None = None,
    run: str = "engine",
    peer: str = "prometheus",
) -> Row:
    """Return a row of a run of the engine benchmark, with a peer beside."""
    sakshi, other = engine_figure("sakshi", path), engine_figure(peer, path)
    return Row(run, what, sakshi, other, peer, target, ratio)


def ready_row(folder: str, path: str, unit: str, target: float | None = None) -> Row:
    """Return a row of the start benchmark, with Prometheus beside."""
    prefix = f"figures.ready.{folder}_folder"
    return Row(
        "start",
        f"`sakshi serve` ready, {folder} folder ({unit})",
        figure(f"{prefix}.sakshi.{path}"),
        figure(f"{prefix}.prometheus.{path}"),
        "prometheus",
        target,
    )


def latency_row(client: str, state: str, target: float | None = None) -> Row:
    """Return a row of the alert latency benchmark."""
    path = f"figures.{state}.{client}_after_commit_s.p95"
    return Row(
        "alert_latency", f"commit to {client}, {state}, p95 (s)", figure(path), target=target
    )


ROWS: Final = (
    engine_row("10,000 series at 1 s (% of a core)", "ingest.cpu_percent_of_core", 25.0),
    engine_row("CPU per ingested sample (us)", "ingest.cpu_us_per_sample", ratio=0.55),
    engine_row(
        "- 50,000 series, 50 targets", "ingest.cpu_us_per_sample", ratio=0.6, run="engine_large"
    ),
    engine_row(
        "- 10,000 series, 50 targets", "ingest.cpu_us_per_sample", ratio=0.5, run="engine_small"
    ),
    engine_row("peak memory (MiB)", "ingest.memory_peak_mib", 110.0),
    engine_row("- 50,000 series (MiB)", "ingest.memory_peak_mib", 250.0, run="engine_large"),
    engine_row("scrapes lost", "ingest.scrapes_lost"),
    engine_row("bytes per sample, running", "size.live_bytes_per_sample", ratio=0.45),
    engine_row("bytes per sample, at rest", "size.compact_bytes_per_sample", ratio=0.3),
    engine_row("16 dashboard queries, geometric mean (ms)", "query.geomean_ms", ratio=0.3),
    engine_row("- beside VictoriaMetrics (ms)", "query.geomean_ms", peer="victoria-metrics"),
    engine_row("- cold: the first after a restart (ms)", "cold.geomean_ms", ratio=0.8),
    engine_row("- p95 by endpoint over all buckets (ms)", "query.each.p95.ms", ratio=0.1),
    engine_row("-- cold (ms)", "cold.each_ms.p95", ratio=0.6),
    engine_row("- count by name over all series (ms)", "query.each.count_by_name.ms", ratio=0.1),
    engine_row("400 rules a second, CPU a rule (us)", "rules.cpu_us_per_rule", ratio=0.5),
    engine_row("first answer after a clean stop (s)", "start.clean_s", 0.4),
    engine_row("first answer after kill -9 (s)", "start.after_kill_s", 0.8),
    engine_row("scrapes lost by kill -9, older than 0.2 s", "crash.lost_scrapes_older_than_0.2s"),
    engine_row("fault to webhook, median (s)", "detect.median_s", 0.55),
    engine_row("fault to webhook, p95 (s)", "detect.p95_s", 1.0),
    latency_row("page", "firing", 1.0),
    latency_row("page", "resolved", 1.0),
    latency_row("webhook", "firing"),
    ready_row("empty", "ready_s.median", "s", 1.0),
    ready_row("filled", "ready_s.median", "s", 1.0),
    ready_row("filled", "ready_cpu_s", "CPU s"),
    Row(
        "start",
        "import sakshi.instrument (ms)",
        figure("figures.imports.sakshi.instrument_ms.median"),
        figure("figures.imports.prometheus_client_ms.median"),
        "prometheus_client",
    ),
    Row(
        "start",
        "- more than prometheus_client (ms)",
        figure("figures.imports.added_ms.median"),
        target=60.0,
    ),
    Row(
        "judgement",
        "200 KPIs judged each second (% of a core)",
        figure("figures.judged_percent_of_core"),
        target=10.0,
    ),
    Row(
        "judgement",
        "- and their 600 alerts (% of a core)",
        figure("figures.percent_of_core"),
    ),
    Row("middleware", "middleware, added to a request (us)", figure("added_us"), target=10.0),
)


def format_summary(reports: Mapping[str, Figures]) -> str:
    """Return the table of the rows whose benchmark has a report."""
    lines = []
    for row in ROWS:
        if row.benchmark not in reports:
            continue
        report = reports[row.benchmark]
        value, peer = row.sakshi(report), row.peer(report)
        lines.append(
            [
                row.what,
                format_figure(value),
                f"{format_figure(peer)} {row.peer_name}".strip(),
                format_ratio(value, peer),
                format_target(row),
                judge(value, row.target) or judge(divide(value, peer), row.ratio_target),
            ]
        )
    return format_table(["measure", "sakshi", "peer", "ratio", "target", ""], lines)


def format_target(row: Row) -> str:
    """Return what a row must stay below; a dash where that is nothing."""
    if row.ratio_target is not None:
        return f"< {row.ratio_target:g} x"
    return "-" if row.target is None else f"< {row.target:g}"


def divide(value: float | None, peer: float | None) -> float | None:
    """Return the ratio of two figures; None where there is none."""
    return value / peer if value is not None and peer else None


def format_figure(value: float | None) -> str:
    """Return a number with four digits; a dash for None."""
    return "-" if value is None else f"{value:.4g}"


def judge(value: float | None, target: float | None) -> str:
    """Return whether a target is reached, in a word; empty where there is none.

    Example:
        >>> judge(0.5, 1.0), judge(1.5, 1.0), judge(0.5, None)
        ('reached', 'MISSED', '')
    """
    if value is None or target is None:
        return ""
    return "reached" if value < target else "MISSED"


def format_conditions(reports: Mapping[str, Figures]) -> str:
    """Return one line for each report: when, of what commit, under which load."""
    return "\n".join(
        f"{name}: commit {report.get('commit', '')[:12] or 'unknown'}"
        f"{' (modified)' if report.get('is_modified') else ''},"
        f" Python {report.get('python', '')}, {report.get('cores', '')} cores,"
        f" load {report.get('load_average', ['?'])[0]}"
        for name, report in reports.items()
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table of the results folder."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.summary", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args(argv)
    reports = {
        path.stem: json.loads(path.read_text()) for path in sorted(options.results.glob("*.json"))
    }
    print(format_summary(reports))
    print(format_conditions(reports))


if __name__ == "__main__":
    main()
