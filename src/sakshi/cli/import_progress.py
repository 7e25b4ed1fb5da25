"""How far an import is, in one line of a terminal that is written over again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TextIO

INTERVAL_SECONDS: Final = 0.2

_ERASE: Final = "\r\x1b[K"


class ImportProgress:
    """Shows progress where somebody sees it; nothing where the stream is no terminal.

    Args:
        stream: of the terminal.
        monotonic: seconds that never step back.
        is_wanted: False: nothing is shown at all.
    """

    def __init__(
        self, stream: TextIO, monotonic: Callable[[], float], *, is_wanted: bool = True
    ) -> None:
        self._stream, self._monotonic = stream, monotonic
        self._is_shown = is_wanted and stream.isatty()
        self._doing = ""
        self._started = self._shown = monotonic()

    def begin(self, doing: str) -> None:
        """Begin a part of the work, whose rate is its own."""
        self._doing = doing
        self._started, self._shown = self._monotonic(), 0.0

    def show(self, samples: int, share: float | None = None, note: str = "") -> None:
        """Show how many samples are done, and which share of the work, if it is time again."""
        now = self._monotonic()
        if not self._is_shown or now - self._shown < INTERVAL_SECONDS:
            return
        self._shown = now
        rate = samples / max(now - self._started, 0.001)
        parts = [f"{samples:,} samples", f"{rate:,.0f} a second"]
        if share is not None:
            parts.insert(1, f"{100 * share:.0f}%")
        parts += [note] if note else []
        self._stream.write(f"{_ERASE}{self._doing}: {', '.join(parts)}")
        self._stream.flush()

    def end(self) -> None:
        """Leave the terminal's line empty."""
        if self._is_shown and self._doing:
            self._stream.write(_ERASE)
            self._stream.flush()
