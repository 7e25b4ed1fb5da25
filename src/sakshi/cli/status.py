"""`sakshi status`: how everything stands, in a terminal, in a script, in a monitoring plug-in."""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn, TextIO

from sakshi.cli.address import parse_url
from sakshi.cli.exit_code import UNKNOWN
from sakshi.cli.terminal import Colour, paint

if TYPE_CHECKING:
    from sakshi.cli.client import Client
    from sakshi.cli.status_report import Status

HELP: Final = "Show how everything stands: KPIs, alerts, targets, Alertmanagers."
EXAMPLES: Final = """\
  sakshi status
  sakshi status --watch             # until Ctrl-C; --watch 10: every 10 seconds
  sakshi status --url https://sakshi.example.org || page-somebody
  sakshi status --json | jq -r '.kpis[] | select(.verdict != "OK") | .title'

exit codes, as monitoring plug-ins have them:
  0  all is well, or off target at worst
  1  a warning
  2  something is critical
  3  not known: no data, stale data, no answer from the server
"""
EXIT_CODES: Final = {"OK": 0, "OFF TARGET": 0, "WARNING": 1, "CRITICAL": 2}
"""By verdict; UNKNOWN for every other one, and where there is no answer."""

TIMEOUT_SECONDS: Final = 10.0  # for an answer: what is asked is known already
WATCH_SECONDS: Final = 2.0
WATCH_SECONDS_MIN: Final = 0.1
WATCH_SECONDS_MAX: Final = 86_400.0
_LIMITS: Final = ("target", "warning", "critical")
_JUDGED: Final = (
    "value", "verdict", "since", "observations", "distances", "counts_as", "reason", "warning",
)  # fmt: skip


class UnansweredError(Exception):
    """The server answers with an error, or with something else; the message says with what."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--url", type=parse_url, default="http://127.0.0.1:9090", help="the server (%(default)s)"
    )
    parser.add_argument(
        "--watch",
        metavar="SECONDS",
        nargs="?",
        type=parse_interval,
        const=WATCH_SECONDS,
        help=f"show it again and again, every {WATCH_SECONDS:g} seconds where none are named",
    )
    parser.add_argument(
        "--json", action="store_true", help="print the verdict, and the KPIs with their limits"
    )


def parse_interval(text: str) -> float:
    """Return the seconds from one look to the next.

    Raises:
        argparse.ArgumentTypeError: they are none.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not WATCH_SECONDS_MIN <= seconds <= WATCH_SECONDS_MAX:
        bounds = f"from {WATCH_SECONDS_MIN:g} to {WATCH_SECONDS_MAX:g}"
        raise argparse.ArgumentTypeError(f'expected seconds {bounds}, found "{text}"')
    return seconds


def run(arguments: argparse.Namespace) -> int:
    """Show the status; the exit code tells the verdict."""
    from sakshi.cli.client import Client

    client = Client(arguments.url, TIMEOUT_SECONDS)
    if arguments.watch is None:
        return show(client, arguments)
    from sakshi.cli.screen import is_screen

    if is_screen(sys.stdout, os.environ) and not arguments.json:
        return redraw(client, arguments, sys.stdout, time.sleep)
    return repeat(client, arguments, time.sleep)


def show(client: Client, arguments: argparse.Namespace) -> int:
    """Print the status once; return the exit code."""
    from sakshi.cli.client import NoAnswerError
    from sakshi.cli.status_report import render_status

    try:
        status = fetch(client, arguments.url)
    except (NoAnswerError, UnansweredError) as error:
        print(
            f"sakshi status: {error}\nIs `sakshi serve` running there? --url names another server.",
            file=sys.stderr,
        )
        return UNKNOWN
    if arguments.json:
        document = {"at": status.at, "verdict": status.verdict, "kpis": status.kpis}
        print(json.dumps(document, ensure_ascii=False))
    else:
        print(*render_status(status, find_width()), sep="\n")
    return EXIT_CODES.get(status.verdict, UNKNOWN)


def repeat(
    client: Client, arguments: argparse.Namespace, wait: Callable[[float], None]
) -> NoReturn:
    """Print the status again and again, one below the other, until Ctrl-C.

    Args:
        client: of the server.
        arguments: of the command line.
        wait: so many seconds.
    """
    while True:
        show(client, arguments)
        if not arguments.json:
            print()
        sys.stdout.flush()
        wait(arguments.watch)


def redraw(
    client: Client,
    arguments: argparse.Namespace,
    stream: TextIO,
    wait: Callable[[float], None],
) -> NoReturn:
    """Draw the status on a terminal until Ctrl-C; where the server is gone, say so above the last.

    Args:
        client: of the server.
        arguments: of the command line.
        stream: the terminal.
        wait: so many seconds.
    """
    from sakshi.cli.client import NoAnswerError
    from sakshi.cli.screen import draw, entered
    from sakshi.cli.status_report import render_status

    last: Status | None = None
    with entered(stream):
        while True:
            above: Sequence[str] = ()
            try:
                last = fetch(client, arguments.url)
            except (NoAnswerError, UnansweredError) as error:
                above = describe_loss(error, last)
            width, height = shutil.get_terminal_size()
            below = render_status(last, width) if last is not None else ()
            draw(stream, [*above, *below], height)
            wait(arguments.watch)


def describe_loss(error: Exception, last: Status | None) -> Sequence[str]:
    """Return what is said above the last status while the server does not answer."""
    lines = [paint(str(error), Colour.RED, sys.stdout), ""]
    return lines if last is None else [*lines, f"The last that was known, at {last.at}:", ""]


def find_width() -> int | None:
    """Return the terminal's width in characters; None where standard output is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def fetch(client: Client, url: str) -> Status:
    """Return the status.

    Raises:
        NoAnswerError: the server did not answer.
        UnansweredError: it answered something else.
    """
    try:
        return ask(client, url)
    except (KeyError, TypeError, ValueError):
        raise UnansweredError(f"{url} answers otherwise: is it a sakshi of this version?") from None


def ask(client: Client, url: str) -> Status:
    """Return the status; the errors of `fetch`, and those of an answer of another shape."""
    from sakshi.cli.status_report import Status

    kpis, definition = (get(client, f"sakshi/{name}", url) for name in ("kpis", "dashboard"))
    now = get(client, "query", url, {"query": "time()"})  # its clock, which made the moments
    return Status(
        url=url,
        now=float(now["result"][1]),
        at=kpis["at"],
        verdict=kpis["verdict"],
        groups={group["name"]: group["title"] for group in definition["groups"]},
        kpis=join(kpis["kpis"], definition["kpis"]),
        alerts=get(client, "alerts", url)["alerts"],
        targets=get(client, "targets", url)["activeTargets"],
        alertmanagers=get(client, "sakshi/alertmanagers", url)["alertmanagers"],
    )


def get(client: Client, path: str, url: str, parameters: Mapping[str, str] | None = None) -> Any:
    """Return the data of an answer.

    Raises:
        NoAnswerError: there was none.
        UnansweredError: it is an error.
    """
    answer = client.get(path, parameters)
    if answer["status"] != "success":
        raise UnansweredError(f"{url} does not say how it stands: {answer.get('error', 'failed')}")
    return answer["data"]


def join(
    judgements: Sequence[Mapping[str, Any]], definitions: Sequence[Mapping[str, Any]]
) -> Sequence[Mapping[str, Any]]:
    """Return the judgements, each with its KPI's group, title, unit and limits.

    The server may be started anew between its two answers: what is in one alone is left out. What
    only a later version says of a judgement is kept.

    Raises:
        KeyError: a judgement or a definition lacks something that is shown.
    """
    defined = {kpi["name"]: kpi for kpi in definitions}
    return [
        {
            "name": judgement["name"],
            **{key: defined[judgement["name"]][key] for key in ("group", "title", "unit")},
            **{key: judgement[key] for key in _JUDGED},
            **judgement,
            "limits": {key: defined[judgement["name"]][key] for key in _LIMITS},
        }
        for judgement in judgements
        if judgement["name"] in defined
    ]
