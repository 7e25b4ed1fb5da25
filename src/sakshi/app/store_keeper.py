"""What operators do to the samples: delete them, import some, copy them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sakshi.app.retention import forget_before
from sakshi.model.clock import Clock, format_timestamp
from sakshi.model.duration import format_duration
from sakshi.model.matcher import Matcher
from sakshi.storage import ImportBatch, ImportOutcome, ImportRefusal, SqliteStore

DATABASE: Final = "samples.db"
BEFORE_ALL_MS: Final = -(1 << 53)
AHEAD_MS_MAX: Final = 600_000  # as of what is pushed; Prometheus' maxAheadTime


class StoreKeeper:
    """Deletes, imports and copies samples. Blocking; safe to call from any thread.

    Args:
        store: whose samples these are.
        folder: of the copies; made with the first one.
        clock: names them.
        retention_ms: what is older would be forgotten at once, and is not imported; None: nobody
            forgets anything meanwhile.
    """

    def __init__(
        self, store: SqliteStore, folder: Path, clock: Clock, retention_ms: int | None = None
    ) -> None:
        self._store, self._folder, self._clock = store, folder, clock
        self._retention_ms = retention_ms
        self._lock = threading.Lock()

    def delete_series(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> int:
        """Delete the samples in [start_ms, end_ms] of the series that meet every matcher."""
        return self._store.delete_series(matchers, start_ms, end_ms)

    def clean_tombstones(self) -> None:
        """Give free pages back to the disk: deletion itself is never put off."""
        self._store.expire(BEFORE_ALL_MS)

    def import_samples(self, batch: ImportBatch, newest_ms: int | None = None) -> ImportOutcome:
        """Take samples of any time in, and return what became of them, once they are durable.

        Raises:
            StorageError: the disk refused; the batch may be repeated.
        """
        outcome = ImportOutcome()
        kept = self._within_bounds(batch, outcome)
        if self._retention_ms is not None:
            kept = self._within_retention(kept, newest_ms, self._retention_ms, outcome)
        if len(kept):
            outcome.add(self._store.import_samples(kept))
        return outcome

    def _within_bounds(self, batch: ImportBatch, outcome: ImportOutcome) -> ImportBatch:
        ahead = batch.timestamps > self._clock.now_ms() + AHEAD_MS_MAX
        outside = ahead | (batch.timestamps < BEFORE_ALL_MS)
        if not outside.any():
            return batch
        moment = int(batch.timestamps[outside][0])
        expected = f"at most {AHEAD_MS_MAX // 60_000} minutes ahead of the clock here"
        text = f"expected moments {expected}, found {moment} ms since 1970"
        outcome.refuse(ImportRefusal.OUT_OF_BOUNDS, text, int(outside.sum()))
        return batch.only(~outside)

    def _within_retention(
        self,
        batch: ImportBatch,
        newest_ms: int | None,
        retention_ms: int,
        outcome: ImportOutcome,
    ) -> ImportBatch:
        moments = [int(batch.timestamps.max(initial=BEFORE_ALL_MS))]
        moments += [moment for moment in (newest_ms, self._store.newest_ms()) if moment is not None]
        before_ms = forget_before(self._clock.now_ms(), max(moments), retention_ms)
        old = batch.timestamps < before_ms
        if not old.any():
            return batch
        text = (
            f"this sakshi keeps {format_duration(retention_ms)}, back to "
            f"{format_timestamp(before_ms)}; raise storage.tsdb.retention.time first"
        )
        outcome.refuse(ImportRefusal.TOO_OLD, text, int(old.sum()))
        return batch.only(~old)

    def snapshot(self) -> str:
        """Copy all samples while the store runs; return the name of the copy's folder.

        With its samples.db as the only file of a data folder's `samples`, sakshi starts on it.

        Raises:
            StorageError: the copy cannot be written; nothing of it is left.
        """
        with self._lock:
            now = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)
            name = now.strftime("%Y%m%dT%H%M%S.%fZ")
            target = self._folder / name
            target.mkdir(parents=True)
            try:
                self._store.backup(target / DATABASE)
            except BaseException:
                target.rmdir()
                raise
            return name
