"""The store on disk: recent rows in memory and in a log, older ones in chunks, in one SQLite file.

    append ──▶ head (memory) ──commit──▶ log ──after 6 minutes──▶ chunks ──retention──▶ gone
                  │                       │                         │
    select ◀──────┴──── at start ◀────────┘      ChunkReader ◀──────┘

One lock serialises those who write: `commit`, `expire`, `close`. Appenders and readers never take
it, and wait for no disk, except a reader whose range reaches back to chunks, for its own reads.

A commit writes what was appended since the last one, in one transaction. Then it seals what has
become old, a few targets at a time, so that no commit takes long. When the disk refuses, rows stay
in memory and the next commit tries again; how many may wait, and what happens then, says
`StorageConfig.pending_bytes_max`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from sakshi.model.clock import Clock, SystemClock
from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher
from sakshi.storage.config import StorageConfig
from sakshi.storage.database import Connect, Database, connect
from sakshi.storage.errors import DamagedDatabaseError, StorageError
from sakshi.storage.expiry import delete_expired
from sakshi.storage.head import Head
from sakshi.storage.import_batch import ImportBatch, ImportOutcome
from sakshi.storage.importer import Importer
from sakshi.storage.late import FORGET_LATE, LateReader, write_late
from sakshi.storage.reader import ChunkReader
from sakshi.storage.restore import Restorer
from sakshi.storage.sealer import Sealer
from sakshi.storage.store import (
    LateSamples,
    Progress,
    SeriesColumns,
    StoreStatistics,
    TargetAppender,
    Watch,
    unwatched,
)
from sakshi.storage.taken import TakenRows
from sakshi.storage.target import TargetHead
from sakshi.storage.writer import LogWriter, write_deletions

SHRINKS_MAX: Final = 4  # by one expiry: spans are not all of a size, so one may not be enough
VACUUMS_MAX: Final = 16  # by one expiry, of VACUUM_PAGES each: 64 MiB a minute

RESERVE_SPANS: Final = "insert into sqlite_sequence (name, seq) values ('span', ?)"

logger = logging.getLogger(__name__)

Taken = Sequence[tuple[TargetHead, TakenRows]]


class SqliteStore:
    """A `Store` that keeps everything it acknowledged, in one folder.

    Args:
        folder: belongs to this store alone while it is open; is made where it does not exist.
        config: its bounds.
        connect: opens the database; a test passes what stands between SQLite and the disk.
        clock: tells whether samples lie in the future.

    Raises:
        StorageError: the folder is in use by another process, cannot be used, or is of a newer
            sakshi; says what to do. A damaged database is set aside, and the store begins anew.
    """

    def __init__(
        self,
        folder: Path,
        config: StorageConfig = StorageConfig(),  # noqa: B008 - immutable
        connect: Connect = connect,
        clock: Clock = SystemClock(),  # noqa: B008 - has no state
    ) -> None:
        self._config = config
        self._clock = clock
        self._database = Database(folder, config.disk_bytes_max, connect)
        self._writing = threading.Lock()
        self._commits = 0
        self._lost_samples = 0
        self._is_closed = False
        try:
            self._restore()
        except DamagedDatabaseError as error:
            self._database.restart_empty(error)
            self._restore()
        except BaseException:
            self._database.close()
            raise

    def _restore(self) -> None:
        """Build what is in memory from what is on disk."""
        self._reader = ChunkReader(self._database, self._config.chunk_cache_bytes_max)
        self._head = Head(self._reader, self._config, self._clock)
        with self._database.describing_failure(), self._database.read() as connection:
            restorer = Restorer(connection, self._head)
            restorer.run()
        self._damaged = restorer.damaged
        self._late = LateReader(self._database, self._head.find_target)
        self._log = LogWriter(restorer.logs, restorer.families, restorer.last_log_id)
        self._sealer = Sealer(self._head, self._database, self._config, self._clock)
        self._importer = Importer(self._head, self._database, self._reader)

    def target(self, labels: Labels) -> TargetAppender:
        """Return the appender of a target: see `Appender`."""
        return self._head.target(labels)

    def select(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        watch: Watch = unwatched,
    ) -> Sequence[SeriesColumns]:
        """Return the samples of all series that meet every matcher: see `Querier`."""
        return self._head.select(matchers, start_ms, end_ms, watch)

    def series(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        watch: Watch = unwatched,
    ) -> Sequence[Labels]:
        """Return the series that have samples in or near the range, sorted: see `Querier`."""
        return self._head.series(matchers, start_ms, end_ms, watch)

    def progress(self) -> Progress:
        """Return how far samples are durable: see `Journal`."""
        return self._head.progress(self._late.last_id())

    def backlog(self, after: Mapping[Labels, int]) -> int:
        """Return about how many durable samples are newer: see `Journal`."""
        return self._head.backlog(after)

    def read_target(
        self, target: Labels, after_ms: int, end_ms: int, samples_max: int
    ) -> SeriesColumns | None:
        """Return the oldest rows of a target: see `Journal`."""
        return self._head.read_target(target, after_ms, end_ms, samples_max)

    def late_samples(self, after_id: int, count_max: int) -> Sequence[LateSamples]:
        """Return late samples: see `Journal`."""
        return self._late.read(after_id, count_max)

    def forget_late(self, id: int) -> None:
        """Forget late samples up to an id: see `Journal`."""
        with self._writing, self._database.write() as connection:
            connection.execute(FORGET_LATE, (id,))

    def commit(self) -> None:
        """Return once everything appended before the call is durable: see `Appender`.

        Raises:
            StorageFullError: the disk refused; see `StorageConfig.pending_bytes_max`.
        """
        with self._writing:
            try:
                self._write_log()
                self._sealer.seal(self._log)
            except DamagedDatabaseError as error:
                self._begin_anew(error)
                self._write_log()

    def import_samples(self, batch: ImportBatch) -> ImportOutcome:
        """Take samples of any time in, and return what became of them, once they are durable.

        They go beside and between those that are there, without regard to
        `StorageConfig.out_of_order_ms`, and into chunks at once, except for rows as new as what a
        target has in memory. A repetition is accepted and changes nothing; another value for a
        moment that has one is refused, and so is what was deleted.

        Raises:
            StorageError: the disk refused. What was taken may be repeated.
        """
        if not len(batch):
            return ImportOutcome()
        with self._writing:
            self._write_log()
            targets = self._importer.targets(batch)
            newest_ms = int(batch.timestamps.max())
            before_ms = min(self._clock.now_ms() - self._config.head_ms, newest_ms + 1)
            due = [
                (target, rows)
                for target in {target.id: target for target in targets}.values()
                if (rows := target.begin_seal_before(before_ms)) is not None
            ]
            if due:
                self._sealer.write(due, self._log)
            outcome = self._importer.run(batch, targets, self._log)
            self._write_log()
            return outcome

    def expire(self, before_ms: int) -> int:
        """Forget samples older than `before_ms`; return how many rows went.

        Whole spans go once all of their rows are older; rows in memory go one by one. Where the
        database is larger than `StorageConfig.retention_bytes`, the oldest spans go, too. Where the
        disk refuses, its rows go at the next call.
        """
        with self._writing:
            rows = self._expire(before_ms)
            for _ in range(SHRINKS_MAX):
                end_ms = self._excess_end_ms()
                if end_ms is None:
                    break
                rows += self._expire(end_ms + 1)
        for _ in range(VACUUMS_MAX):
            with self._writing:  # commits may come between
                if self._is_closed or not self._database.vacuum():
                    break
        return rows

    def _expire(self, before_ms: int) -> int:
        rows = sum(target.expire(before_ms) for target in self._head.targets())
        try:
            delete_expired(self._database, self._head, self._log, before_ms)
        except StorageError as error:  # damage shows again at the next commit
            logger.warning("expire=postponed reason=%r", str(error))
        return rows

    def _excess_end_ms(self) -> int | None:
        """Return when the spans end that are too much for the database's size; None: none is."""
        limit = self._config.retention_bytes
        used = self._database.used_bytes()
        if limit is None or used <= limit:
            return None
        return self._head.oldest_spans_end_ms((used - limit) / used)

    def delete_series(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> int:
        """Delete samples; return of how many series: see `Store`."""
        with self._writing:
            found = self._head.find_ranges(matchers, start_ms, end_ms)
            with self._database.write() as connection:
                for target, ranges in found:
                    write_deletions(connection, target, ranges)
            for target, ranges in found:
                target.delete(ranges)
            return sum(len(ranges) for _, ranges in found)

    def backup(self, path: Path) -> None:
        """Write a copy of all that is committed to a new file; commits and readers go on meanwhile.

        The copy is a database of its own: as `samples.db` in an empty folder, a store opens it.

        Args:
            path: of the copy; its folder exists, and it does not.

        Raises:
            StorageError: the copy cannot be written; nothing of it is left.
        """
        self._database.backup(path)

    def newest_ms(self) -> int | None:
        """Return the timestamp of the newest sample; None for an empty store."""
        return self._head.bounds()[1]

    def statistics(self) -> StoreStatistics:
        """Return what the store holds."""
        targets = self._head.targets()
        oldest_ms, newest_ms = self._head.bounds()
        return StoreStatistics(
            series=len(self._head.index),
            samples=sum(target.samples for target in targets),
            targets=len(targets),
            oldest_ms=oldest_ms,
            newest_ms=newest_ms,
            commits=self._commits,
            disk_bytes=self._database.disk_bytes(),
            lost_samples=self._lost_samples,
            damaged_records=self._damaged + self._reader.damaged + self._late.damaged,
            damaged_files=self._database.set_aside,
            refused_series=self._head.budget.refused,
            refusals=self._head.budget.refusals(),
        )

    def close(self) -> None:
        """Commit and release the folder; calling twice is harmless.

        Raises:
            StorageFullError: the last commit failed; the folder was released all the same.
        """
        with self._writing:
            if self._is_closed:
                return
            self._is_closed = True
            try:
                self._write_log()
                self._sealer.seal_all(self._log)
            finally:
                self._database.close()

    def _begin_anew(self, reason: DamagedDatabaseError) -> None:
        """Set the damaged file aside; what is in memory will go to an empty one."""
        self._database.restart_empty(reason)
        last = max((target.forget_disk() for target in self._head.targets()), default=0)
        with self._database.write() as connection:
            connection.execute(RESERVE_SPANS, (last,))
            for target in self._head.targets():
                write_deletions(connection, target, target.deletions.table.tolist())
        self._log = LogWriter({}, {})

    def _write_log(self) -> None:
        targets = self._head.targets()
        taken = [(target, rows) for target in targets if (rows := target.take()) is not None]
        if not taken:
            return
        is_durable = False
        try:
            with self._database.write() as connection:
                self._log.write(connection, taken, self._head.index.families())
                if self._config.keeps_late:
                    for target, rows in taken:
                        write_late(connection, target, target.late(rows))
            is_durable = True
        finally:
            if is_durable:
                self._log.confirm()
                self._commits += 1
                for target, rows in taken:
                    target.confirm(rows)
            else:
                self._keep_for_next_commit(taken)

    def _keep_for_next_commit(self, taken: Taken) -> None:
        self._log.reset()
        for target, rows in taken:
            target.give_back(rows)
        targets = self._head.targets()
        if sum(target.pending_bytes() for target in targets) > self._config.pending_bytes_max:
            lost = sum(target.give_up() for target in targets)
            self._lost_samples += lost
            logger.error("samples=lost count=%d reason=%r", lost, "the disk refuses for too long")
