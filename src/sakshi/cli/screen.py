"""A terminal on which the same thing is shown again and again, each time over the time before.

Each drawing is one write: from the top left, each line with what was right of it erased, then
everything below. Nothing is ever blank in between, so nothing flickers. It happens on the
terminal's alternate screen: what stood there before is there again at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, TextIO

ENTER: Final = "\x1b[?1049h\x1b[?25l\x1b[?7l"
"""The alternate screen, no cursor; a line that is too long is cut off instead of wrapped."""

LEAVE: Final = "\x1b[?7h\x1b[?25h\x1b[?1049l"

_TOP_LEFT: Final = "\x1b[H"
_ERASE_RIGHT: Final = "\x1b[K"
_ERASE_BELOW: Final = "\x1b[J"


def is_screen(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Tell whether a stream is a terminal that can be drawn on."""
    return stream.isatty() and environment.get("TERM", "dumb") != "dumb"


@contextmanager
def entered(stream: TextIO) -> Iterator[None]:
    """Draw on the alternate screen until the block ends, however it ends."""
    stream.write(ENTER)
    try:
        yield
    finally:
        stream.write(LEAVE)
        stream.flush()


def draw(stream: TextIO, lines: Sequence[str], height: int) -> None:
    """Draw lines from the top of the screen; the last one says how many more there are.

    Args:
        stream: a terminal.
        lines: without line ends.
        height: of the terminal in lines, at least 1.
    """
    if len(lines) > height:
        more = len(lines) - height + 1
        lines = [*lines[: height - 1], f"... {more} more lines"]
    drawn = "\n".join(f"{line}{_ERASE_RIGHT}" for line in lines)
    stream.write(f"{_TOP_LEFT}{drawn}{_ERASE_BELOW}")
    stream.flush()
