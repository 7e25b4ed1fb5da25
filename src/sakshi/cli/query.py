"""`sakshi query EXPR`: ask a running sakshi, or any server with Prometheus' HTTP API."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sakshi.cli.address import parse_url
from sakshi.cli.exit_code import BAD_INPUT, FAILED, USAGE_ERROR
from sakshi.cli.terminal import Colour, paint, print_warnings

if TYPE_CHECKING:
    from sakshi.cli.client import Client

HELP: Final = "Evaluate a PromQL expression on a running sakshi."
EXAMPLES: Final = """\
  sakshi query 'up'
  sakshi query 'sum by (provider) (rate(ai_requests_total[5m]))'
  sakshi query up --start 2026-01-01T00:00:00Z --end 2026-01-01T01:00:00Z --step 30s
  sakshi query up --json | jq .data.result
"""
STEP_DEFAULT: Final = "15s"

_POSITION: Final = re.compile(r"\b(\d+):(\d+): ")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("expr", metavar="EXPR", help="the PromQL expression")
    parser.add_argument(
        "--url",
        type=parse_url,
        default="http://127.0.0.1:9090",
        help="the server (%(default)s)",
    )
    parser.add_argument(
        "--time", metavar="MOMENT", help="evaluate then instead of now (RFC 3339 or Unix seconds)"
    )
    parser.add_argument("--start", metavar="MOMENT", help="evaluate over a range: its first moment")
    parser.add_argument("--end", metavar="MOMENT", help="the range's last moment (now)")
    parser.add_argument(
        "--step", metavar="DURATION", help=f"from moment to moment of the range ({STEP_DEFAULT})"
    )
    parser.add_argument("--json", action="store_true", help="print the API's answer as it came")


def run(arguments: argparse.Namespace) -> int:
    """Ask and print; 0: answered, 1: not answered, 2: the expression is wrong."""
    from sakshi.cli.client import Client, NoAnswerError

    contradiction = find_contradiction(arguments)
    if contradiction:
        print(f"sakshi query: {contradiction}", file=sys.stderr)
        return USAGE_ERROR
    try:
        answer = ask(Client(arguments.url), arguments)
    except NoAnswerError as error:
        print(
            f"sakshi query: {error}\nIs `sakshi serve` running there? --url names another server.",
            file=sys.stderr,
        )
        return FAILED
    if arguments.json:
        print(json.dumps(answer, ensure_ascii=False))
    print_warnings([*answer.get("warnings", ()), *answer.get("infos", ())])
    if answer["status"] != "success":
        print_error(arguments.expr, str(answer.get("error", "failed")))
        return BAD_INPUT if answer.get("errorType") == "bad_data" else FAILED
    if not arguments.json:
        print_answer(answer["data"])
    return 0


def find_contradiction(arguments: argparse.Namespace) -> str:
    """Return what is wrong with the options together; empty where nothing is."""
    if arguments.start is None and (arguments.end or arguments.step):
        return "--end and --step are of a range, which begins at --start"
    if arguments.start is not None and arguments.time is not None:
        return "either --time or --start"
    return ""


def ask(client: Client, arguments: argparse.Namespace) -> Mapping[str, Any]:
    """Return the API's answer to what the arguments ask.

    Raises:
        NoAnswerError: there was none.
    """
    query = {"query": arguments.expr}
    if arguments.start is None:
        moment = {"time": arguments.time} if arguments.time is not None else {}
        return client.ask("query", query | moment)
    end = arguments.end
    if end is None:  # the server's now: its clock is the one that stamped the samples
        answer = client.ask("query", {"query": "time()"})
        if answer["status"] != "success":
            return answer
        end = str(answer["data"]["result"][1])
    step = arguments.step or STEP_DEFAULT
    return client.ask("query_range", query | {"start": arguments.start, "end": end, "step": step})


def print_answer(data: Mapping[str, Any]) -> None:
    """Print an answer to standard output, or to standard error that there is nothing in it."""
    from sakshi.cli.table import render_answer

    lines = render_answer(data)
    for line in lines:
        print(line)
    if not lines:
        print("no series", file=sys.stderr)


def print_error(query: str, error: str) -> None:
    """Print why there is no answer, and point at the place in the query if the error has one."""
    from sakshi.cli.table import point_at

    print(f"sakshi query: {paint('error:', Colour.RED, sys.stderr)} {error}", file=sys.stderr)
    position = _POSITION.search(error)
    if position is not None:
        for line in point_at(query, int(position[1]), int(position[2])):
            print(line, file=sys.stderr)
