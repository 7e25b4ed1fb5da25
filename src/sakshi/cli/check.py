"""`sakshi check FILE...`: find everything that is wrong in configuration and rule files."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from sakshi.cli.exit_code import BAD_INPUT
from sakshi.cli.terminal import Colour, paint, print_problems, print_warnings
from sakshi.model.errors import BadInputError, Problem

HELP: Final = "Check configuration, rule and notification files; name every problem at once."
EXAMPLES: Final = """\
  sakshi check sakshi.yml           # and the files that it names
  sakshi check rules/*.yml          # rule files, as Prometheus reads them
  sakshi check prometheus.yml       # what of it would have no effect yet?
  sakshi check --json sakshi.yml | jq '.[].problems'
"""


@dataclass(frozen=True)
class Outcome:
    """What was found in one file.

    Args:
        file: as it was asked for.
        summary: what it holds; empty where there are problems.
    """

    file: str
    summary: str = ""
    problems: Sequence[Problem] = ()
    warnings: Sequence[str] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="a file to check")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document instead of lines"
    )


def run(arguments: argparse.Namespace) -> int:
    """Check each file and print what was found; 2 where there is a problem."""
    outcomes = []
    for path in arguments.files:
        outcome = check(path, os.environ)
        outcomes.append(outcome)
        if not arguments.json:
            print_outcome(outcome)
    if arguments.json:
        print(json.dumps([asdict(outcome) for outcome in outcomes], ensure_ascii=False, indent=2))
    return BAD_INPUT if any(outcome.problems for outcome in outcomes) else 0


def check(path: Path, environment: Mapping[str, str]) -> Outcome:
    """Return what is found in a file."""
    from sakshi.config import check_file

    try:
        report = check_file(path, environment)
    except BadInputError as error:
        return Outcome(str(path), problems=error.problems)
    return Outcome(str(path), report.summary, warnings=report.warnings)


def print_outcome(outcome: Outcome) -> None:
    """Print problems and warnings to standard error, and a line of summary to standard output."""
    print_problems(outcome.problems)
    print_warnings(outcome.warnings)
    count = len(outcome.problems)
    if count:
        verdict = paint(f"{count} problem{'s' if count > 1 else ''}", Colour.RED, sys.stdout)
        print(f"{outcome.file}: {verdict}")
        return
    print(f"{outcome.file}: {outcome.summary}: {paint('fine', Colour.GREEN, sys.stdout)}")
