"""`sakshi serve`: watch what the configuration names."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from sakshi.cli.address import is_loopback, parse_address, parse_url
from sakshi.cli.exit_code import BAD_INPUT, FAILED
from sakshi.cli.terminal import print_problems, print_warnings
from sakshi.model.errors import BadInputError, SakshiError

if TYPE_CHECKING:
    from sakshi.config import Configuration

HELP: Final = "Scrape, store, judge, alert and show, until it is stopped."
EXAMPLES: Final = """\
  sakshi serve                      # sakshi.yml of this folder; http://127.0.0.1:9090
  sakshi serve --config prometheus.yml --data /var/lib/sakshi
  sakshi serve --listen 127.0.0.1:9191 --external-url https://sakshi.example.org
"""
LOG_LEVELS: Final = ("debug", "info", "warning", "error")

FIRST_CONFIGURATION: Final = (
    'scrape_configs: [{job_name: chat, static_configs: [{targets: ["127.0.0.1:5000"]}]}]'
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        default=Path("sakshi.yml"),
        help="what to watch, judge, tell and show (%(default)s)",
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        default=Path("sakshi-data"),
        help="where samples and alerts are kept; made if need be (%(default)s)",
    )
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        type=parse_address,
        default=("127.0.0.1", 9090),
        help="where the page and the API are served (127.0.0.1:9090)",
    )
    parser.add_argument(
        "--external-url",
        metavar="URL",
        type=parse_url,
        help="where people reach the page: the links in messages (http://HOST:PORT)",
    )
    parser.add_argument(
        "--allow-unauthenticated",
        action="store_true",
        help="listen on another address than loopback although nobody is asked who they are",
    )
    parser.add_argument(
        "--log-level",
        metavar="LEVEL",
        choices=LOG_LEVELS,
        default="info",
        help=f"{', '.join(LOG_LEVELS[:-1])} or {LOG_LEVELS[-1]} (%(default)s)",
    )
    parser.add_argument("--exit-with-parent", action="store_true", help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; 2: the configuration is wrong, 1: it cannot start."""
    host, _ = arguments.listen
    if not is_loopback(host) and not arguments.allow_unauthenticated:
        return fail(
            f"{host} is reachable by others, and nobody is asked who they are.\n"
            "Listen on 127.0.0.1 behind a proxy that does, or say --allow-unauthenticated."
        )
    if not arguments.config.exists():
        print(describe_first_steps(arguments.config), file=sys.stderr)
        return BAD_INPUT
    from sakshi.config import read_configuration

    try:
        configuration = read_configuration(arguments.config, os.environ)
    except BadInputError as error:
        print_problems(error.problems)
        return BAD_INPUT
    print_warnings(configuration.warnings)
    try:
        arguments.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror
        return fail(f"{arguments.data} cannot be made: {reason}; --data DIR names another folder")
    return watch(configuration, arguments)


def watch(configuration: Configuration, arguments: argparse.Namespace) -> int:
    """Run the monitor until it is stopped."""
    import uvloop

    from sakshi.app import Monitor
    from sakshi.storage import StorageError
    from sakshi.web import ListenError

    logging.basicConfig(
        level=arguments.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # its comings and goings are not news
    host, port = arguments.listen
    external_url = arguments.external_url or ""
    monitor = Monitor(
        allow_host(configuration, external_url),
        arguments.data,
        host,
        port,
        external_url=external_url,
    )
    try:
        uvloop.run(monitor.run(exit_with_parent=arguments.exit_with_parent))
    except ListenError as error:
        return fail(f"{error}; --listen HOST:PORT names another address")
    except StorageError as error:
        return fail(f"{error}; --data DIR names another folder")
    except SakshiError as error:
        return fail(str(error))
    return 0


def allow_host(configuration: Configuration, external_url: str) -> Configuration:
    """Return the configuration with the host by which people reach sakshi among those allowed."""
    host = urlsplit(external_url).hostname
    if host is None:
        return configuration
    web = configuration.web
    return replace(configuration, web=replace(web, allowed_hosts=web.allowed_hosts | {host}))


def describe_first_steps(path: Path) -> str:
    """Return what to do where there is no configuration: a sentence, and a command to copy."""
    return (
        f"sakshi serve: there is no {path}: name your own with --config FILE "
        "(a prometheus.yml will do), or begin with\n"
        f"  echo {shlex.quote(FIRST_CONFIGURATION)} > {shlex.quote(str(path))}"
    )


def fail(reason: str) -> int:
    """Say why it cannot start; return the exit code."""
    print(f"sakshi serve: {reason}", file=sys.stderr)
    return FAILED
