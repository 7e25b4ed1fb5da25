"""What operators do to the samples over the admin API: delete them, copy them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sakshi.model.clock import Clock
from sakshi.model.matcher import Matcher
from sakshi.storage import SqliteStore

DATABASE: Final = "samples.db"
BEFORE_ALL_MS: Final = -(1 << 53)


class StoreKeeper:
    """Deletes and copies samples. Blocking; safe to call from any thread.

    Args:
        store: whose samples these are.
        folder: of the copies; made with the first one.
        clock: names them.
    """

    def __init__(self, store: SqliteStore, folder: Path, clock: Clock) -> None:
        self._store, self._folder, self._clock = store, folder, clock
        self._lock = threading.Lock()

    def delete_series(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> int:
        """Delete the samples in [start_ms, end_ms] of the series that meet every matcher."""
        return self._store.delete_series(matchers, start_ms, end_ms)

    def clean_tombstones(self) -> None:
        """Give free pages back to the disk: deletion itself is never put off."""
        self._store.expire(BEFORE_ALL_MS)

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
