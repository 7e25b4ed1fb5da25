"""What expired, deleted from the disk: spans, records of the log, series, targets."""

from __future__ import annotations

from typing import Final

from sakshi.storage.checksum import checksum
from sakshi.storage.database import Database
from sakshi.storage.head import Head
from sakshi.storage.late import EXPIRE_LATE
from sakshi.storage.roster import delete_series
from sakshi.storage.writer import DELETE_LOG, LogWriter

EXPIRED_SPANS_MAX: Final = 256  # in one transaction: commits wait for it

SELECT_OLD_SPANS: Final = "select id from span where end_ms < ? limit ?"
DELETE_SPAN: Final = "delete from span where id = ?"
SELECT_LAST_LOG: Final = "select coalesce(max(id), 0) from log"
SET_EXPIRY: Final = (
    "insert or replace into expiry (id, before_ms, log_id, checksum) values (1, ?, ?, ?)"
)
DELETE_DELETIONS: Final = "delete from deletion where target_id = ? and end_ms < ?"
DELETE_TARGET: Final = (  # unless damaged rows are left, which nobody knows of
    "delete from target where id = ?1 "
    "and not exists (select * from series_batch where target_id = ?1) "
    "and not exists (select * from span where target_id = ?1) "
    "and not exists (select * from log where target_id = ?1)"
)


def delete_expired(database: Database, head: Head, log: LogWriter, before_ms: int) -> None:
    """Delete what is older than a moment, as the head has forgotten it already.

    Raises:
        StorageError: the disk refused, or is damaged; what is left goes at the next call.
    """
    while True:
        with database.write() as connection:
            found = connection.execute(SELECT_OLD_SPANS, (before_ms, EXPIRED_SPANS_MAX))
            spans = found.fetchall()
            connection.executemany(DELETE_SPAN, spans)
        if len(spans) < EXPIRED_SPANS_MAX:
            break
    with database.write() as connection:
        records = [
            (log.log(target), log.log(target).droppable(before_ms - 1)) for target in head.targets()
        ]
        for _, old in records:
            connection.executemany(DELETE_LOG, [(record.id,) for record in old])
        (log_id,) = connection.execute(SELECT_LAST_LOG).fetchone()
        number = checksum(b"", before_ms, log_id)
        connection.execute(SET_EXPIRY, (before_ms, log_id, number))
        connection.execute(EXPIRE_LATE, (before_ms,))
        for target in head.targets():
            deleted_ms = target.forget_deletions(before_ms)
            connection.execute(DELETE_DELETIONS, (target.id, deleted_ms))
            delete_series(connection, target.id, target.forget_series(before_ms))
    for target_log, old in records:
        target_log.drop(old)
    _retire_targets(database, head, log)


def _retire_targets(database: Database, head: Head, log: LogWriter) -> None:
    """Forget targets of which nothing is left."""
    idle = [target for target in head.targets() if log.log(target).is_empty]
    retired = [target for target in idle if head.retire(target)]
    for target in retired:
        log.forget(target)
    if retired:
        with database.write() as connection:
            connection.executemany(DELETE_TARGET, [(target.id,) for target in retired])
