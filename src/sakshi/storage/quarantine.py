"""A database that cannot be read is set aside, whole, and the store begins with an empty one.

A monitor that does not start alerts nobody; and what is set aside can still be looked into.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Final

COMPANIONS: Final = ("-wal", "-shm")  # what SQLite keeps beside a database belongs to it

# The disk, its rights, or another process stand in the way; the file may be sound.
_NOT_THE_FILE: Final = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_AUTH,
    }
)

logger = logging.getLogger(__name__)


def is_damage(error: Exception) -> bool:
    """Tell whether an error says that the file is damaged, or no database at all.

    A message of SQLite that quotes damaged text cannot be decoded: that is damage, too.
    """
    if isinstance(error, UnicodeDecodeError):
        return True
    if not isinstance(error, sqlite3.DatabaseError):
        return False
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return code & 0xFF not in _NOT_THE_FILE  # the higher bits say more than needed


def set_aside(path: Path, reason: Exception) -> Path:
    """Rename a database and what belongs to it; return its new name, the first one that is free."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.rename(aside)
    for suffix in COMPANIONS:
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            companion.rename(aside.with_name(aside.name + suffix))
    logger.error(
        "database=damaged set_aside=%s reason=%r; the store begins anew without its samples",
        aside, str(reason),
    )  # fmt: skip
    return aside
