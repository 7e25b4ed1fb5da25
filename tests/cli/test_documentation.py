"""docs/reference/command-line.md lists exactly the commands and options that there are."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from pathlib import Path

from sakshi.cli import exit_code
from sakshi.cli.command import COMMANDS, build_parser

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "command-line.md").read_text()


def options() -> dict[str, set[str]]:
    """Return the options of each command, those that are not for people left out."""
    return {name: set(find_options(parser)) for name, parser in find_parsers(build_parser())}


def find_parsers(
    parser: argparse.ArgumentParser,
) -> Iterable[tuple[str, argparse.ArgumentParser]]:
    """Return the parsers right below a parser, by name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def find_options(parser: argparse.ArgumentParser) -> Iterable[str]:
    """Return the options of a parser and of those below it."""
    for action in parser._actions:
        if action.help != argparse.SUPPRESS:
            yield from set(action.option_strings) - {"-h", "--help"}
    for _, below in find_parsers(parser):
        yield from find_options(below)


def test_every_option_is_documented_with_its_command() -> None:
    """In the order of the help, and no others."""
    documented = {
        part.partition("`")[0]: re.findall(r"^\| `(--[\w-]+)` \|", part, re.MULTILINE)
        for part in PAGE.split("\n## `sakshi ")[1:]
    }

    assert {name: sorted(found) for name, found in documented.items()} == {
        name: sorted(found) for name, found in options().items()
    }


def test_every_command_is_documented_with_its_extra() -> None:
    """The table on top has a row for each."""
    rows = re.findall(r"^\| \[`sakshi (\w+)`\].*\| (?:`(\w+)` )?\|$", PAGE, re.MULTILINE)

    assert sorted(rows) == sorted((command.name, command.extra) for command in COMMANDS)


def test_every_exit_code_is_documented() -> None:
    """Each number means one thing."""
    codes = {value for name, value in vars(exit_code).items() if name.isupper()}

    assert {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)} == {0, *codes}
