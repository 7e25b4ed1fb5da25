"""`sakshi backup DIR`: a copy of a data folder, made while sakshi runs on it, and verified."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sakshi.cli.exit_code import BAD_INPUT, FAILED
from sakshi.cli.terminal import Colour, paint

if TYPE_CHECKING:
    from sakshi.app.backup import Backup

HELP: Final = "Copy samples, alerts and baselines while sakshi runs, and verify the copy."
EXAMPLES: Final = """\
  sakshi backup /var/backups/sakshi-2026-01-31 --data /var/lib/sakshi
  sakshi backup /var/backups/sakshi-2026-01-31 --verify
  sakshi serve --data /var/backups/sakshi-2026-01-31    # goes on from the copy, in it
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("folder", metavar="DIR", type=Path, help="the copy; does not exist yet")
    action = parser.add_mutually_exclusive_group()
    action.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        default=Path("sakshi-data"),
        help="what to copy, whether a sakshi uses it or not (%(default)s)",
    )
    action.add_argument("--verify", action="store_true", help="verify a copy that there is, only")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Copy and verify; 0: the copy is whole, 1: there is none, 2: it is damaged."""
    from sakshi.app.backup import make_backup, verify_backup
    from sakshi.app.errors import BackupError

    started = time.monotonic()
    try:
        if arguments.verify:
            backup = verify_backup(arguments.folder)
        else:
            backup = make_backup(arguments.data, arguments.folder, show)
    except BackupError as error:
        word = paint("error:", Colour.RED, sys.stderr)
        print(f"sakshi backup: {word} {error}", file=sys.stderr)
        return FAILED
    report(backup, time.monotonic() - started, as_json=arguments.json)
    return BAD_INPUT if backup.problems else 0


def show(doing: str) -> None:
    """Say on a terminal what is done now."""
    if sys.stderr.isatty():
        print(f"{doing} ...", file=sys.stderr)


def report(backup: Backup, seconds: float, *, as_json: bool) -> None:
    """Print what the copy holds, and what is wrong with it."""
    if as_json:
        found = {
            "folder": str(backup.folder),
            "bytes": backup.size_bytes,
            "checksums": backup.rows,
            "seconds": round(seconds, 3),
            "problems": list(backup.problems),
        }
        print(json.dumps(found, ensure_ascii=False))
        return
    for problem in backup.problems:
        print(f"{paint('damaged:', Colour.RED, sys.stderr)} {problem}", file=sys.stderr)
    size = f"{backup.size_bytes / (1 << 20):,.1f} MiB"
    state = "damaged" if backup.problems else "whole"
    print(f"{backup.folder}: {state}, {size}, {backup.rows:,} checksums compared, {seconds:.1f}s")
