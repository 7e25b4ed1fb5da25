"""`sakshi demo`: a messaging service under traffic, watched; a provider fails and recovers."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Final

HELP: Final = "Watch a live messaging service: a provider fails, people are told, it recovers."
EXAMPLES: Final = """\
  sakshi demo                       # until Ctrl-C; the page is at http://127.0.0.1:9090
  sakshi demo --duration 120        # ends by itself; exit 0 if the incident was told and resolved
  sakshi demo --port 9091 --service-port 5001
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--port", type=int, default=9090, help="of the page (%(default)s)")
    parser.add_argument(
        "--service-port", type=int, default=5000, help="of the messaging service (%(default)s)"
    )
    parser.add_argument("--duration", type=float, metavar="SECONDS", help="end after so long")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="keep samples, alerts and logs here",
    )


def run(arguments: argparse.Namespace) -> int:
    """Show the demo; 0 where the incident was detected, delivered and resolved."""
    from sakshi.demo import DemoSettings, run_demo
    from sakshi.demo.child import ChildError

    settings = DemoSettings(
        port=arguments.port,
        service_port=arguments.service_port,
        duration_seconds=arguments.duration,
        data=arguments.data,
    )

    def say(text: str) -> None:
        print(text, flush=True)

    try:
        succeeded = asyncio.run(run_demo(settings, say))
    except ChildError as error:
        print(f"sakshi demo: {error}", file=sys.stderr)
        return 1
    return 0 if succeeded or settings.duration_seconds is None else 1
