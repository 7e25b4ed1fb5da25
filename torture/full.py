"""A disk that fills up and is emptied again, over and over, under a store that goes on writing.

The disk is full where the system refuses every write behind a place in a file: the process' own
limit on file sizes (RLIMIT_FSIZE) says so. Meanwhile the store must answer with all that was
appended; once there is room, one commit makes everything durable. The negative control gives up
what the disk refused.
"""

from __future__ import annotations

import random
import resource
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from sakshi.storage import SqliteStore, StorageFullError
from torture.journal import CONFIG, KEPT_ROWS, Judge, Writer
from torture.progress import Progress

CYCLES_OF_A_STORE: Final = 10  # then it is opened anew
STEPS_MAX: Final = 12  # of a disk that is full, or is not
FULL_BYTES: Final = 4096  # no file may have more: not one page of the log can be added


class FullTorture:
    """Cycles of a disk that is full and one that is not.

    Args:
        folder: is emptied.
        chance: decides how long.
        is_forgetful: run the negative control.
    """

    def __init__(self, folder: Path, chance: random.Random, *, is_forgetful: bool = False) -> None:
        self._folder = folder
        self._chance = chance
        self._config = replace(CONFIG, pending_bytes_max=0) if is_forgetful else CONFIG

    def run(self, progress: Progress, rounds: int, tell: Callable[[], None]) -> None:
        """Count until the disk was full so many times; `tell` is called after each store."""
        while progress.rounds < rounds:
            begin = time.perf_counter()
            shutil.rmtree(self._folder, ignore_errors=True)
            cycles = min(CYCLES_OF_A_STORE, rounds - progress.rounds)
            judge = Judge(2 * STEPS_MAX * cycles)
            with closing(SqliteStore(self._folder, self._config)) as store:
                last = self._fill_and_empty(progress, store, judge, cycles)
            with closing(SqliteStore(self._folder, self._config)) as store:
                _count(progress, judge, store, last)
            progress.seconds += time.perf_counter() - begin
            tell()

    def _fill_and_empty(
        self, progress: Progress, store: SqliteStore, judge: Judge, cycles: int
    ) -> int:
        """Return the last step."""
        writer, step = Writer(store), 0
        for _ in range(cycles):
            for _ in range(self._chance.randrange(1, STEPS_MAX)):
                writer.append(step)
                store.commit()
                step += 1
            with full_disk():
                for _ in range(self._chance.randrange(1, STEPS_MAX)):
                    writer.append(step)
                    step += 1
                    if _is_accepted(store):
                        progress.unopenable += 1
            _count(progress, judge, store, step - 1)
            store.commit()
            progress.acknowledged += 1
            progress.rounds += 1
        return step - 1


def _is_accepted(store: SqliteStore) -> bool:
    """Commit; tell whether the store claims that it could."""
    try:
        store.commit()
    except StorageFullError:
        return False
    return True


def _count(progress: Progress, judge: Judge, store: SqliteStore, last: int) -> None:
    verdict = judge.inspect(store, last, min(last, KEPT_ROWS))
    progress.samples += verdict.samples
    progress.lost += verdict.lost
    progress.wrong += verdict.wrong


@contextmanager
def full_disk() -> Iterator[None]:
    """Have the system refuse what would make a file of this process grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FULL_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
