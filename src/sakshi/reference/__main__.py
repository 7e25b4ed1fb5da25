"""`python -m sakshi.reference serve` and `python -m sakshi.reference providers`.

Both print one line of JSON on standard output when they are ready, run until SIGTERM or SIGINT (or
the end of standard input, with --exit-with-parent), and exit 0. A taken port: one line on standard
error, exit 3.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import prometheus_client
import uvloop

from sakshi.instrument import Metrics
from sakshi.model.clock import SystemClock
from sakshi.reference.application import create_application
from sakshi.reference.errors import PortTakenError
from sakshi.reference.provider import KINDS, find_address
from sakshi.reference.server import HttpServer, bind, stop_event
from sakshi.reference.service import ServiceSettings
from sakshi.reference.standin import CHARACTERS, Standin, load_facts

EXIT_PORT_TAKEN = 3
SERVICE_PORT = 5000
PROVIDERS_PORT = 5010


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = create_parser()
    options = parser.parse_args(arguments)
    if options.command == "serve":
        check_service(parser, options)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    command = serve if options.command == "serve" else run_providers
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(command(options))
    except PortTakenError as error:
        sys.stderr.write(f"{error}: choose another with --port\n")
        return EXIT_PORT_TAKEN
    return 0


def create_parser() -> argparse.ArgumentParser:
    """Return the parser of both commands."""
    parser = argparse.ArgumentParser(
        prog="python -m sakshi.reference", description="The messaging service that sakshi watches."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    service = commands.add_parser("serve", help="run the service")
    service.add_argument("--port", type=int, default=SERVICE_PORT, help="default: %(default)s")
    service.add_argument("--data", type=Path, required=True, help="folder of its database")
    for kind in KINDS:
        service.add_argument(f"--{kind.name}-url", metavar="URL", help=f"{kind.name}'s base URL")
    providers = commands.add_parser("providers", help="run the stand-in providers")
    providers.add_argument(
        "--port",
        type=int,
        default=PROVIDERS_PORT,
        help="of the first provider; the others follow (default: %(default)s)",
    )
    for command in (service, providers):
        command.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
        command.add_argument("--seed", type=int, help="of every draw; default: unrepeatable")
        command.add_argument(
            "--exit-with-parent", action="store_true", help="stop when standard input ends"
        )
    return parser


def provider_urls(options: argparse.Namespace) -> dict[str, str]:
    """Return the base URLs that the options give, by provider name."""
    urls = {kind.name: getattr(options, f"{kind.name}_url") for kind in KINDS}
    return {name: url for name, url in urls.items() if url}


def check_service(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Exit 2 with one line where the service could not work."""
    urls = provider_urls(options)
    if not any(find_address(kind, urls, os.environ) for kind in KINDS):
        names = ", ".join(f"--{kind.name}-url" for kind in KINDS)
        parser.error(f"expected the address of at least one provider, one of {names}")
    try:
        options.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--data: expected a folder that can be written: {error}")


async def serve(options: argparse.Namespace) -> None:
    """Run the service until it is told to stop."""
    listener = bind(options.host, options.port)
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call] # it has no types
    settings = ServiceSettings(
        data=options.data,
        provider_urls=provider_urls(options),
        environment=os.environ,
        seed=options.seed,
    )
    app = create_application(settings, Metrics(prometheus_client.CollectorRegistry()))
    with stop_event(exit_with_parent=options.exit_with_parent) as stop:
        async with HttpServer(app, listener) as server:
            say_ready({"service": server.url})
            await stop.wait()


async def run_providers(options: argparse.Namespace) -> None:
    """Run the stand-ins until they are told to stop."""
    base = options.port
    ports = [base + index if base else 0 for index in range(len(CHARACTERS))]
    facts, clock = load_facts(), SystemClock()
    async with AsyncExitStack() as stack:
        listeners = [bind(options.host, port) for port in ports]
        stop = stack.enter_context(stop_event(exit_with_parent=options.exit_with_parent))
        urls: dict[str, str] = {}
        for index, (character, listener) in enumerate(zip(CHARACTERS, listeners, strict=True)):
            seed = None if options.seed is None else options.seed + index
            standin = Standin(character, facts, random.Random(seed), clock)
            server = await stack.enter_async_context(HttpServer(standin.application(), listener))
            urls[character.name] = server.url + character.base
        say_ready(urls)
        await stop.wait()


def say_ready(urls: dict[str, str]) -> None:
    """Tell the parent where to connect."""
    sys.stdout.write(json.dumps({"ready": urls}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
