"""The exit codes of all commands: each means the same wherever it comes from."""

from __future__ import annotations

from typing import Final

FAILED: Final = 1
"""It could not be done: no answer, a port that is taken, a package that is not installed."""

BAD_INPUT: Final = 2
"""What it was given is wrong: a file, a query."""

UNKNOWN: Final = 3
"""It is not known: there is no data, or no answer from whoever has it."""

USAGE_ERROR: Final = 64
"""The command line is wrong: EX_USAGE of sysexits.h."""

INTERRUPTED: Final = 130
"""Ctrl-C: 128 and SIGINT, as shells count."""
