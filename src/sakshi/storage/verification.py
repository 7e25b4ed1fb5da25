"""Is a database of samples whole: each page, each row's checksum, each chunk's values.

A store that is opened verifies what it reads, when it reads it. Who relies on a copy wants to know
before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sakshi.storage.checksum import is_sound
from sakshi.storage.codec import decode_chunk, decode_timestamps
from sakshi.storage.errors import StorageError
from sakshi.storage.quarantine import is_damage

PROBLEMS_MAX: Final = 20  # that are told; a file that has more is no copy

# Of each table: a number for people, the numbers that a checksum covers, the bytes, the checksum.
_ROWS: Final = {
    "target": "select id, id, cast(labels as blob), checksum from target",
    "family": "select id, id, cast(name as blob), checksum from family",
    "series_batch": (
        "select id, target_id, column_max, series_count, body, checksum from series_batch"
    ),
    "series_end": (
        "select column_number, target_id, column_number, end_ms, x'', checksum from series_end"
    ),
    "log": (
        "select id, target_id, start_ms, end_ms, row_count, is_full, body, checksum "
        "from log order by id"
    ),
    "span": "select id, target_id, start_ms, end_ms, row_count, timestamps, checksum from span",
    "chunk": ("select span_id, span_id, family_id, series_count, codec, data, checksum from chunk"),
    "expiry": "select id, before_ms, log_id, x'', checksum from expiry where checksum is not null",
    "late": (
        "select id, target_id, timestamp_ms, cast(columns || samples as blob), checksum from late"
    ),
    "deletion": (
        "select id, target_id, column_number, start_ms, end_ms, x'', checksum from deletion"
    ),
}


@dataclass(frozen=True)
class Verification:
    """What was found out about a database.

    Args:
        rows: whose checksums were compared.
        samples: in its chunks, holes included.
        problems: what is wrong, a line each; empty: it is whole.
    """

    rows: int
    samples: int
    problems: Sequence[str]


def verify(path: Path) -> Verification:
    """Return whether a database of samples is whole; nobody writes to it meanwhile.

    Raises:
        StorageError: it cannot be opened, or read.
    """
    try:
        with closing(open_copy(path)) as connection:
            return _verify(connection)
    except sqlite3.Error as error:
        if is_damage(error):
            return Verification(0, 0, [f"{path.name}: {error}"])
        raise StorageError(f"{path} cannot be read: {error}") from error


def open_copy(path: Path) -> sqlite3.Connection:
    """Return a connection that reads a database and leaves nothing beside it.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    beside = path.with_name(f"{path.name}-wal")
    # Without a write-ahead log the file is all there is; SQLite would make one to look into it.
    mode = "ro" if beside.exists() else "ro&immutable=1"
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True)


def check_pages(connection: sqlite3.Connection) -> Sequence[str]:
    """Return what SQLite finds wrong with the structure of a file; empty: nothing."""
    found = [str(text) for (text,) in connection.execute(f"pragma integrity_check({PROBLEMS_MAX})")]
    return [] if found == ["ok"] else found


def _verify(connection: sqlite3.Connection) -> Verification:
    problems = list(check_pages(connection))
    rows = samples = 0
    for table, sql in _ROWS.items():
        for id, *numbers, data, expected in connection.execute(sql):
            rows += 1
            if not is_sound(expected, data, *numbers):
                problems.append(f"{table} {id}: wrong checksum")
                continue
            try:
                samples += _READERS[table](numbers, data)
            except StorageError as error:
                problems.append(f"{table} {id}: {error}")
            if len(problems) >= PROBLEMS_MAX:
                return Verification(rows, samples, problems)
    problems += _find_lost(connection)
    return Verification(rows, samples, problems)


def _find_lost(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield what refers to nothing."""
    for table, id, parent, _ in connection.execute("pragma foreign_key_check"):
        row = table if id is None else f"{table} {id}"
        yield f"{row}: refers to a {parent} that is not there"


def _count_chunk(numbers: Sequence[Any], data: bytes) -> int:
    return int(decode_chunk(data, numbers[3]).values.size)


def _count_rows(numbers: Sequence[Any], data: bytes) -> int:
    """Decode the timestamps of a span; they are no samples."""
    decode_timestamps(data)
    return 0


def _count_nothing(numbers: Sequence[Any], data: bytes) -> int:
    return 0


_READERS: Final[Mapping[str, Callable[[Sequence[Any], bytes], int]]] = {
    **dict.fromkeys(_ROWS, _count_nothing),
    "chunk": _count_chunk,
    "span": _count_rows,
}
