"""The ledger's SQLite file: opened, brought to this version's schema, one writer and one reader.

A commit is on the disk when it returns (WAL, `synchronous=FULL`). The reader sees the last commit
and never waits for the writer.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import resources
from pathlib import Path
from typing import Final

from sakshi.ledger.errors import LedgerFileError, LedgerWriteError

Connect = Callable[..., sqlite3.Connection]

MIGRATIONS: Final = ("schema.sql", "alertmanagers.sql")
"""Scripts, each of which brings a file from the version of its index to the next."""

BUSY_TIMEOUT_MS: Final = 5000  # somebody looks at the file with another tool and holds it

_UNDECODABLE: Final = (ValueError, TypeError, AttributeError)
"""What decoding raises where a page was damaged so that SQLite still reads it; its own messages,
which quote the damage, are not always UTF-8 either."""


class Database:
    """One SQLite file with a writing and a reading connection, each for one thread at a time.

    Args:
        path: the file; made where it does not exist. A file of zero length is a new one.
        connect: as `sqlite3.connect`.

    Raises:
        LedgerFileError: the file is damaged, is something else, or is of a later version.
    """

    def __init__(self, path: Path, connect: Connect = sqlite3.connect) -> None:
        self._path = path
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        with ExitStack() as connections:  # none stays open where the file is refused
            try:
                self._writer = self._open(connect, connections)
                self._migrate()
                self._reader = self._open(connect, connections)
            except (sqlite3.DatabaseError, *_UNDECODABLE) as error:
                raise self._unusable(error) from error
            self._connections = connections.pop_all()

    def close(self) -> None:
        """Close both connections; what was committed is on the disk already."""
        with self._write_lock, self._read_lock:
            self._connections.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Have everything that is written inside committed at the end, or nothing of it.

        Raises:
            LedgerWriteError: SQLite refused: the disk is full, or fails.
        """
        with self._write_lock:
            try:
                self._writer.execute("begin immediate")
                yield self._writer
                self._writer.execute("commit")
            except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
                raise  # a mistake of ours, not the disk's
            except sqlite3.DatabaseError as error:
                raise LedgerWriteError(f"{self._path}: {error}") from error
            finally:
                self._writer.rollback()  # nothing, where it was committed

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that sees one commit for as long as it is held.

        Raises:
            LedgerFileError: the file is damaged; SQLite says so, or what it gives is rubbish.
        """
        with self._read_lock:
            try:
                self._reader.execute("begin")
                yield self._reader
            except (sqlite3.DatabaseError, *_UNDECODABLE) as error:
                raise self._unusable(error) from error
            finally:
                self._reader.rollback()

    def _unusable(self, error: Exception) -> LedgerFileError:
        """Return SQLite's error with what can be done about it."""
        if type(error) is sqlite3.OperationalError:  # no damage: permissions, space, locks
            return LedgerFileError(f"{self._path} cannot be used: {error}")
        return LedgerFileError(
            f"{self._path} cannot be used: {error}. Move it away to begin with an empty ledger: "
            "what fires then is told again"
        )

    def _open(self, connect: Connect, connections: ExitStack) -> sqlite3.Connection:
        connection = connect(
            self._path,
            timeout=BUSY_TIMEOUT_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
        )
        connections.callback(connection.close)
        connection.row_factory = sqlite3.Row
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("pragma foreign_keys = on")
        return connection

    def _migrate(self) -> None:
        (version,) = self._writer.execute("pragma user_version").fetchone()
        (table_count,) = self._writer.execute("select count(*) from sqlite_schema").fetchone()
        if version > len(MIGRATIONS):
            raise LedgerFileError(
                f"{self._path}: expected a ledger of version {len(MIGRATIONS)} or before,"
                f" found version {version}: it was written by a newer sakshi"
            )
        if version == 0 and table_count:
            raise LedgerFileError(f"{self._path}: expected a ledger, found another database")
        for number, name in enumerate(MIGRATIONS[version:], start=version + 1):
            script = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
            self._writer.executescript(
                f"begin immediate;\n{script}\n;pragma user_version = {number};\ncommit;"
            )
