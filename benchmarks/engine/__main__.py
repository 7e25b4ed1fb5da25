"""Compare engines: one subject, or several in alternating runs.

A subject is `sakshi`, `prometheus`, `victoria-metrics`, or `cmd:TEMPLATE`: a command line in which
{config} {data} {port} {rules} {alertmanager} {webhook} are filled in; it must read a Prometheus
configuration file, keep everything under {data} and answer /api/v1/query and /api/v1/query_range
on 127.0.0.1:{port}.

    python -m benchmarks.engine --subject sakshi --vs prometheus --repeat 3 --out engine.json
    python -m benchmarks.engine --vs prometheus,victoria-metrics
    python -m benchmarks.engine --show engine.json
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.engine.kind import find_kind
from benchmarks.engine.run import measure_subject
from benchmarks.engine.settings import add_settings, read_settings
from benchmarks.engine.table import format_runs
from benchmarks.report import add_out, write_report


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, write the JSON, print the table to standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.engine",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--subject", default="sakshi")
    parser.add_argument(
        "--vs", default="", help="others: runs alternate, ratios to them are printed"
    )
    parser.add_argument("--show", type=Path, help="print the table of a JSON file, and stop")
    add_settings(parser)
    add_out(parser)
    options = parser.parse_args(argv)
    if options.show:
        report = json.loads(options.show.read_text())
        print(format_runs(report["runs"], report["subjects"]))
        return
    settings = read_settings(options)
    others = [options.vs] if options.vs.startswith("cmd:") else options.vs.split(",")
    subjects = [options.subject, *filter(None, others)]
    for spec in subjects:
        try:
            find_kind(spec, settings.programs)
        except ValueError as error:
            parser.error(str(error))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that children are stopped
    runs = []
    for number in range(settings.repeat):
        for spec in subjects if number % 2 == 0 else reversed(subjects):
            print(f"run {number + 1}/{settings.repeat}: {spec}", file=sys.stderr, flush=True)
            runs.append(measure_subject(spec, settings))
    write_report(options.out, "engine", settings.measured(), subjects=subjects, runs=runs)
    print(format_runs(runs, subjects), file=sys.stderr)


if __name__ == "__main__":
    main()
