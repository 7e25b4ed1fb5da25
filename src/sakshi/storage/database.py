"""The SQLite file under the store: opened once, by one process; one writer and many readers.

Durable means fsynced: the write-ahead log with `synchronous=FULL` loses nothing that a commit
acknowledged, not even in a power cut (`NORMAL` does).
"""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import Final

from sakshi.storage.errors import (
    DamagedDatabaseError,
    FolderInUseError,
    StorageError,
    StorageFullError,
)
from sakshi.storage.quarantine import is_damage, set_aside
from sakshi.storage.roster import convert_series

FILE_NAME: Final = "samples.db"
LOCK_NAME: Final = "samples.lock"
PAGE_BYTES: Final = 4096
WAL_PAGES: Final = 256  # then it is copied into the database; SQLite's own 1000 would be 4 MiB
BUSY_SECONDS: Final = 5.0  # how long to wait for somebody who looks into the file with another tool
VACUUM_PAGES: Final = 1024  # free pages returned to the file system at a time: 4 MiB

_PRAGMAS: Final = f"""
pragma page_size = {PAGE_BYTES};
pragma auto_vacuum = incremental;
pragma journal_mode = wal;
pragma synchronous = full;
pragma wal_autocheckpoint = {WAL_PAGES};
pragma journal_size_limit = {WAL_PAGES * PAGE_BYTES};
pragma foreign_keys = on;
pragma cache_size = -1024;
"""

CONVERSIONS: Final[Mapping[int, Callable[[sqlite3.Connection], None]]] = {3: convert_series}
"""What moves rows after a migration's statements, in its transaction."""

Connect = Callable[[Path], sqlite3.Connection]


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection that any thread may use, without transactions of its own."""
    return sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )


class Database:
    """The file `samples.db` in a folder that belongs to this process.

    Args:
        folder: is made where it does not exist.
        bytes_max: the file grows no further; None: no limit.
        connect: opens the file; a test passes what stands between SQLite and the disk.

    Raises:
        StorageError: the folder is in use by another process, cannot be used, or holds a file of a
            newer sakshi; the message says what to do. A damaged file is set aside instead.
    """

    def __init__(
        self, folder: Path, bytes_max: int | None = None, connect: Connect = connect
    ) -> None:
        self.set_aside = 0
        self._path = folder / FILE_NAME
        self._open = connect
        self._readers: list[sqlite3.Connection] = []
        self._readers_lock = threading.Lock()
        self._is_closed = False
        self._bytes_max = bytes_max
        self._lock_file = _lock(folder)
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def restart_empty(self, reason: Exception) -> None:
        """Set the damaged file aside, whole, and go on with an empty one.

        Args:
            reason: what the file was found out by.

        Raises:
            StorageError: the folder cannot be used.
        """
        with self._readers_lock:  # those who read now see the old file to the end
            self.set_aside += 1
        self._close_connections()
        try:
            set_aside(self._path, reason)
        except OSError as error:
            raise StorageError(f"{self._path} is damaged and cannot be renamed: {error}") from error
        self._begin()

    def _begin(self) -> None:
        """Open the file, with the schema of today."""
        self._writer = self._connect()
        try:
            with self.describing_failure():
                self._writer.executescript(_PRAGMAS)
                self._migrate()
                if self._bytes_max is not None:
                    pages = self._bytes_max // PAGE_BYTES
                    self._writer.execute(f"pragma max_page_count = {pages}")
        except DamagedDatabaseError as error:
            if self.set_aside:  # an empty file is damaged at once: it is not the file
                raise
            self.restart_empty(error)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Run one transaction: all of it is durable at the end of the block, or nothing is.

        Raises:
            StorageFullError: the disk refused; nothing of the transaction was kept.
            DamagedDatabaseError: the file is damaged; likewise.
        """
        try:
            self._writer.execute("begin immediate")
            yield self._writer
            self._writer.execute("commit")
        except sqlite3.IntegrityError:
            self._roll_back()
            raise
        except sqlite3.DatabaseError as error:
            self._roll_back()
            kind = DamagedDatabaseError if is_damage(error) else StorageFullError
            raise kind(f"{self._path}: {error}") from error
        except BaseException:
            self._roll_back()
            raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that nobody else uses meanwhile; it never waits for the writer."""
        with self._readers_lock:
            connection = self._readers.pop() if self._readers else None
            file = self.set_aside
        if connection is None:
            connection = self._connect()
        try:
            yield connection
        finally:
            with self._readers_lock:
                if not self._is_closed and file == self.set_aside:
                    self._readers.append(connection)
                    connection = None
            if connection is not None:
                connection.close()

    @contextmanager
    def describing_failure(self) -> Iterator[None]:
        """Turn SQLite's errors in the block into a StorageError; damage is told from the rest."""
        try:
            yield
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # its messages quote damage
            kind = DamagedDatabaseError if is_damage(error) else StorageError
            raise kind(f"{self._path} cannot be used: {error}") from error

    def backup(self, path: Path) -> None:
        """Write a copy to a new file, all or nothing: see `SqliteStore.backup`."""
        draft = path.with_name(f"{path.name}.draft")
        try:
            if path.exists():
                raise StorageError(f"{path} exists: a backup overwrites nothing")
            draft.unlink(missing_ok=True)
            with closing(sqlite3.connect(draft)) as copy, self.read() as connection:
                connection.backup(copy)  # in one step: of one moment, and the writer need not wait
                copy.execute("pragma wal_checkpoint(truncate)")
            _sync(draft)
            draft.rename(path)
            _sync(path.parent)
        except (OSError, sqlite3.Error) as error:
            raise StorageError(f"no backup was written to {path}: {error}") from error
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)

    def vacuum(self) -> bool:
        """Return free pages to the file system, a few at a time; tell whether there are more."""
        # By execute() the pragma would free one page only: it is a loop of steps without rows.
        with suppress(sqlite3.DatabaseError):  # the disk refuses: there is a next time
            self._writer.executescript(f"pragma incremental_vacuum({VACUUM_PAGES})")
            return self._pragma("freelist_count") > 0
        return False

    def used_bytes(self) -> int:
        """Return the size of the pages that hold anything, as the last commit left them."""
        with suppress(sqlite3.DatabaseError):
            return PAGE_BYTES * (self._pragma("page_count") - self._pragma("freelist_count"))
        return 0

    def _pragma(self, name: str) -> int:
        (value,) = self._writer.execute(f"pragma {name}").fetchone()
        return int(value)

    def disk_bytes(self) -> int:
        """Return the size of the database and its write-ahead log."""
        total = 0
        for name in (FILE_NAME, f"{FILE_NAME}-wal"):
            with suppress(FileNotFoundError):
                total += self._path.with_name(name).stat().st_size
        return total

    def close(self) -> None:
        """Close all connections and free the folder."""
        with self._readers_lock:
            self._is_closed = True
        self._close_connections()
        os.close(self._lock_file)

    def _close_connections(self) -> None:
        with self._readers_lock:
            readers, self._readers = self._readers, []
        for connection in readers:
            connection.close()
        if hasattr(self, "_writer"):
            self._writer.close()

    def _connect(self) -> sqlite3.Connection:
        try:
            return self._open(self._path)
        except sqlite3.Error as error:
            raise StorageError(f"{self._path} cannot be opened: {error}") from error

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):  # what failed is told already
            if self._writer.in_transaction:
                self._writer.execute("rollback")

    def _migrate(self) -> None:
        migrations = _read_migrations()
        (version,) = self._writer.execute("pragma user_version").fetchone()
        if version > len(migrations):
            raise StorageError(
                f"{self._path} was written by a newer sakshi (schema {version}, this one knows "
                f"{len(migrations)}): use that version, or another folder"
            )
        for number, script in enumerate(migrations[version:], version + 1):
            self._writer.executescript(f"begin immediate;\n{script}")
            if number in CONVERSIONS:
                CONVERSIONS[number](self._writer)
            self._writer.execute(f"pragma user_version = {number}")
            self._writer.execute("commit")


def _sync(path: Path) -> None:
    """Make a file, or the names in a folder, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_migrations() -> list[str]:
    text = resources.files("sakshi.storage").joinpath("schema.sql").read_text("utf-8")
    return re.split(r"^-- migration \d+$", text, flags=re.MULTILINE)[1:]


def _lock(folder: Path) -> int:
    """Return a file descriptor that holds the folder until it is closed, or the process ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock_file = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StorageError(f"the data folder {folder} cannot be used: {error}") from error
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock_file)
        raise FolderInUseError(
            f"the data folder {folder} is in use by another process: stop that one, "
            "or give this one another folder"
        ) from None
    return lock_file
