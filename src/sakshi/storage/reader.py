"""Sealed rows, read back from the database: verified, decoded, and kept for the next query."""

from __future__ import annotations

import logging
import sqlite3
import threading
from typing import Any, Final

from sakshi.storage.checksum import is_sound
from sakshi.storage.codec import DamagedChunkError, decode_chunk, decode_timestamps
from sakshi.storage.database import Database
from sakshi.storage.history import Chunk
from sakshi.storage.store import Timestamps

SELECT_CHUNK: Final = (
    "select codec, series_count, checksum, data from chunk where span_id = ? and family_id = ?"
)
SELECT_TIMESTAMPS: Final = (
    "select target_id, start_ms, end_ms, row_count, checksum, timestamps from span where id = ?"
)
TIMESTAMPS: Final = -1  # in place of a family, in the cache's keys
BYTES_PER_ENTRY: Final = 500  # what an entry of the cache takes beside its arrays, about

logger = logging.getLogger(__name__)

Key = tuple[int, int]


class ChunkReader:
    """A `History` on a database, with a cache of what was decoded last.

    Args:
        database: holds spans and chunks.
        cache_bytes_max: see `StorageConfig.chunk_cache_bytes_max`.
    """

    def __init__(self, database: Database, cache_bytes_max: int) -> None:
        self.damaged = 0
        self._database = database
        self._cache_bytes_max = cache_bytes_max
        self._lock = threading.Lock()
        self._cache: dict[Key, tuple[Chunk | Timestamps | None, int]] = {}  # oldest use first
        self._cache_bytes = 0

    def timestamps(self, span_id: int) -> Timestamps | None:
        """Return the timestamps of a span; None where it is damaged, or has expired."""
        key = (span_id, TIMESTAMPS)
        known, found = self._recall(key)
        if known:
            assert not isinstance(found, Chunk)
            return found
        timestamps = self._read_timestamps(span_id)
        self._remember(key, timestamps, 0 if timestamps is None else timestamps.nbytes)
        return timestamps

    def chunk(self, span_id: int, family: int) -> Chunk | None:
        """Return a family's part of a span; None where there is none, or it is damaged."""
        key = (span_id, family)
        known, found = self._recall(key)
        if known:
            assert found is None or isinstance(found, Chunk)
            return found
        chunk = self._read_chunk(span_id, family)
        self._remember(key, chunk, 0 if chunk is None else chunk.values.nbytes)
        return chunk

    def _read_timestamps(self, span_id: int) -> Timestamps | None:
        row = self._fetch(SELECT_TIMESTAMPS, span_id)
        if row is None:
            return None
        target_id, start_ms, end_ms, row_count, expected, data = row
        try:
            if not is_sound(expected, data, target_id, start_ms, end_ms, row_count):
                raise DamagedChunkError("wrong checksum")
            return decode_timestamps(data)
        except DamagedChunkError as error:
            self._report(error, span_id, TIMESTAMPS)
            return None

    def _read_chunk(self, span_id: int, family: int) -> Chunk | None:
        row = self._fetch(SELECT_CHUNK, span_id, family)
        if row is None:
            return None
        codec, series_count, expected, data = row
        try:
            if not is_sound(expected, data, span_id, family, series_count, codec):
                raise DamagedChunkError("wrong checksum")
            return decode_chunk(data, codec)
        except DamagedChunkError as error:
            self._report(error, span_id, family)
            return None

    def _fetch(self, sql: str, span_id: int, *family: int) -> tuple[Any, ...] | None:
        """Return the only row, or None; a page that SQLite cannot read counts as damage."""
        try:
            with self._database.read() as connection:
                row: tuple[Any, ...] | None = connection.execute(sql, (span_id, *family)).fetchone()
                return row
        except sqlite3.DatabaseError as error:
            self._report(error, span_id, family[0] if family else TIMESTAMPS)
            return None

    def _report(self, error: Exception, span_id: int, family: int) -> None:
        self.damaged += 1
        logger.error("chunk=damaged span_id=%d family_id=%d reason=%r", span_id, family, str(error))

    def _recall(self, key: Key) -> tuple[bool, Chunk | Timestamps | None]:
        with self._lock:
            entry = self._cache.pop(key, None)
            if entry is None:
                return False, None
            self._cache[key] = entry
            return True, entry[0]

    def _remember(self, key: Key, found: Chunk | Timestamps | None, size: int) -> None:
        size += BYTES_PER_ENTRY
        with self._lock:
            _, size_before = self._cache.pop(key, (None, 0))  # another reader may have been quicker
            self._cache[key] = (found, size)
            self._cache_bytes += size - size_before
            while self._cache_bytes > self._cache_bytes_max:
                self._cache_bytes -= self._cache.pop(next(iter(self._cache)))[1]
