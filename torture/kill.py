"""Kill -9: a writer process dies at a random moment; what it had acknowledged must be there.

One folder lives through many kills, so that what a kill leaves behind meets the next start. The
negative control acknowledges before it commits.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from sakshi.storage import SqliteStore, StorageError
from torture.journal import CONFIG, Judge
from torture.progress import Progress

STEPS_MAX: Final = 120  # acknowledged before a kill
STEPS_OF_A_FOLDER: Final = 3000  # then another one begins: reading it would take too long
ROOT: Final = Path(__file__).resolve().parent.parent
PAUSE_SECONDS_MAX: Final = 0.01  # between the last acknowledgement that is read, and the kill


class KillTorture:
    """Cycles of writing, killing, inspecting.

    Args:
        folder: is emptied.
        chance: decides when to kill.
        is_early: run the negative control.
    """

    def __init__(self, folder: Path, chance: random.Random, *, is_early: bool = False) -> None:
        self._folder = folder.resolve()
        self._chance = chance
        self._mode = ["early"] if is_early else []
        self._judge = Judge(STEPS_OF_A_FOLDER + 4 * STEPS_MAX)
        self._last = -1

    def run(self, progress: Progress, cycles: int, tell: Callable[[], None]) -> None:
        """Count until so many kills are done; `tell` is called after each."""
        shutil.rmtree(self._folder, ignore_errors=True)
        while progress.rounds < cycles:
            begin = time.perf_counter()
            if self._last > STEPS_OF_A_FOLDER:
                shutil.rmtree(self._folder)
                self._last = -1
            acknowledged = self._write_and_kill()
            self._count(progress, acknowledged)
            progress.seconds += time.perf_counter() - begin
            tell()

    def _write_and_kill(self) -> int:
        """Return the last step that was acknowledged before the kill."""
        command = [sys.executable, "-m", "torture.writer", str(self._folder), str(self._last + 1)]
        with subprocess.Popen(command + self._mode, stdout=subprocess.PIPE, cwd=ROOT) as process:
            assert process.stdout is not None
            steps = self._chance.randrange(1, STEPS_MAX)
            lines = [process.stdout.readline() for _ in range(steps)]
            time.sleep(self._chance.random() * PAUSE_SECONDS_MAX)
            process.kill()
            lines += process.stdout.readlines()  # written before the kill, read after it
        whole = [line for line in lines if line.endswith(b"\n")]
        if len(whole) < len(lines) - 1:
            raise RuntimeError("the writer ended by itself: its error is above")
        return int(whole[-1])

    def _count(self, progress: Progress, acknowledged: int) -> None:
        progress.rounds += 1
        progress.acknowledged += acknowledged - self._last
        try:
            with closing(SqliteStore(self._folder, CONFIG)) as store:
                self._last = self._judge.last_step(store)
                newest = max(acknowledged, self._last)
                verdict = self._judge.inspect(store, acknowledged, newest)
        except StorageError:
            progress.unopenable += 1
            raise
        progress.samples += verdict.samples
        progress.lost += verdict.lost
        progress.wrong += verdict.wrong
