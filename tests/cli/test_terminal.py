from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from sakshi.cli.terminal import Colour, has_colours, paint


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({}, True),
    ],
)
def test_a_terminal_has_colours_unless_somebody_objects(
    environment: dict[str, str], expected: bool
) -> None:
    """`NO_COLOR` with any value but the empty one objects, and so does a dumb terminal."""
    assert has_colours(Terminal(), environment) is expected


def test_what_is_no_terminal_has_none() -> None:
    """A file, a pipe: they get the text alone."""
    assert not has_colours(io.StringIO(), {"TERM": "xterm"})
    assert paint("error:", Colour.RED, io.StringIO()) == "error:"


def show(arguments: list[str], **environment: str) -> bytes:
    """Return what a command shows on a terminal of its own."""
    primary, secondary = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "sakshi", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=secondary,
        stderr=secondary,
        env={**os.environ, "TERM": "xterm", **environment},
    ):
        os.close(secondary)
        shown = b""
        try:
            while chunk := os.read(primary, 4096):
                shown += chunk
        except OSError:  # Linux says so when the last writer has closed
            pass
        finally:
            os.close(primary)
    return shown


@pytest.mark.slow
def test_errors_are_red_on_a_terminal(tmp_path: Path) -> None:
    """And plain where `NO_COLOR` is set."""
    path = tmp_path / "x.yml"
    path.write_text("globl: {}")

    coloured = show(["check", str(path)], NO_COLOR="")
    plain = show(["check", str(path)], NO_COLOR="1")

    assert coloured.startswith(b"\x1b[31merror:\x1b[0m ")
    assert plain.startswith(b"error: ")
    assert b"\x1b" not in plain
