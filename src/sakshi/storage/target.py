"""One target's recent rows, from their commit to their end.

A row's life: appended (`appended.py`) -> taken (by a commit that writes it to the log) -> sealed
(into chunks, when it is old) -> dropped from memory. `_logged` counts the rows that a commit has
taken; they lead the matrix.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sakshi.model.labels import Labels
from sakshi.storage.column import NEVER_MS, NO_COLUMNS
from sakshi.storage.deletion import DeletedRange
from sakshi.storage.imported import ImportedRows
from sakshi.storage.span import NO_SPANS, Span, SpanDirectory
from sakshi.storage.store import Columns, Values
from sakshi.storage.taken import NewColumn, Patch, TakenRows
from sakshi.storage.value import is_absent


class TargetHead(ImportedRows):
    """The rows of one target that are in memory, and what becomes of them."""

    # Durability

    def take(self) -> TakenRows | None:
        """Return what no commit has taken yet, and count it as taken; None where it is nothing."""
        with self._lock:
            if self._logged == self._matrix.count and not self._patches:
                return None
            rows = self._matrix.view()
            taken = TakenRows(
                rows.timestamps[self._logged :],
                rows.values[self._logged :],
                rows.columns,
                rows.layout,
                self._patches,
                [self._new_column(column) for column in self._unsaved],
            )
            self._logged = self._matrix.count
            self._patches, self._unsaved = [], []
            return taken

    def confirm(self, taken: TakenRows) -> None:
        """Note that what `take` returned is durable."""
        if taken.timestamps.size:
            self._written_ms = max(self._written_ms, int(taken.timestamps[-1]))
            self.committed_ms = max(self.committed_ms, self._written_ms)

    def late(self, taken: TakenRows) -> Iterator[Patch]:
        """Yield what of taken rows comes for moments up to which all others were taken before."""
        yield from taken.patches
        count = int(taken.timestamps.searchsorted(self._written_ms, "right"))
        for timestamp_ms, values in zip(
            taken.timestamps[:count].tolist(), taken.values[:count], strict=True
        ):
            there = np.flatnonzero(~is_absent(values))
            yield Patch(timestamp_ms, taken.columns[there], values[there])

    def give_back(self, taken: TakenRows) -> None:
        """Undo `take`: the commit failed, and the next one shall try again."""
        with self._lock:
            self._patches = [*taken.patches, *self._patches]
            if taken.timestamps.size:
                first_ms = max(int(taken.timestamps[0]), self._sealed_ms + 1)
                self._logged, _ = self._find_row(int(taken.timestamps[0]))
                # What came for these rows meanwhile will be taken with them.
                self._patches = [p for p in self._patches if p.timestamp_ms < first_ms]
            self._unsaved = [new.column for new in taken.new_columns] + self._unsaved

    def forget_disk(self) -> int:
        """Count nothing as taken, known or sealed: the disk lost what it had.

        Returns:
            The highest number of a span that a reader may still ask for; 0: there is none.
        """
        with self._lock:
            last = int(self._spans.table[:, 0].max(initial=0))
            self._spans = NO_SPANS
            self._sealed_ms = self._sealing_ms = self._written_ms = NEVER_MS
            self._logged, self._patches = 0, []
            self._unsaved = np.flatnonzero(self._table.indexed).tolist()
            return last

    def pending_bytes(self) -> int:
        """Return the raw size of the values that no commit has taken."""
        with self._lock:
            late = sum(patch.values.size for patch in self._patches)
            return 8 * ((self._matrix.count - self._logged) * self._matrix.width + late)

    def give_up(self) -> int:
        """Drop the older half of the rows that no commit has taken; return how many samples.

        Late samples of older rows count too: they stay readable, but the log never gets them.
        """
        with self._lock:
            count = self._matrix.count
            end = self._logged + (count - self._logged + 1) // 2
            lost = self._matrix.values[self._logged : end, : self._matrix.width]
            keep = np.ones(count, np.bool_)
            keep[self._logged : end] = False
            late = sum(patch.values.size for patch in self._patches)
            self._patches = []
            self._keep(keep)
            return int((~is_absent(lost)).sum()) + late

    def _new_column(self, column: int) -> NewColumn:
        labels = self._table.labels[column]
        assert labels is not None
        table = self._table
        return NewColumn(column, labels, int(table.families[column]), int(table.first_ms[column]))

    # Deletion

    def find_ranges(self, columns: Columns, start_ms: int, end_ms: int) -> list[DeletedRange]:
        """Return what a deletion would hide of these columns; none reaches into the future.

        Args:
            columns: of series that are known.
            start_ms: inclusive.
            end_ms: inclusive.
        """
        with self._lock:
            table = self._table
            living = columns[self.lives_within(columns, start_ms, end_ms)]
            ends = np.minimum(table.newest_ms[living], end_ms)
            return [
                (column, start_ms, end)
                for column, end in zip(living.tolist(), ends.tolist(), strict=True)
            ]

    def delete(self, ranges: Sequence[DeletedRange]) -> None:
        """Hide samples; series of which nothing is left are not known any more."""
        with self._lock:
            self.deletions = self.deletions.plus(ranges)
            self._forget_deleted({column for column, _, _ in ranges})

    def _forget_deleted(self, columns: Iterable[int]) -> None:
        table = self._table
        known = [column for column in columns if table.indexed[column]]
        gone = [
            column
            for column in known
            if self.deletions.covers(column, table.first_ms[column], table.newest_ms[column])
        ]
        if gone:
            table.indexed[gone] = False
            self._last_columns = None
            self._index.remove(self._places(np.array(gone, np.intp)))

    # Sealing and expiry

    def begin_seal(self, row_count: int, head_ms: int) -> TakenRows | None:
        """Return the oldest rows where at least so many are older than `head_ms`; else None.

        They stay in memory, and readable, until `end_seal` or `cancel_seal`.
        """
        with self._lock:
            matrix = self._matrix
            if min(matrix.count - 1, self._logged) < row_count or self._patches:
                return None
            if int(matrix.timestamps[row_count - 1]) >= self._newest_ms - head_ms:
                return None
            return self._begin_seal(row_count)

    def begin_seal_before(self, before_ms: int) -> TakenRows | None:
        """Return all rows older than a moment, if there are any and a commit has taken them."""
        with self._lock:
            row_count, _ = self._find_row(before_ms)
            if not 0 < row_count <= self._logged or self._patches:
                return None
            return self._begin_seal(row_count)

    def begin_last_seal(self) -> TakenRows | None:
        """Return all rows that the log has: the store closes. None where there is none."""
        with self._lock:
            if not self._logged or self._patches:
                return None
            is_last = self._logged == self._matrix.count
            return self._begin_seal(self._logged, is_last=is_last)

    def _begin_seal(self, row_count: int, *, is_last: bool = False) -> TakenRows:
        rows = self._matrix.view()
        last_ms = int(rows.timestamps[row_count - 1])
        self._sealing_ms, self._touched = last_ms, set()
        newest = self._table.newest_ms[rows.columns]
        # At a restart, a series of which nothing else is said ended at the last sealed row.
        spans_end_ms = self._spans.end_ms
        end_ms = last_ms if spans_end_ms is None else max(last_ms, spans_end_ms)
        ended = newest < end_ms if is_last else newest <= last_ms
        self._resumed = rows.columns[~ended].tolist() if is_last else []
        self._ended = list(zip(rows.columns[ended].tolist(), newest[ended].tolist(), strict=True))
        present = set(rows.columns.tolist()) if self._unsaid.size else ()
        self._ended += [end for end in self._unsaid_ends() if end[0] not in present]
        return TakenRows(
            rows.timestamps[:row_count], rows.values[:row_count], rows.columns, rows.layout, (), ()
        )

    def cancel_seal(self) -> None:
        """Keep the rows that `begin_seal` returned: the disk refused."""
        with self._lock:
            self._sealing_ms = NEVER_MS

    def ended_columns(self) -> list[tuple[int, int]]:
        """Return the columns whose last sample is being sealed, with the time of that sample."""
        return self._ended

    def resumed_columns(self) -> list[int]:
        """Return the columns of which the disk must not say that they ended, whatever it said."""
        return self._resumed

    def end_seal(self, span: Span) -> None:
        """Drop from memory the rows that are on disk now; those that changed meanwhile stay."""
        with self._lock:
            timestamps = self._matrix.timestamps[: self._matrix.count]
            touched = np.fromiter(self._touched, np.int64, len(self._touched))
            self._keep((timestamps > self._sealing_ms) | np.isin(timestamps, touched))
            self._sealed_ms = max(self._sealed_ms, self._sealing_ms)
            self._sealing_ms = NEVER_MS
            self._spans = self._spans.plus(span)
            self._unsaid = NO_COLUMNS

    def expire(self, before_ms: int) -> int:
        """Drop rows and spans older than a moment; return how many rows went."""
        with self._lock:
            old_spans = self._spans.before(before_ms)
            self._spans = self._spans.since(before_ms)
            old = self._matrix.timestamps[: self._matrix.count] < before_ms
            if old.any():
                self._patches = [p for p in self._patches if p.timestamp_ms >= before_ms]
                self._keep(~old)
            return int(old.sum()) + sum(span.row_count for span in old_spans)

    def forget_series(self, before_ms: int) -> list[int]:
        """Forget series whose samples have all expired; return the columns that left the index.

        They keep their numbers for a while: an appender may still hold them, and append again.
        """
        with self._lock:
            oldest_span_ms = self._spans.start_ms
            before_ms = before_ms if oldest_span_ms is None else min(before_ms, oldest_span_ms)
            table = self._table
            gone = np.flatnonzero(table.indexed & (table.newest_ms < before_ms))
            gone = gone[self._matrix.slots(gone) < 0]
            if gone.size:
                table.indexed[gone] = False
                self._index.remove(self._places(gone))
            forgotten = table.forget(table.find_idle(before_ms))
            self._budget.release(len(forgotten), self.labels)
            dropped = {*gone.tolist(), *forgotten}
            self._unsaved = [column for column in self._unsaved if column not in dropped]
            return sorted(dropped)

    def forget_deletions(self, before_ms: int) -> int:
        """Forget deletions whose samples have expired; return the moment that they end before."""
        with self._lock:
            oldest_span_ms = self._spans.start_ms
            before_ms = before_ms if oldest_span_ms is None else min(before_ms, oldest_span_ms)
            self.deletions = self.deletions.since(before_ms)
            return before_ms

    def _keep(self, keep: NDArray[np.bool_]) -> None:
        """Keep these rows, and the columns that have a sample in them or behind them."""
        matrix = self._matrix
        kept = np.flatnonzero(keep)
        self._logged = int(np.count_nonzero(kept < self._logged))
        oldest_ms = int(matrix.timestamps[kept[0]]) if kept.size else self._newest_ms + 1
        columns = matrix.columns[: matrix.width]
        columns = columns[self._table.newest_ms[columns] >= oldest_ms]
        matrix.arrange(columns, self._table.families, kept)
        self._last_columns = None

    # Restoring, before anybody else holds the target

    def restore_column(
        self, column: int, labels: Labels, first_ms: int, end_ms: int | None
    ) -> None:
        """Take back a column as the disk has it; `end_ms` where its last sample was sealed."""
        self._table.add(labels, self._index.family(labels.name), column)
        self._budget.restore(self.labels)
        self._table.first_ms[column] = first_ms
        self._table.newest_ms[column] = NEVER_MS if end_ms is None else end_ms
        self._table.indexed[column] = True

    def reserve_column(self, column: int) -> None:
        """Never give this number to another series: its samples are on disk, its labels damaged."""
        self._table.reserve(column)

    def restore_spans(self, spans: Sequence[Span]) -> None:
        """Take back the spans, and all columns restored so far, as the disk has them."""
        self._spans = SpanDirectory.of(spans)
        self._sealed_ms = self._newest_ms = NEVER_MS if not spans else self._spans.end_ms or 0
        self._index.add(self._places(np.flatnonzero(self._table.indexed)))

    def restore_row(self, timestamp_ms: int, columns: Columns, values: Values) -> None:
        """Take back a row of the log; what was sealed already is passed over."""
        if timestamp_ms <= self._sealed_ms:
            return
        self.restore_samples(timestamp_ms, columns, values)

    def restore_samples(self, timestamp_ms: int, columns: Columns, values: Values) -> None:
        """Take back late samples of the log."""
        if np.isnan(values).any():
            present = ~is_absent(values)
            if not present.all():
                columns, values = columns[present], values[present]
        if timestamp_ms > self._newest_ms:
            self.append(timestamp_ms, columns, values)
            return
        families = self._table.families[columns]
        sealed = self._past.find(timestamp_ms, columns, families, self._spans)
        # Others were sealed since.
        new = is_absent(self._find_stored(timestamp_ms, columns, sealed))
        self._append_late(timestamp_ms, columns[new], values[new])

    def restore_deletions(self, ranges: Sequence[DeletedRange]) -> None:
        """Take back what is hidden, once all rows are there."""
        known = [found for found in ranges if 0 <= found[0] < len(self._table.labels)]
        self.delete(known)

    def end_restore(self) -> None:
        """Count all rows as taken: the log has them."""
        # Where nothing says when a series ended, its last sample may be in any span.
        if self._sealed_ms != NEVER_MS:
            unknown = self._table.indexed & (self._table.newest_ms == NEVER_MS)
            self._table.newest_ms[unknown] = self._sealed_ms
            self._unsaid = np.flatnonzero(unknown)
        self._logged = self._matrix.count
        self._patches = []
        self.committed_ms = self._written_ms = self._newest_ms
        self.samples = 0
