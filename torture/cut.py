"""Power cuts: the store's writes and syncs are recorded once, then cut off at many moments.

The negative control syncs less than it promises (`synchronous = off`, or `normal`).
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from sakshi.storage import SqliteStore, StorageError
from torture.image import DiskImage, moments
from torture.journal import CONFIG, Judge, Writer
from torture.progress import Progress
from torture.recorder import Acknowledge, Event, RecordedDatabase, RecordingDisk

STEPS: Final = 300  # of a recording: several checkpoints of the log, seals, an expiry
IMAGES_OF_A_RECORDING: Final = 500


class CutTorture:
    """Records a store, builds images of its disk, opens and inspects them.

    Args:
        folder: is emptied.
        chance: decides where to cut, and what reached the disk.
        synchronous: `full`, or how the negative control syncs.
        steps: of a recording.
    """

    def __init__(
        self, folder: Path, chance: random.Random, synchronous: str = "full", steps: int = STEPS
    ) -> None:
        self._folder = folder
        self._chance = chance
        self._synchronous = synchronous
        self._steps = steps
        self._judge = Judge(steps)
        self._recordings = 0

    def run(self, progress: Progress, images: int, tell: Callable[[], None]) -> None:
        """Count until so many images are inspected; `tell` is called after each recording."""
        while progress.rounds < images:
            begin = time.perf_counter()
            events = self._record()
            count = min(images - progress.rounds, IMAGES_OF_A_RECORDING)
            self._cut(progress, events, count)
            progress.seconds += time.perf_counter() - begin
            tell()

    def _record(self) -> Sequence[Event]:
        """Return all that a store does to its disk in so many steps."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._recordings += 1
        disk = RecordingDisk(f"recording-{id(self)}-{self._recordings}")
        database = RecordedDatabase(disk, self._synchronous)
        with closing(SqliteStore(self._folder / "recording", CONFIG, connect=database)) as store:
            writer = Writer(store)
            first = self._chance.randrange(3)  # so that recordings are not all alike
            for step in range(self._steps):
                writer.append(step)
                if step < first or self._chance.random() < 0.9:
                    store.commit()
                    disk.events.append(Acknowledge(step))
                    writer.expire(step)  # after it: the judge knows by the step what may be gone
        return disk.events

    def _cut(self, progress: Progress, events: Sequence[Event], count: int) -> None:
        disk, happened = DiskImage(), 0
        for moment in moments(events, count, self._chance):
            for event in events[happened:moment]:
                disk.apply(event)
            happened = moment
            folder = self._folder / "image"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            disk.cut(folder, self._chance)
            self._inspect(progress, folder, disk.acknowledged)

    def _inspect(self, progress: Progress, folder: Path, acknowledged: int) -> None:
        progress.rounds += 1
        progress.acknowledged += acknowledged >= 0
        try:
            with closing(SqliteStore(folder, CONFIG)) as store:
                newest = max(acknowledged, self._judge.last_step(store))
                verdict = self._judge.inspect(store, acknowledged, newest)
        except StorageError:
            progress.unopenable += 1
            return
        progress.samples += verdict.samples
        progress.lost += verdict.lost
        progress.wrong += verdict.wrong
