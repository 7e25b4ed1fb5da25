"""Colours, where somebody sees them: on a terminal, unless `NO_COLOR` is set (no-color.org)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TextIO

from sakshi.model.errors import Problem


class Colour(StrEnum):
    """What a word is printed in; the values are ANSI's."""

    RED = "31"
    GREEN = "32"
    YELLOW = "33"


def has_colours(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Tell whether a stream shows colours."""
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def paint(text: str, colour: Colour, stream: TextIO) -> str:
    """Return a text in a colour, or as it is where the stream shows none."""
    return f"\x1b[{colour}m{text}\x1b[0m" if has_colours(stream, os.environ) else text


def print_problems(problems: Iterable[Problem]) -> None:
    """Print problems to standard error, a line each."""
    for problem in problems:
        print(f"{paint('error:', Colour.RED, sys.stderr)} {problem}", file=sys.stderr)


def print_warnings(warnings: Iterable[str]) -> None:
    """Print warnings to standard error, a line each."""
    for warning in warnings:
        print(f"{paint('warning:', Colour.YELLOW, sys.stderr)} {warning}", file=sys.stderr)
