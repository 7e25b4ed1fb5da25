"""Damage: bits are flipped in a store's files, or sectors and whole ends are gone; then it starts.

It must start, answer, and give no value that was never written. What it lost is counted and is no
failure: that is what damage costs. The negative control is a chunk that was forged: another value
under a checksum that is right.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from sakshi.storage import SqliteStore, StorageError
from sakshi.storage.checksum import checksum
from sakshi.storage.codec import Codec, decode_chunk, encode_chunk
from torture.journal import CONFIG, Judge, Writer
from torture.progress import Progress

STEPS: Final = 90
BITS_MAX: Final = 8
SECTOR_BYTES: Final = 512
FILES: Final = ("samples.db", "samples.db-wal")


class MutationTorture:
    """Copies the files of a store that was killed, damages them, opens the store.

    Args:
        folder: is emptied.
        chance: decides about the damage.
        is_forged: run the negative control.
    """

    def __init__(self, folder: Path, chance: random.Random, *, is_forged: bool = False) -> None:
        self._folder = folder
        self._chance = chance
        self._is_forged = is_forged
        self._judge = Judge(STEPS)

    def run(self, progress: Progress, rounds: int, tell: Callable[[], None]) -> None:
        """Count until so many damaged stores were opened; `tell` is called after each."""
        sound = self._make_sound()
        image = self._folder / "image"
        while progress.rounds < rounds:
            begin = time.perf_counter()
            shutil.rmtree(image, ignore_errors=True)
            image.mkdir()
            for name, data in sound.items():
                (image / name).write_bytes(data)
            if self._is_forged:
                forge_chunk(image / FILES[0])
            else:
                self._damage(image)
            self._inspect(progress, image)
            progress.seconds += time.perf_counter() - begin
            tell()

    def _make_sound(self) -> dict[str, bytes]:
        """Return the files of a store as a kill leaves them: database and log."""
        shutil.rmtree(self._folder, ignore_errors=True)
        with closing(SqliteStore(self._folder / "sound", CONFIG)) as store:
            writer = Writer(store)
            for step in range(STEPS):
                writer.append(step)
                store.commit()
            return {name: (self._folder / "sound" / name).read_bytes() for name in FILES}

    def _damage(self, image: Path) -> None:
        file = image / self._chance.choice(FILES)
        data = bytearray(file.read_bytes())
        place = self._chance.randrange(len(data))
        kind = self._chance.randrange(4)
        if kind == 0:
            del data[place:]
        elif kind == 1:
            size = min(SECTOR_BYTES, len(data) - place)
            data[place : place + size] = self._chance.choice(
                [bytes(size), self._chance.randbytes(size)]
            )
        else:
            for _ in range(self._chance.randrange(1, BITS_MAX)):
                data[self._chance.randrange(len(data))] ^= 1 << self._chance.randrange(8)
        file.write_bytes(data)

    def _inspect(self, progress: Progress, image: Path) -> None:
        progress.rounds += 1
        try:
            with closing(SqliteStore(image, CONFIG)) as store:
                verdict = self._judge.inspect(store, -1, 0)
        except StorageError:
            progress.unopenable += 1
            return
        progress.samples += verdict.samples
        progress.wrong += verdict.wrong


def forge_chunk(database: Path) -> None:
    """Give a chunk another value, and the checksum that belongs to it."""
    with closing(sqlite3.connect(database)) as connection, connection:
        span_id, family_id, data = connection.execute(
            "select span_id, family_id, data from chunk where codec = ? limit 1", (Codec.PCODEC,)
        ).fetchone()
        chunk = decode_chunk(data)
        values = chunk.values.copy()
        values[0, 0] += 1
        forged = encode_chunk(chunk.columns, values)
        numbers = (span_id, family_id, chunk.columns.size, int(Codec.PCODEC))
        connection.execute(
            "update chunk set data = ?, checksum = ? where (span_id, family_id) = (?, ?)",
            (forged, checksum(forged, *numbers), span_id, family_id),
        )
