"""Finds the command that was asked for, reads its arguments, runs it.

Commands import what they need when they run, so that `sakshi --help` needs nothing but Python, and
a command whose extra is not installed can say which one to install.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from sakshi import __version__
from sakshi.cli.exit_code import FAILED, INTERRUPTED, USAGE_ERROR


@dataclass(frozen=True)
class Command:
    """A command of the command line.

    Args:
        name: as it is typed, and of its module where none is named.
        extra: the extra of the distribution that it needs; empty: none.
        probe: a module that only this extra brings.
        module: where it is, if not in one of its name; `import` is a word of Python's.
    """

    name: str
    extra: str = ""
    probe: str = ""
    module: str = ""


COMMANDS: Final = (
    Command("serve", "server", "uvicorn"),
    Command("demo", "demo", "aiosmtpd"),
    Command("check", "server", "yaml"),
    Command("export", "server", "yaml"),
    Command("import", "server", "uvicorn", module="importing"),
    Command("backup", "server", "uvicorn"),
    Command("query"),
    Command("status"),
    Command("baseline"),
)


class Parser(argparse.ArgumentParser):
    """A parser whose usage errors exit with 64: the codes below it have meanings of their own."""

    def error(self, message: str) -> NoReturn:
        """Print usage and message, and exit."""
        self.print_usage(sys.stderr)
        self.exit(USAGE_ERROR, f"{self.prog}: {message}\nTry `{self.prog} --help`.\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = build_parser().parse_args(argv)
    command: Command = arguments.command
    if command.probe and importlib.util.find_spec(command.probe) is None:
        print(
            f"sakshi {command.name} needs more than the SDK: pip install 'sakshi[{command.extra}]'",
            file=sys.stderr,
        )
        return FAILED
    try:
        code = int(arguments.run(arguments))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `sakshi query ... | head`: whoever read has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        return 0
    return code


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = Parser(
        prog="sakshi",
        description="The performance monitor for AI messaging systems.",
        epilog="Each command explains itself: sakshi COMMAND --help",
    )
    parser.add_argument("--version", action="version", version=f"sakshi {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    for command in COMMANDS:
        module = importlib.import_module(f"sakshi.cli.{command.module or command.name}")
        sub = commands.add_parser(
            command.name,
            help=module.HELP,
            description=module.HELP,
            epilog=f"examples:\n{module.EXAMPLES}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(sub)
        sub.set_defaults(command=command, run=module.run)
    return parser
