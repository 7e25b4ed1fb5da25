"""How a target takes rows that go to chunks at once, past memory and log.

At a start, rows of the log that are not newer than the newest chunk are taken for sealed. So what
is imported may become a chunk only as far as it is older than all rows that the log alone has;
the rest is appended as late samples are. `begin_import` draws that line, and holds it: from then on
whatever comes for a moment before it is a late sample.
"""

from __future__ import annotations

import numpy as np

from sakshi.storage.appended import AppendedRows
from sakshi.storage.column import NO_COLUMNS
from sakshi.storage.span import Span
from sakshi.storage.store import Columns, Timestamps, Values
from sakshi.storage.taken import NewColumn
from sakshi.storage.value import is_absent


class ImportedRows(AppendedRows):
    """The rows of one target in memory, beside which others are imported."""

    def begin_import(self, newest_ms: int) -> int:
        """Return the moment before which imported rows may become chunks.

        Args:
            newest_ms: of all that will be imported.
        """
        with self._working():
            rows = self._matrix.timestamps[: self._matrix.count]
            unsealed = rows[rows > self._sealed_ms]
            limit_ms = int(unsealed[0]) if unsealed.size else newest_ms + 1
            last_ms = min(newest_ms, limit_ms - 1)
            self._sealed_ms = max(self._sealed_ms, last_ms)
            self._newest_ms = max(self._newest_ms, last_ms)
            return limit_ms

    def describe_import(
        self, columns: Columns, first_ms: Timestamps, last_ms: Timestamps
    ) -> tuple[list[NewColumn], list[tuple[int, int]]]:
        """Return what the disk must learn of series: their first samples, and their last.

        Args:
            columns: shape (k,).
            first_ms: shape (k,), of what will be imported.
            last_ms: shape (k,), likewise.

        Returns:
            The series that are new or begin earlier; column and moment of those that end here.
        """
        with self._lock:
            table = self._table
            is_unknown = ~table.indexed[columns]
            is_new = is_unknown | (table.first_ms[columns] > first_ms)
            ends = is_unknown | (table.newest_ms[columns] < last_ms)
            new = [
                NewColumn(column, labels, int(table.families[column]), first)
                for column, first in zip(
                    columns[is_new].tolist(), first_ms[is_new].tolist(), strict=True
                )
                if (labels := table.labels[column]) is not None
            ]
            ended = zip(columns[ends].tolist(), last_ms[ends].tolist(), strict=True)
            return new, [*self._unsaid_ends(), *ended]

    def end_import(
        self,
        spans: list[Span],
        columns: Columns,
        first_ms: Timestamps,
        last_ms: Timestamps,
        sample_count: int,
    ) -> None:
        """Show the rows that are on disk now: arguments as of `describe_import`."""
        with self._lock:
            table = self._table
            is_new = ~table.indexed[columns]
            if is_new.any():
                waiting = len(self._unsaved)
                self._make_known(columns[is_new], int(first_ms.min()))
                del self._unsaved[waiting:]  # the disk knows them
                table.first_ms[columns[is_new]] = first_ms[is_new]
                table.newest_ms[columns[is_new]] = last_ms[is_new]
            table.first_ms[columns] = np.minimum(table.first_ms[columns], first_ms)
            table.newest_ms[columns] = np.maximum(table.newest_ms[columns], last_ms)
            self._spans = self._spans.plus(*spans)
            self._unsaid = NO_COLUMNS
            self.samples += sample_count

    def append_imported(self, timestamp_ms: int, columns: Columns, values: Values) -> int:
        """Append samples that no chunk has, however late; return how many were not there yet."""
        with self._working():
            if timestamp_ms > self._newest_ms:
                self._append_row(timestamp_ms, columns, values)
                return columns.size
            new = is_absent(self._find_stored(timestamp_ms, columns, None))
            self._append_late(timestamp_ms, columns[new], values[new])
            return int(new.sum())
