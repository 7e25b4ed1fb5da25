"""Sealing: rows that have become old move from memory and log to chunks, a few targets at a time.

Everything here runs under the store's writing lock. Where the disk refuses, rows stay where they
are, and the next commit tries again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from sakshi.model.clock import Clock
from sakshi.storage.config import StorageConfig
from sakshi.storage.database import Database
from sakshi.storage.errors import DamagedDatabaseError, StorageFullError
from sakshi.storage.head import Head
from sakshi.storage.taken import TakenRows
from sakshi.storage.target import TargetHead
from sakshi.storage.writer import LogWriter, write_span

SEALED_SAMPLES_MAX: Final = 200_000  # by one commit: about 50 ms; a burst of scrapes brings fewer

DueRows = Sequence[tuple[TargetHead, TakenRows]]

logger = logging.getLogger(__name__)


class Sealer:
    """Seals the rows of one store.

    Args:
        head: of the store.
        database: likewise.
        config: says when rows are old.
        clock: measures how long closing takes.
    """

    def __init__(self, head: Head, database: Database, config: StorageConfig, clock: Clock) -> None:
        self._head, self._database, self._config, self._clock = head, database, config, clock
        self._is_postponed = False

    def seal(self, log: LogWriter) -> None:
        """Move rows that have become old, of as many targets as one commit may seal."""
        config = self._config
        due = self._begin(lambda target: target.begin_seal(config.seal_rows, config.head_ms))
        if due:
            self._try(due, log)

    def seal_all(self, log: LogWriter) -> None:
        """Move everything that the log has, for chunks are much smaller: the store closes.

        What `StorageConfig.close_seconds_max` leaves no time for stays in the log.
        """
        try:
            self._seal_until(self._clock.monotonic() + self._config.close_seconds_max, log)
        except DamagedDatabaseError as error:  # what the log has, the next start finds or not
            logger.error("seal=failed reason=%r", str(error))

    def write(self, due: DueRows, log: LogWriter) -> None:
        """Move rows that `TargetHead.begin_seal` or its like returned, in one transaction.

        Raises:
            StorageError: the disk refused; the rows stay where they are.
        """
        is_durable = False
        try:
            with self._database.write() as connection:
                done = [
                    (target, *write_span(connection, target, rows, log.log(target)))
                    for target, rows in due
                ]
            is_durable = True
        finally:
            if not is_durable:
                for target, _ in due:
                    target.cancel_seal()
        for target, span, records in done:
            log.log(target).drop(records)
            target.end_seal(span)

    def _seal_until(self, end: float, log: LogWriter) -> None:
        while self._clock.monotonic() < end:
            due = self._begin(TargetHead.begin_last_seal)
            if not due or not self._try(due, log):
                break
        while self._clock.monotonic() < end and self._database.vacuum():
            pass

    def _begin(self, begin: Callable[[TargetHead], TakenRows | None]) -> DueRows:
        """Return the rows that are due, of as many targets as one transaction may seal."""
        due: list[tuple[TargetHead, TakenRows]] = []
        samples = 0
        for target in self._head.targets():
            rows = begin(target)
            if rows is not None:
                due.append((target, rows))
                samples += rows.values.size
            if samples >= SEALED_SAMPLES_MAX:
                break
        return due

    def _try(self, due: DueRows, log: LogWriter) -> bool:
        """Move rows; where the disk refuses, they wait: False."""
        try:
            self.write(due, log)
        except StorageFullError as error:
            if not self._is_postponed:  # once, not at every commit
                logger.warning("seal=postponed reason=%r", str(error))
            self._is_postponed = True
            return False
        self._is_postponed = False
        return True
