"""Late samples, kept in the order in which they became durable: see `Journal`.

In memory they are a list; on disk a row of the table `late` each, written in the transaction that
makes them durable.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import numpy as np

from sakshi.storage.checksum import checksum, is_sound
from sakshi.storage.database import Database
from sakshi.storage.store import Columns, LateSamples, Values
from sakshi.storage.taken import Patch
from sakshi.storage.target import TargetHead
from sakshi.storage.value import is_absent

INSERT_LATE: Final = (
    "insert into late (target_id, timestamp_ms, checksum, columns, samples) values (?, ?, ?, ?, ?)"
)
SELECT_LATE: Final = (
    "select id, target_id, timestamp_ms, checksum, columns, samples "
    "from late where id > ? order by id limit ?"
)
SELECT_LAST: Final = "select coalesce(max(seq), 0) from sqlite_sequence where name = 'late'"
FORGET_LATE: Final = "delete from late where id <= ?"
EXPIRE_LATE: Final = "delete from late where timestamp_ms < ?"

_COLUMN_BYTES: Final = np.dtype("<i4")
_VALUE_BYTES: Final = np.dtype("<f8")

logger = logging.getLogger(__name__)

FindTarget = Callable[[int], TargetHead | None]
"""Returns the target of a number; None where it is gone."""


class MemoryLate:
    """Late samples of a store without a disk."""

    def __init__(self) -> None:
        self.last_id = 0
        self._kept: list[tuple[int, TargetHead, Patch]] = []

    def add(self, target: TargetHead, patches: Iterable[Patch]) -> None:
        """Keep late samples of a target."""
        for patch in patches:
            self.last_id += 1
            self._kept.append((self.last_id, target, patch))

    def read(self, after_id: int, count_max: int) -> Sequence[LateSamples]:
        """Return the oldest with a larger id: see `Journal`."""
        found = [
            late
            for id, target, patch in self._kept
            if id > after_id and (late := describe_late(id, target, patch)) is not None
        ]
        return found[:count_max]

    def forget(self, id: int) -> None:
        """Forget those up to an id."""
        self._kept = [entry for entry in self._kept if entry[0] > id]

    def expire(self, before_ms: int) -> None:
        """Forget those of moments that are older."""
        self._kept = [entry for entry in self._kept if entry[2].timestamp_ms >= before_ms]


class LateReader:
    """Late samples of a store on disk.

    Args:
        database: holds them.
        find_target: knows whose they are.
    """

    def __init__(self, database: Database, find_target: FindTarget) -> None:
        self.damaged = 0
        self._database = database
        self._find_target = find_target

    def last_id(self) -> int:
        """Return the id of the last late samples that there ever were in this file."""
        try:
            with self._database.read() as connection:
                (last,) = connection.execute(SELECT_LAST).fetchone()
                return int(last)
        except sqlite3.DatabaseError:  # damage shows at the next commit
            return 0

    def read(self, after_id: int, count_max: int) -> Sequence[LateSamples]:
        """Return the oldest with a larger id: see `Journal`."""
        found: list[LateSamples] = []
        while not found:
            try:
                with self._database.read() as connection:
                    rows = connection.execute(SELECT_LATE, (after_id, count_max)).fetchall()
            except sqlite3.DatabaseError as error:
                self._report(after_id, str(error))
                break
            if not rows:
                break
            after_id = rows[-1][0]
            found = [late for row in rows if (late := self._describe(*row)) is not None]
        return found

    def _describe(
        self,
        id: int,
        target_id: int,
        timestamp_ms: int,
        expected: int,
        columns: bytes,
        samples: bytes,
    ) -> LateSamples | None:
        if not is_sound(expected, columns + samples, target_id, timestamp_ms):
            self._report(id, "wrong checksum")
            return None
        target = self._find_target(target_id)
        if target is None:
            return None
        numbers: Columns = np.frombuffer(columns, _COLUMN_BYTES).astype(np.intp)
        values: Values = np.frombuffer(samples, _VALUE_BYTES).astype(np.float64, copy=False)
        return describe_late(id, target, Patch(timestamp_ms, numbers, values))

    def _report(self, id: int, reason: str) -> None:
        self.damaged += 1
        logger.error("late=damaged id=%d reason=%r", id, reason)


def write_late(
    connection: sqlite3.Connection, target: TargetHead, patches: Iterable[Patch]
) -> None:
    """Write late samples of a target, in a transaction of the caller."""
    rows = []
    for patch in patches:
        columns = patch.columns.astype(_COLUMN_BYTES).tobytes()
        samples = patch.values.astype(_VALUE_BYTES, copy=False).tobytes()
        number = checksum(columns + samples, target.id, patch.timestamp_ms)
        rows.append((target.id, patch.timestamp_ms, number, columns, samples))
    connection.executemany(INSERT_LATE, rows)


def describe_late(id: int, target: TargetHead, patch: Patch) -> LateSamples | None:
    """Return a patch with its series, less what is forgotten or deleted; None where that is all."""
    moments = np.array([patch.timestamp_ms], np.int64)
    hidden = target.deletions.hide(patch.columns, moments, patch.values[np.newaxis])
    values = patch.values if hidden is None else hidden[0]
    labels = target.labels_of(patch.columns)
    kept = [
        index
        for index, is_hole in enumerate(is_absent(values).tolist())
        if labels[index] and not is_hole
    ]
    if not kept:
        return None
    series = [labels[index] for index in kept]
    return LateSamples(id, target.labels, patch.timestamp_ms, series, values[kept])
