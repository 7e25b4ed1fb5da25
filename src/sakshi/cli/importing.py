"""`sakshi import`: samples of other stores, from files or from a server, at the times they have."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sakshi.cli.address import parse_url
from sakshi.cli.exit_code import BAD_INPUT, FAILED, INTERRUPTED
from sakshi.cli.terminal import Colour, paint, print_problems, print_warnings
from sakshi.model.errors import BadInputError, SakshiError

if TYPE_CHECKING:
    from sakshi.cli.import_run import Import

HELP: Final = "Take samples in at the times they have, from files or from a server."
EXAMPLES: Final = """\
  sakshi import openmetrics history.om --data sakshi-data
  zstd -dc history.om.zst | sakshi import openmetrics - --url http://127.0.0.1:9090
  sakshi import prometheus http://prometheus:9090 --data sakshi-data
  sakshi import prometheus http://prometheus:9090 --match '{job="chat"}' --match up \\
      --start 2026-01-01T00:00:00Z --url http://127.0.0.1:9090

An import that was interrupted is repeated by the same command: nothing is doubled.
"""
EVERYTHING: Final = '{__name__=~".+"}'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments: where from, and those of each."""
    sources = parser.add_subparsers(metavar="SOURCE", required=True)
    files = _add(sources, "openmetrics", run_openmetrics, "files of OpenMetrics with timestamps")
    files.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        type=Path,
        help="plain or gzip; `-`: standard input",
    )
    server = _add(sources, "prometheus", run_prometheus, "a server with Prometheus' HTTP API")
    server.add_argument("source", metavar="URL", type=parse_url, help="of the server")
    server.add_argument(
        "--match",
        metavar="SELECTOR",
        action="append",
        help="import these series only; may be repeated (all)",
    )
    server.add_argument("--start", metavar="MOMENT", help="the first moment (1970)")
    server.add_argument("--end", metavar="MOMENT", help="the last moment (now, by its clock)")


def run(arguments: argparse.Namespace) -> int:
    """Import; 0: everything was taken, 1: something was not, 2: the input is wrong."""
    from sakshi.cli.import_run import Import, open_sink
    from sakshi.storage import FolderInUseError

    try:
        sink = open_sink(arguments.data, arguments.url)
    except FolderInUseError as error:
        return _fail(f"{error}; --url imports into a sakshi that runs")
    except SakshiError as error:
        return _fail(str(error))
    work = Import(sink, sys.stdout, time.monotonic, is_shown=not arguments.json)
    act: Callable[[Import, argparse.Namespace], None] = arguments.act
    try:
        act(work, arguments)
        code = FAILED if work.outcome.refused else 0
    except BadInputError as error:
        work.end()
        print_problems(error.problems)
        code = BAD_INPUT
    except SakshiError as error:
        work.end()
        code = _fail(str(error))
    except KeyboardInterrupt:
        work.end()
        code = INTERRUPTED
    finally:
        work.end()
        sink.close()
    report(work, arguments, code)
    return code


def run_openmetrics(work: Import, arguments: argparse.Namespace) -> None:
    """Import files."""
    work.import_files(arguments.files, arguments.data)


def run_prometheus(work: Import, arguments: argparse.Namespace) -> None:
    """Import from a server."""
    from sakshi.cli.client import Client

    selectors = arguments.match or [EVERYTHING]
    work.import_server(Client(arguments.source), selectors, arguments.start, arguments.end)


def report(work: Import, arguments: argparse.Namespace, code: int) -> None:
    """Print what was done, and where it stood if it is not all."""
    is_complete = code in (0, FAILED) and work.is_complete
    if arguments.json:
        print(json.dumps({**work.summary(), "complete": is_complete}, ensure_ascii=False))
        return
    if is_complete or work.outcome.samples:
        print(work.describe())
    for reason, count in work.outcome.refused.items():
        first = work.outcome.first[reason]
        word = paint("refused:", Colour.RED, sys.stderr)
        print(f"{word} {count:,} samples, {reason}: {first}", file=sys.stderr)
    print_warnings(work.warnings)
    if not is_complete and code != BAD_INPUT:
        print(f"sakshi import: stopped: {work.stood_at}", file=sys.stderr)


def _add(
    sources: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    act: Callable[[Import, argparse.Namespace], None],
    text: str,
) -> argparse.ArgumentParser:
    source = sources.add_parser(name, help=text, description=f"Import {text}.")
    target = source.add_mutually_exclusive_group(required=True)
    target.add_argument(
        "--data", metavar="DIR", type=Path, help="into a data folder that no sakshi uses now"
    )
    target.add_argument(
        "--url", type=parse_url, help="into a sakshi that runs, with web.enable_admin_api"
    )
    source.add_argument("--json", action="store_true", help="print one JSON document at the end")
    source.set_defaults(act=act)
    return source


def _fail(reason: str) -> int:
    print(f"sakshi import: {paint('error:', Colour.RED, sys.stderr)} {reason}", file=sys.stderr)
    return FAILED
