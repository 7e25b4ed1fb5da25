"""The columns of one target: which series each is, and when its samples began and end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray

from sakshi.model.labels import EMPTY_LABELS, Labels
from sakshi.storage.bucket import find_stacked
from sakshi.storage.store import Columns

STACKED_MAX: Final = 64  # families whose buckets are remembered: their series seldom change
REFUSED: Final = -1  # the column of a series for which there was no room
COLUMN_GRACE_MS: Final = 3_600_000  # a series that is not back by then is not expected any more
FORGOTTEN_MAX: Final = 100_000  # of a target: 30 MiB at most
NO_COLUMNS: Final = np.empty(0, np.intp)
NEVER_MS: Final = -(2**63)  # before every timestamp: the newest sample of a series that has none


class ColumnTable:
    """Columns by number; a number, once given, stays. Guarded by its target's lock.

    Args (arrays with room to grow, by column):
        first_ms: when the series' first sample was; meaningless while `newest_ms` is NEVER_MS.
        newest_ms: when its newest sample was.
        families: the number of its metric family.
        indexed: whether the index of the store knows it.
        idle_ms: before when everything had expired, as its series was found without samples;
            NEVER_MS where it has some.
    """

    def __init__(self) -> None:
        self.labels: list[Labels | None] = []  # None: a number that is no longer used
        self.first_ms: NDArray[np.int64] = np.empty(0, np.int64)
        self.newest_ms: NDArray[np.int64] = np.empty(0, np.int64)
        self.families: Columns = np.empty(0, np.intp)
        self.indexed: NDArray[np.bool_] = np.empty(0, np.bool_)
        self.idle_ms: NDArray[np.int64] = np.empty(0, np.int64)
        self._column_of: dict[Labels, int] = {}
        self._texts: dict[int, bytes] = {}  # labels of columns that were forgotten, oldest first
        self._forgotten: dict[bytes, int] = {}  # the same the other way round
        self._stacked: dict[bytes, NDArray[np.bool_]] = {}

    @property
    def has_series(self) -> bool:
        """Whether any series has a column."""
        return bool(self._column_of)

    def find_idle(self, before_ms: int) -> Columns:
        """Return the columns that have had no samples for `COLUMN_GRACE_MS`.

        Args:
            before_ms: everything older has expired.
        """
        count = len(self.labels)
        is_idle = ~self.indexed[:count] & (self.newest_ms[:count] < before_ms)
        idle_ms = self.idle_ms[:count]
        idle_ms[~is_idle] = NEVER_MS
        idle_ms[is_idle & (idle_ms == NEVER_MS)] = before_ms
        return np.flatnonzero(is_idle & (idle_ms <= before_ms - COLUMN_GRACE_MS))

    def forget(self, columns: Columns) -> list[int]:
        """Forget which series these columns are, as far as they were known; return those.

        An appender may still hold such a column. So its labels are kept as text, which takes less
        memory, of the last `FORGOTTEN_MAX` of them.
        """
        forgotten = []
        for column in columns.tolist():
            labels = self.labels[column]
            if labels is not None:
                self.labels[column] = None
                del self._column_of[labels]
                text = self._texts[column] = orjson.dumps(labels.pairs)
                self._forgotten[text] = column
                forgotten.append(column)
        while len(self._texts) > FORGOTTEN_MAX:
            del self._forgotten[self._texts.pop(next(iter(self._texts)))]
        if forgotten:
            self._stacked = {}
        return forgotten

    def recall(self, column: int) -> bool:
        """Know a column's series again; tell whether it still could be."""
        text = self._texts.pop(column, None)
        if text is None:
            return False
        del self._forgotten[text]
        labels = Labels.from_sorted(tuple((name, value) for name, value in orjson.loads(text)))
        self.labels[column] = labels
        self._column_of[labels] = column
        return True

    def find_forgotten(self, labels: Labels) -> int | None:
        """Return the column that a series had before it was forgotten, or None."""
        return self._forgotten.get(orjson.dumps(labels.pairs)) if self._forgotten else None

    def find(self, labels: Labels) -> int | None:
        """Return the column of a series, or None."""
        return self._column_of.get(labels)

    def get(self, series: Sequence[Labels]) -> Columns:
        """Return the column of each series, REFUSED for unknown ones; the array is read-only."""
        find = self._column_of.get
        columns = np.fromiter((find(labels, REFUSED) for labels in series), np.intp, len(series))
        columns.flags.writeable = False
        return columns

    def stacked(self, columns: Columns) -> NDArray[np.bool_]:
        """Tell which of these columns are the next bucket above the column before them."""
        key = columns.tobytes()
        found = self._stacked.get(key)
        if found is None:
            if len(self._stacked) >= STACKED_MAX:
                self._stacked = {}
            series = [self.labels[column] or EMPTY_LABELS for column in columns.tolist()]
            found = self._stacked[key] = find_stacked(series)
        return found

    def add(self, labels: Labels, family: int, column: int | None = None) -> int:
        """Return the number of a new column: the next one, or the one that it had on disk."""
        column = len(self.labels) if column is None else column
        self.reserve(column)
        self.labels[column] = labels
        self.families[column] = family
        self._column_of[labels] = column
        return column

    def reserve(self, column: int) -> None:
        """Take a number, and all below it: none of them is given to a new series."""
        self.labels.extend([None] * (column + 1 - len(self.labels)))
        known = self.newest_ms.size
        if column < known:
            return
        more = max(column + 1, 2 * known) - known
        self.first_ms = np.append(self.first_ms, np.full(more, NEVER_MS))
        self.newest_ms = np.append(self.newest_ms, np.full(more, NEVER_MS))
        self.families = np.append(self.families, np.zeros(more, np.intp))
        self.indexed = np.append(self.indexed, np.zeros(more, np.bool_))
        self.idle_ms = np.append(self.idle_ms, np.full(more, NEVER_MS))
