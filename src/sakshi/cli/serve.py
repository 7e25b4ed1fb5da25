"""`sakshi serve`: watch what the configuration names."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import Final

HELP: Final = "Scrape, store, judge, alert and show, until it is stopped."
EXAMPLES: Final = """\
  sakshi serve --config sakshi.yml
  sakshi serve --config prometheus.yml --data /var/lib/sakshi --listen 127.0.0.1:9090
"""
BAD_INPUT: Final = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--config", metavar="FILE", type=Path, default=Path("sakshi.yml"), help="(%(default)s)"
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        default=Path("sakshi-data"),
        help="where samples and alerts are kept (%(default)s)",
    )
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        type=parse_address,
        default=("127.0.0.1", 9090),
        help="where the page and the API are served (127.0.0.1:9090)",
    )
    parser.add_argument(
        "--allow-unauthenticated",
        action="store_true",
        help="listen on another address than loopback although nobody is asked who they are",
    )
    parser.add_argument(
        "--log-level", choices=("debug", "info", "warning", "error"), default="info"
    )
    parser.add_argument("--exit-with-parent", action="store_true", help=argparse.SUPPRESS)


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`, `[::1]:PORT` or `:PORT`."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f'expected HOST:PORT, found "{text}"')
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; 2: the configuration is wrong, 1: it cannot start."""
    import uvloop

    from sakshi.app import Monitor, StartError
    from sakshi.config import read_configuration
    from sakshi.model.errors import BadInputError, SakshiError

    logging.basicConfig(
        level=arguments.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # its comings and goings are not news
    host, port = arguments.listen
    if not is_loopback(host) and not arguments.allow_unauthenticated:
        print(
            f"sakshi serve: {host} is reachable by others, and nobody is asked who they are.\n"
            "Listen on 127.0.0.1 behind a proxy that does, or say --allow-unauthenticated.",
            file=sys.stderr,
        )
        return 1
    try:
        configuration = read_configuration(arguments.config, os.environ)
    except BadInputError as error:
        for problem in error.problems:
            print(f"error: {problem}", file=sys.stderr)
        return BAD_INPUT
    for warning in configuration.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    try:
        uvloop.run(
            Monitor(configuration, arguments.data, host, port).run(
                exit_with_parent=arguments.exit_with_parent
            )
        )
    except (StartError, SakshiError) as error:
        print(f"sakshi serve: {error}", file=sys.stderr)
        return 1
    return 0


def is_loopback(host: str) -> bool:
    """Tell whether an address can be reached from this machine alone."""
    import ipaddress

    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
