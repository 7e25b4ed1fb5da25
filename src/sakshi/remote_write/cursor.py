"""How far every remote is, on disk: for each target, up to which moment all is acknowledged.

What is written is durable when the call returns, all of it or nothing (SQLite, WAL,
`synchronous=FULL`), so after a crash a cursor is never ahead of the other side, and behind it by
one round at most.
"""

from __future__ import annotations

import logging
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

import orjson

from sakshi.model.labels import Labels
from sakshi.remote_write.errors import CursorError

FILE_NAME: Final = "remote-write.db"
BUSY_SECONDS: Final = 5.0  # how long to wait for somebody who looks into the file with another tool

SELECT_REMOTE: Final = "select late_id from remote where name = ?"
SELECT_NAMES: Final = "select name from remote"
SELECT_CURSORS: Final = "select target, acknowledged_ms from cursor where remote = ?"
SET_REMOTE: Final = (
    "insert into remote (name, late_id) values (?, ?) "
    "on conflict do update set late_id = excluded.late_id"
)
SET_CURSOR: Final = (
    "insert into cursor (remote, target, acknowledged_ms) values (?, ?, ?) "
    "on conflict do update set acknowledged_ms = excluded.acknowledged_ms"
)
DELETE_CURSOR: Final = "delete from cursor where remote = ? and target = ?"
DELETE_REMOTE: Final = "delete from remote where name = ?"

_PRAGMAS: Final = """
pragma journal_mode = wal;
pragma synchronous = full;
pragma foreign_keys = on;
"""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cursors:
    """How far one remote is.

    Args:
        acknowledged: by target, up to which moment; a target that is not there has sent nothing.
        late_id: late samples up to this one are acknowledged, too.
    """

    acknowledged: Mapping[Labels, int]
    late_id: int


class CursorFile:
    """The cursors of all remotes. Safe to use from any thread.

    A file that is damaged is renamed, and every remote begins anew: with what comes from then on.

    Args:
        path: the file; made where it does not exist. Belongs to this process.

    Raises:
        CursorError: it cannot be used, or is of a newer sakshi.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            self._connection = self._open()
        except sqlite3.OperationalError as error:
            raise self._unusable(error) from error
        except sqlite3.DatabaseError as error:
            self._set_aside(error)
            self._connection = self._open()

    def load(self, name: str) -> Cursors | None:
        """Return how far a remote is; None for one that is new.

        Raises:
            CursorError: the file cannot be read.
        """
        with self._lock, self._describing():
            row = self._connection.execute(SELECT_REMOTE, (name,)).fetchone()
            if row is None:
                return None
            found = self._connection.execute(SELECT_CURSORS, (name,)).fetchall()
        return Cursors({_parse(target): moment for target, moment in found}, row[0])

    def save(
        self, name: str, changed: Mapping[Labels, int], late_id: int, gone: Iterable[Labels] = ()
    ) -> None:
        """Make durable how far a remote is.

        Args:
            name: of the remote.
            changed: the cursors that moved.
            late_id: as in `Cursors`.
            gone: targets that the store does not know any more.

        Raises:
            CursorError: the disk refused; nothing of it was kept.
        """
        moved = [(name, _format(target), moment) for target, moment in changed.items()]
        with self._transaction() as connection:
            connection.execute(SET_REMOTE, (name, late_id))
            connection.executemany(SET_CURSOR, moved)
            connection.executemany(DELETE_CURSOR, [(name, _format(target)) for target in gone])

    def keep_only(self, names: Iterable[str]) -> None:
        """Forget all other remotes: one that comes back begins anew.

        Raises:
            CursorError: the disk refused.
        """
        kept = set(names)
        with self._transaction() as connection:
            known = connection.execute(SELECT_NAMES).fetchall()
            connection.executemany(DELETE_REMOTE, [row for row in known if row[0] not in kept])

    def close(self) -> None:
        """Release the file; what was saved is on the disk already."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Do all of a block, durably, or nothing of it."""
        with self._lock, self._describing():
            try:
                self._connection.execute("begin immediate")
                yield self._connection
                self._connection.execute("commit")
            finally:
                with suppress(sqlite3.Error):
                    if self._connection.in_transaction:
                        self._connection.execute("rollback")

    @contextmanager
    def _describing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.executescript(_PRAGMAS)
            self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        text = resources.files("sakshi.remote_write").joinpath("schema.sql").read_text("utf-8")
        migrations = re.split(r"^-- migration \d+$", text, flags=re.MULTILINE)[1:]
        (version,) = connection.execute("pragma user_version").fetchone()
        if version > len(migrations):
            raise CursorError(
                f"{self._path} was written by a newer sakshi (schema {version}, this one knows "
                f"{len(migrations)}): use that version, or another folder"
            )
        for number, script in enumerate(migrations[version:], version + 1):
            connection.executescript(
                f"begin immediate;\n{script}\npragma user_version = {number};\ncommit;"
            )

    def _set_aside(self, error: Exception) -> None:
        number = 1
        while (aside := self._path.with_name(f"{FILE_NAME}.damaged-{number}")).exists():
            number += 1
        try:
            self._path.rename(aside)
            for suffix in ("-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        except OSError as failure:
            raise self._unusable(failure) from failure
        logger.error("cursors=damaged set_aside=%s reason=%r", aside, str(error))

    def _unusable(self, error: Exception) -> CursorError:
        return CursorError(f"{self._path} cannot be used: {error}")


def _format(target: Labels) -> str:
    return orjson.dumps(dict(target.pairs)).decode()


def _parse(text: str) -> Labels:
    return Labels(orjson.loads(text))
