"""What it costs to judge KPIs: 200 of them each second, on 10,000 series.

In one process, without a network: each pass evaluates the rules that the KPIs become (values, and
alerts on three limits) on a store that holds six minutes of samples, and judges every KPI. A KPI is
a mean over a histogram's sum and count, 25 series of each, with ten observations or more.

    python -m benchmarks.judgement [--kpis 200] [--passes 30]

Prints JSON. Target: judged (values and verdicts) below 10 % of a core at one pass a second.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.report import add_out, format_table, write_report
from sakshi.kpi import Judge, Kpi, Witness, generate_groups, parse_limit
from sakshi.ledger import SqliteLedger
from sakshi.model.clock import SystemClock
from sakshi.model.labels import Labels
from sakshi.promql import LocalEngine, LocalPassEngine
from sakshi.rules.expansion import External
from sakshi.rules.group import GroupEvaluator
from sakshi.rules.metrics import RuleMetrics
from sakshi.storage import MemoryStore, TargetAppender

TARGETS: Final = 10
WINDOW_SECONDS: Final = 300
SERIES: Final = 10_000


class Service:
    """What the KPIs are about: histograms' sums and counts, a row of them a second."""

    def __init__(self, store: MemoryStore, kpis: int) -> None:
        share = SERIES // 2 // kpis
        self.targets: list[tuple[TargetAppender, np.ndarray]] = []
        series = [
            Labels({"__name__": name, "kpi_id": str(kpi), "endpoint": f"/{endpoint}"})
            for kpi in range(kpis)
            for endpoint in range(share)
            for name in ("x_seconds_sum", "x_seconds_count")
        ]
        size = -(-len(series) // TARGETS)
        for number in range(TARGETS):
            target = store.target(Labels({"instance": str(number)}))
            part = series[number * size : (number + 1) * size]
            self.targets.append((target, target.columns(part)))
        self.up = store.target(Labels({"instance": "up"}))
        self.up_column = self.up.columns([Labels({"__name__": "up", "job": "x"})])

    def expose(self, at_ms: int, second: int) -> None:
        """Append one row to each target."""
        for target, columns in self.targets:
            target.append(at_ms, columns, np.full(len(columns), float(second)))
        self.up.append(at_ms, self.up_column, np.ones(1))


def make_kpi(number: int) -> Kpi:
    """Return a KPI over 25 series of a sum and a count, with all that a KPI may have."""
    sums, counts = (f'x_seconds_{part}{{kpi_id="{number}"}}' for part in ("sum", "count"))
    return Kpi(
        f"kpi{number}", "group", f"KPI {number}", "x_seconds",
        f"1000 * sum(rate({sums}[$window])) / sum(rate({counts}[$window]))",
        unit="ms",
        target=parse_limit("<2000ms", "ms"),
        warning=parse_limit(">3000ms", "ms"),
        critical=parse_limit(">5000ms", "ms"),
        observations=f"increase({counts}[$window])",
        min_observations=10,
    ).with_window(f"{WINDOW_SECONDS}s")  # fmt: skip


def measure(kpi_count: int, passes: int, folder: Path) -> dict[str, float]:
    """Return the CPU milliseconds of a pass: of the rules, of the judge, and together."""
    clock = SystemClock()
    store = MemoryStore()
    engine = LocalEngine(store, clock)
    shared = LocalPassEngine(engine)
    ledger = SqliteLedger(folder / "alerts.db", lambda _: (), clock)
    service = Service(store, kpi_count)
    kpis = [make_kpi(number) for number in range(kpi_count)]
    values_group, alerts_group = [
        GroupEvaluator(group, shared, store, ledger, clock, External({}, ""), RuleMetrics(None), {})
        for group in generate_groups(kpis, "sakshi.yml", 1000)
    ]
    judge = Judge(kpis, Witness(engine, store, kpis, {}, 10_000), engine, store, "sakshi.yml")
    start_ms = clock.now_ms() - (WINDOW_SECONDS + 60 + passes) * 1000
    for second in range(WINDOW_SECONDS + 60):
        service.expose(start_ms + second * 1000, second)
    spent: tuple[list[float], ...] = ([], [], [])
    for number in range(passes):
        second = WINDOW_SECONDS + 60 + number
        at_ms = start_ms + second * 1000
        service.expose(at_ms, second)
        moments = [time.thread_time()]
        for work in (values_group.evaluate, alerts_group.evaluate, judge.judge):
            work(at_ms)
            if work == alerts_group.evaluate:
                shared.end_pass()
            moments.append(time.thread_time())
        for kept, (begin, end) in zip(spent, pairwise(moments), strict=True):
            kept.append((end - begin) * 1000)
    ledger.close()
    assert all(judgement.value == 1000.0 for judgement in judge.judgements), "all are judged"
    warm = slice(passes // 3, None)  # the first passes plan the queries
    values_ms, alerts_ms, judge_ms = (statistics.median(kept[warm]) for kept in spent)
    return {
        "values_ms": values_ms,
        "judge_ms": judge_ms,
        "judged_percent_of_core": (values_ms + judge_ms) / 10,
        "alerts_ms": alerts_ms,
        "percent_of_core": (values_ms + judge_ms + alerts_ms) / 10,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kpis", type=int, default=200)
    parser.add_argument("--passes", type=int, default=30)
    add_out(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(options.kpis, options.passes, Path(folder))
    rows = [[name, f"{value:.4g}"] for name, value in figures.items()]
    print(format_table(["figure", "value"], rows), file=sys.stderr)
    settings = {"kpis": options.kpis, "passes": options.passes}
    write_report(options.out, "judgement", settings, figures=figures)


if __name__ == "__main__":
    main()
