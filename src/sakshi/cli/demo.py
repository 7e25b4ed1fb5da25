"""`sakshi demo`: a messaging service under traffic, watched; a provider fails and recovers."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Final

from sakshi.cli.address import parse_port
from sakshi.cli.exit_code import FAILED

HELP: Final = "Watch a live messaging service: a provider fails, people are told, it recovers."
EXAMPLES: Final = """\
  sakshi demo                       # until Ctrl-C; the page is at http://127.0.0.1:9090
  sakshi demo --duration 120        # ends by itself; exit 0 if the incident was told and resolved
  sakshi demo --port 9091 --service-port 5001
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--port", metavar="PORT", type=parse_port, default=9090, help="of the page (%(default)s)"
    )
    parser.add_argument(
        "--service-port",
        metavar="PORT",
        type=parse_port,
        default=5000,
        help="of the messaging service (%(default)s)",
    )
    parser.add_argument(
        "--duration", metavar="SECONDS", type=parse_seconds, help="end after so long (Ctrl-C)"
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        help="keep samples, alerts and logs here (a folder that is removed at the end)",
    )


def parse_seconds(text: str) -> float:
    """Return a positive number of seconds.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f'expected a number of seconds above 0, found "{text}"')
    return seconds


def run(arguments: argparse.Namespace) -> int:
    """Show the demo; 0 where the incident was detected, delivered and resolved."""
    import asyncio

    from sakshi.demo import DemoSettings, run_demo
    from sakshi.demo.child import ChildError
    from sakshi.demo.terminal import Terminal

    settings = DemoSettings(
        port=arguments.port,
        service_port=arguments.service_port,
        duration_seconds=arguments.duration,
        data=arguments.data,
    )

    try:
        succeeded = asyncio.run(run_demo(settings, Terminal(sys.stdout).say))
    except ChildError as error:
        print(f"sakshi demo: {error}", file=sys.stderr)
        return FAILED
    return 0 if succeeded or settings.duration_seconds is None else FAILED
