"""`sakshi check FILE...`: find everything that is wrong in configuration and rule files."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Final

HELP: Final = "Check configuration, rule and notification files; name every problem at once."
EXAMPLES: Final = """\
  sakshi check sakshi.yml
  sakshi check rules/*.yml          # rule files, as Prometheus reads them
  sakshi check prometheus.yml       # what of it would have no effect yet?
"""
BAD_INPUT: Final = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="a file to check")


def run(arguments: argparse.Namespace) -> int:
    """Check each file and print what was found; 2 where there is a problem."""
    from sakshi.config import check_file
    from sakshi.model.errors import BadInputError

    failed = False
    for path in arguments.files:
        try:
            report = check_file(path, os.environ)
        except BadInputError as error:
            failed = True
            for problem in error.problems:
                print(f"error: {problem}", file=sys.stderr)
            count = len(error.problems)
            print(f"{path}: {count} problem{'s' if count > 1 else ''}")
            continue
        for warning in report.warnings:
            print(f"warning: {warning}", file=sys.stderr)
        print(f"{path}: {report.summary}")
    return BAD_INPUT if failed else 0
