"""Run every benchmark with moderate settings, and print the ratios: what `make bench` does.

Each program writes its JSON to benchmarks/results (not in git) and its table to the terminal; the
summary of all stands at the end, and again with `python -m benchmarks.summary`. Takes some six
minutes; nothing else should run on the machine meanwhile.

    python benchmarks/run.py [--only middleware,start] [--repeat 3]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "benchmarks" / "results"

PROGRAMS: Final[Mapping[str, Sequence[str]]] = {
    "middleware": ("middleware",),
    "judgement": ("judgement",),
    "start": ("start", "--starts", "5", "--imports", "10"),
    "alert_latency": ("alert_latency", "--trials", "20"),
    "engine": (
        *("engine", "--vs", "prometheus,victoria-metrics"),
        *("--phases", "ingest,query,start,cold,crash,rules,detect"),
        *("--series", "10000", "--targets", "10", "--duration", "120"),
        *("--k", "9", "--starts", "3", "--trials", "15", "--rules-seconds", "20"),
    ),
    "engine_small": (
        *("engine", "--vs", "prometheus", "--phases", "ingest"),
        *("--series", "10000", "--targets", "50", "--duration", "45"),
    ),
    "engine_large": (
        *("engine", "--vs", "prometheus", "--phases", "ingest"),
        *("--series", "50000", "--targets", "50", "--duration", "45"),
    ),
}
"""Modules of benchmarks/ with their arguments, by what is measured; each writes JSON."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the programs; return 1 where one of them failed, after all others ran."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", type=parse_names, default=tuple(PROGRAMS), metavar="NAMES")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each engine")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON files")
    options = parser.parse_args(argv)
    options.results.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in options.only:
        arguments = [*PROGRAMS[name]]
        if arguments[0] == "engine":
            arguments += ["--repeat", str(options.repeat)]
        print(f"\n{name}: {' '.join(arguments)}", flush=True)
        started = time.perf_counter()
        if not run_program(arguments, options.results / f"{name}.json"):
            failed.append(name)
        print(f"({time.perf_counter() - started:.0f} s)", flush=True)
    print(flush=True)
    summary = [sys.executable, "-m", "benchmarks.summary", "--results", options.results.resolve()]
    subprocess.run(summary, cwd=ROOT, check=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def run_program(arguments: Sequence[str], result: Path) -> bool:
    """Keep a program's JSON in a file; tell whether it succeeded. A failure leaves the old file."""
    module, *rest = arguments
    command = [sys.executable, "-m", f"benchmarks.{module}", *rest]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        output, _ = process.communicate()
    except BaseException:
        process.terminate()  # it stops its own children
        process.wait()
        raise
    if process.returncode == 0:
        result.write_bytes(output)
    return process.returncode == 0


def parse_names(text: str) -> tuple[str, ...]:
    """Return the programs of a comma-separated list.

    Raises:
        argparse.ArgumentTypeError: one of them is unknown.
    """
    names = tuple(text.split(","))
    unknown = [name for name in names if name not in PROGRAMS]
    if unknown:
        raise argparse.ArgumentTypeError(f'expected {", ".join(PROGRAMS)}; found "{unknown[0]}"')
    return names


if __name__ == "__main__":
    sys.exit(main())
