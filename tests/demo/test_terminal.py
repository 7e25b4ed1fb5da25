"""Colour on a terminal, and nowhere else."""

from __future__ import annotations

import io

import pytest

from sakshi.demo.terminal import Terminal, colored


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "is_colored"),
    [
        pytest.param(Tty(), {}, True, id="a terminal"),
        pytest.param(Tty(), {"NO_COLOR": "1"}, False, id="a terminal whose user wants none"),
        pytest.param(Tty(), {"NO_COLOR": ""}, True, id="an empty NO_COLOR says nothing"),
        pytest.param(io.StringIO(), {}, False, id="a pipe or a file"),
    ],
)
def test_colour_is_for_terminals(stream, environment, is_colored):
    """What goes to a file stays plain."""
    Terminal(stream, environment).say("00:50  X is firing")

    assert ("\x1b[" in stream.getvalue()) is is_colored


def test_words_stay_as_they_are():
    """Colour adds, it never replaces: without the codes the text is the same."""
    text = "00:50  X is firing\n  cpu  23 %  <70%  OK\nhttp://127.0.0.1:9090"

    plain = colored(text)
    for code in ("\x1b[1;31m", "\x1b[32m", "\x1b[2m", "\x1b[4m", "\x1b[0m"):
        assert code in plain
        plain = plain.replace(code, "")
    assert plain == text
