"""docs/reference/command-line.md lists exactly the commands and options that there are."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from sakshi.cli import exit_code
from sakshi.cli.command import COMMANDS, build_parser

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "command-line.md").read_text()


def options() -> dict[str, list[str]]:
    """Return the options of each command, those that are not for people left out."""
    [commands] = (
        action
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return {
        name: [
            option
            for action in parser._actions
            if action.help != argparse.SUPPRESS
            for option in action.option_strings
            if option not in ("-h", "--help")
        ]
        for name, parser in commands.choices.items()
    }


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
