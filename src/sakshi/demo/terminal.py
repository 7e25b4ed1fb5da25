"""The demo's lines in a terminal: colour where a person looks, plain text everywhere else."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final, TextIO

RESET: Final = "\x1b[0m"
STYLES: Final = (
    (re.compile(r"\bis firing\b"), "\x1b[1;31m"),
    (re.compile(r"\bis pending\b"), "\x1b[33m"),
    (re.compile(r"\bis resolved\b"), "\x1b[32m"),
    (re.compile(r"(?<=  )(OK)$", re.MULTILINE), "\x1b[32m"),
    (re.compile(r"(?<=  )(OFF TARGET|NO DATA|WARNING)$", re.MULTILINE), "\x1b[33m"),
    (re.compile(r"(?<=  )(CRITICAL)$", re.MULTILINE), "\x1b[1;31m"),
    (re.compile(r"^\d\d:\d\d", re.MULTILINE), "\x1b[2m"),
    (re.compile(r"https?://\S+"), "\x1b[4m"),
)


class Terminal:
    """Prints lines, coloured where the stream is a terminal and NO_COLOR is not set.

    Source:
        no-color.org
    """

    def __init__(self, stream: TextIO, environment: Mapping[str, str] = os.environ) -> None:
        self._stream = stream
        self._has_color = stream.isatty() and not environment.get("NO_COLOR")

    def say(self, text: str) -> None:
        """Print a text, which may have several lines, at once."""
        print(colored(text) if self._has_color else text, file=self._stream, flush=True)


def colored(text: str) -> str:
    """Return a text in which states, verdicts and addresses have colours.

    Every colour stands beside a word that says the same.
    """
    for pattern, style in STYLES:
        text = pattern.sub(lambda match, style=style: f"{style}{match[0]}{RESET}", text)  # type: ignore[misc] # a default binds the loop's value
    return text
