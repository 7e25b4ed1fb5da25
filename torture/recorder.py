"""A disk that writes down what SQLite does to it: writes, truncations, syncs, in their order.

It stands between SQLite and the file system as an APSW VFS, so the store runs on APSW's SQLite
here, through one connection that looks like one of `sqlite3`. APSW's files have no shared memory,
so that connection holds the database alone (`locking_mode = exclusive`); what is written and
synced, and when, is the same.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import apsw


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes at a place of a file."""

    file: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """A file was cut to a size."""

    file: str
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """All that was done to a file before is on the disk."""

    file: str


@dataclass(frozen=True, slots=True)
class Delete:
    """A file is gone."""

    file: str


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The store said that a step is durable."""

    step: int


Event = Write | Truncate | Sync | Delete | Acknowledge


class RecordingDisk(apsw.VFS):
    """Passes everything on to the system's disk, and remembers it in `events`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.events: list[Event] = []
        super().__init__(name, "")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        """Open a file whose changes are remembered."""
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        return RecordedFile(self.events, Path(path or "").name, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        """Delete a file, and remember it."""
        self.events.append(Delete(Path(filename).name))
        super().xDelete(filename, syncdir)


class RecordedFile(apsw.VFSFile):
    """A file whose changes are remembered."""

    def __init__(self, events: list[Event], file: str, name: Any, flags: list[int]) -> None:
        self._events = events
        self._file = file
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        """Write, and remember it."""
        self._events.append(Write(self._file, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:
        """Truncate, and remember it."""
        self._events.append(Truncate(self._file, newsize))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:
        """Remember the sync; the real disk need not do it."""
        self._events.append(Sync(self._file))


class Connection:
    """An APSW connection with as much of `sqlite3.Connection` as the store uses."""

    def __init__(self, path: Path, disk: RecordingDisk, synchronous: str) -> None:
        self._connection = apsw.Connection(str(path.resolve()), vfs=disk.name)
        self._connection.execute("pragma locking_mode = exclusive")
        self._synchronous = synchronous

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._connection.in_transaction

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Cursor:
        """Run one statement."""
        with _translated_errors():
            return Cursor(self._connection, self._connection.execute(sql, values or None))

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row."""
        with _translated_errors():
            self._connection.executemany(sql, rows)

    def executescript(self, script: str) -> None:
        """Run statements; the one that says how to sync is replaced in a negative control."""
        with _translated_errors():
            script = script.replace("synchronous = full", f"synchronous = {self._synchronous}")
            self._connection.execute(script).fetchall()

    def close(self) -> None:
        """Do nothing: there is one connection for all, and `RecordingDisk` outlives the store."""


class Cursor:
    """The answer of a statement."""

    def __init__(self, connection: apsw.Connection, cursor: apsw.Cursor) -> None:
        self._cursor = cursor
        self.lastrowid = connection.last_insert_rowid()
        self.rowcount = connection.changes()

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        return self._cursor.fetchone()

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        return list(self._cursor.fetchall())

    def __iter__(self) -> Iterator[Any]:
        """Yield the rows that are left."""
        return iter(self._cursor)


class RecordedDatabase:
    """Opens a database on a recording disk; what `SqliteStore` is given as `connect`.

    Args:
        disk: records.
        synchronous: `full`, or how a negative control syncs.
    """

    def __init__(self, disk: RecordingDisk, synchronous: str) -> None:
        self._disk = disk
        self._synchronous = synchronous
        self._connection: Connection | None = None

    def __call__(self, path: Path) -> sqlite3.Connection:
        """Return the one connection."""
        if self._connection is None:
            self._connection = Connection(path, self._disk, self._synchronous)
        return cast("sqlite3.Connection", self._connection)


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        raise sqlite3.OperationalError(str(error)) from error
