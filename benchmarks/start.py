"""How long a start takes: `sakshi serve` until it is ready, and what an import costs.

Ready is from exec to the first good answer at /-/ready, on an empty folder and on one that was
filled by scraping; Prometheus does the same beside it. The subjects alternate. CPU time stands
beside: on a busy machine it says more than the clock.

An import is timed inside a fresh interpreter. `sakshi.instrument` is what an application imports;
its peer is `prometheus_client` alone. Of `sakshi serve` the costliest modules are listed. Compiled
files are as pip leaves them: there.

    python -m benchmarks.start [--starts 7] [--imports 15]

What must hold: ready < 1 s, `sakshi.instrument` < 60 ms more than `prometheus_client`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.engine.feed import Feed
from benchmarks.engine.kind import Watch
from benchmarks.engine.settings import Settings
from benchmarks.engine.subject import Subject
from benchmarks.process import installed_environment
from benchmarks.report import Figures, add_out, format_table, summarise, write_report

SUBJECTS = ("sakshi", "prometheus")
SERIES, TARGETS = 10_000, 10
SDK, SDK_PEER = "sakshi.instrument", "prometheus_client"
SERVE = "import sakshi.cli.serve, uvloop, sakshi.app, sakshi.config"
"""What `sakshi serve` imports before it reads its configuration."""

TIMED = """
import time
started = time.perf_counter(), time.process_time()
import {module}
print(time.perf_counter() - started[0], time.process_time() - started[1])
"""


class Cost(NamedTuple):
    """What one import took."""

    wall_ms: float
    cpu_ms: float


class ImportTime(NamedTuple):
    """A line of `python -X importtime`."""

    module: str
    self_ms: float
    with_imports_ms: float


def measure_ready(starts: int, fill_seconds: float, work: Path) -> Figures:
    """Return the seconds to ready, and the CPU seconds until then, by folder and subject."""
    settings = Settings(series=SERIES, targets=TARGETS, duration_seconds=fill_seconds)
    empty = {spec: Subject(spec, work / "empty" / spec, settings) for spec in SUBJECTS}
    filled = {spec: Subject(spec, work / "filled" / spec, settings) for spec in SUBJECTS}
    feed = Feed(settings)
    try:
        for subject in filled.values():
            subject.start(Watch(feed.ports))
            subject.wait_until_it_scraped(feed)
        time.sleep(fill_seconds)
    finally:
        for subject in filled.values():
            subject.stop()
        feed.stop()
    return {
        "empty_folder": _measure_starts(empty, starts, is_emptied=True),
        "filled_folder": _measure_starts(filled, starts, is_emptied=False),
    }


def _measure_starts(subjects: Mapping[str, Subject], starts: int, *, is_emptied: bool) -> Figures:
    wall: dict[str, list[float]] = {spec: [] for spec in subjects}
    cpu: dict[str, list[float]] = {spec: [] for spec in subjects}
    for _ in range(starts):
        for spec, subject in subjects.items():
            if is_emptied:
                shutil.rmtree(subject.data)
                subject.data.mkdir()
            subject.start()
            try:
                wall[spec].append(subject.wait_until_ready())
                cpu[spec].append(subject.cpu_seconds())
            finally:
                subject.stop()
    return {
        spec: {
            "ready_s": summarise(wall[spec]),
            "ready_cpu_s": round(statistics.median(cpu[spec]), 2),
        }
        for spec in subjects
    }


def measure_imports(runs: int) -> Figures:
    """Return the milliseconds of both imports and of their difference, paired."""
    time_import(SDK), time_import(SDK_PEER)  # compile
    pairs = [(time_import(SDK), time_import(SDK_PEER)) for _ in range(runs)]
    added = [sdk.wall_ms - peer.wall_ms for sdk, peer in pairs]
    added_cpu = [sdk.cpu_ms - peer.cpu_ms for sdk, peer in pairs]
    return {
        f"{SDK}_ms": summarise([sdk.wall_ms for sdk, _ in pairs], 1),
        f"{SDK_PEER}_ms": summarise([peer.wall_ms for _, peer in pairs], 1),
        "added_ms": summarise(added, 1),
        "added_cpu_ms": summarise(added_cpu, 1),
    }


def time_import(module: str) -> Cost:
    """Return what importing a module takes in a fresh interpreter."""
    wall, cpu = _python("-c", TIMED.format(module=module)).stdout.split()
    return Cost(float(wall) * 1e3, float(cpu) * 1e3)


def profile_imports(code: str, top: int) -> Sequence[ImportTime]:
    """Return the modules that take longest by themselves, the longest first; of two runs."""
    _python("-c", code)  # compile
    return parse_import_times(_python("-X", "importtime", "-c", code).stderr)[:top]


def parse_import_times(text: str) -> Sequence[ImportTime]:
    """Return the modules of `python -X importtime`, those first that take longest by themselves.

    Example:
        >>> parse_import_times("import time:      1500 |      2500 |   json")
        [ImportTime(module='json', self_ms=1.5, with_imports_ms=2.5)]
    """
    found = []
    for line in text.splitlines():
        fields = line.removeprefix("import time:").split("|")
        if len(fields) == 3 and fields[0].strip().isdecimal():
            own, total = (int(field) / 1000 for field in fields[:2])
            found.append(ImportTime(fields[2].strip(), own, total))
    return sorted(found, key=lambda time: -time.self_ms)


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **installed_environment()},
        check=True,
        capture_output=True,
        text=True,
    )


def format_figures(figures: Figures) -> str:
    """Return the tables for people."""
    ready, imports = figures["ready"], figures["imports"]
    head = ["start", "count", "min", "median", "p95", "max", "cpu"]
    rows = [
        [
            f"{spec}, {folder.replace('_', ' ')} (s)",
            *map(str, row["ready_s"].values()),
            str(row["ready_cpu_s"]),
        ]
        for folder, by_subject in ready.items()
        for spec, row in by_subject.items()
    ]
    rows += [
        [f"import: {name.removesuffix('_ms').replace('_', ' ')} (ms)", *map(str, row.values()), ""]
        for name, row in imports.items()
    ]
    modules = [
        [module, f"{own:.1f}", f"{total:.1f}"] for module, own, total in figures["serve_imports"]
    ]
    return "\n\n".join(
        [
            format_table(head, rows),
            format_table(["imported by `sakshi serve` (ms)", "itself", "with its own"], modules),
        ]
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, write the JSON, print the tables to standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.start",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--starts", type=int, default=7, help="of each subject on each folder")
    parser.add_argument("--imports", type=int, default=15, help="of each module")
    parser.add_argument("--fill", type=float, default=30.0, help="seconds of 10,000 series")
    parser.add_argument("--top", type=int, default=12, help="how many modules are listed")
    add_out(parser)
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that children are stopped
    work = Path(tempfile.mkdtemp(prefix="benchmark-"))
    try:
        figures: Figures = {
            "ready": measure_ready(options.starts, options.fill, work),
            "imports": measure_imports(options.imports),
            "serve_imports": profile_imports(SERVE, options.top),
        }
    finally:
        shutil.rmtree(work, ignore_errors=True)
    settings = {"starts": options.starts, "imports": options.imports, "fill_seconds": options.fill}
    write_report(options.out, "start", settings, figures=figures)
    print(format_figures(figures), file=sys.stderr)


if __name__ == "__main__":
    main()
