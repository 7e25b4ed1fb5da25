"""When things were first seen, by several threads, on the machine's one wall clock."""

from __future__ import annotations

import threading
from collections.abc import Hashable


class Moments:
    """The first moment of each key, in seconds since the epoch."""

    def __init__(self) -> None:
        self._first: dict[Hashable, float] = {}
        self._changed = threading.Condition()

    def note(self, key: Hashable, at: float) -> None:
        """Keep a moment, unless the key has one."""
        with self._changed:
            self._first.setdefault(key, at)
            self._changed.notify_all()

    def wait(self, key: Hashable, seconds_max: float) -> float | None:
        """Return the moment of a key, as soon as it has one; None: not within that time."""
        with self._changed:
            self._changed.wait_for(lambda: key in self._first, seconds_max)
            return self._first.get(key)
