"""Images of a disk after a power cut: all that was synced, and chance decides about the rest.

A write that was not synced may have reached the disk or not, whatever came before and after it, and
only some of its sectors may have; a truncation may have happened or not. What was synced is there.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from torture.recorder import Acknowledge, Delete, Event, Sync, Truncate, Write

SECTOR_BYTES: Final = 512  # what a disk writes whole


class DiskImage:
    """Files as bytes: what is certainly on the disk, and what may be.

    Feed it with events by `apply`; `cut` is a power cut at that moment.
    """

    def __init__(self) -> None:
        self._certain: dict[str, bytearray] = {}
        self._pending: dict[str, list[Write | Truncate]] = defaultdict(list)
        self.acknowledged = -1

    def apply(self, event: Event) -> None:
        """Let one event happen."""
        match event:
            case Acknowledge(step):
                self.acknowledged = step
            case Sync(file):
                for pending in self._pending.pop(file, []):
                    _perform(self._certain.setdefault(file, bytearray()), pending)
            case Delete(file):
                self._certain.pop(file, None)
                self._pending.pop(file, None)
            case _:
                self._pending[event.file].append(event)

    def cut(self, folder: Path, chance: random.Random) -> None:
        """Write the files as a power cut may leave them."""
        share = chance.choice([0.0, 0.1, 0.5, 0.9, 1.0])  # of the pending writes that made it
        for file in {*self._certain, *self._pending}:
            data = bytearray(self._certain.get(file, b""))
            for pending in self._pending.get(file, ()):
                if chance.random() < share:
                    _perform(data, _tear(pending, chance))
            (folder / file).write_bytes(data)


def _tear(event: Write | Truncate, chance: random.Random) -> Write | Truncate:
    """Return the write, or, one time in four, a write of its first or last sectors."""
    if isinstance(event, Truncate) or chance.random() < 0.75 or len(event.data) <= SECTOR_BYTES:
        return event
    middle = SECTOR_BYTES * chance.randrange(1, -(-len(event.data) // SECTOR_BYTES))
    if chance.random() < 0.5:
        return Write(event.file, event.offset, event.data[:middle])
    return Write(event.file, event.offset + middle, event.data[middle:])


def _perform(data: bytearray, event: Write | Truncate) -> None:
    if isinstance(event, Truncate):
        del data[event.size :]
        data.extend(bytes(event.size - len(data)))
        return
    data.extend(bytes(max(0, event.offset - len(data))))
    data[event.offset : event.offset + len(event.data)] = event.data


def moments(events: Sequence[Event], count: int, chance: random.Random) -> list[int]:
    """Return so many moments, sorted: how many events have happened when the power goes."""
    return sorted(chance.randrange(len(events) + 1) for _ in range(count))
