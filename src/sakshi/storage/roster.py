"""Which series a target has on disk: label sets in batches, and when series ended.

Label sets resemble each other: compressed together they take a tenth of what each takes alone. A
batch changes only when some of its series are forgotten. Where two batches name the same column,
the later one is right.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from sys import intern
from typing import Final

import orjson

from sakshi.model.labels import Labels
from sakshi.storage.checksum import checksum, is_sound
from sakshi.storage.taken import NewColumn

BATCH_SERIES_MAX: Final = 128  # what one damaged batch costs at most
LISTED_PER_COLUMN_MAX: Final = 2  # then the batches of a target are written anew, each series once
ZLIB_LEVEL: Final = 6  # written once, kept for as long as the series

INSERT_BATCH: Final = (
    "insert into series_batch (id, target_id, column_max, series_count, checksum, body) "
    "values (?, ?, ?, ?, ?, ?)"
)
SELECT_BATCHES: Final = (
    "select id, column_max, series_count, checksum, body "
    "from series_batch where target_id = ? order by id"
)
SELECT_LISTED: Final = (
    "select sum(series_count), max(column_max) from series_batch where target_id = ?"
)
UPDATE_BATCH: Final = (
    "update series_batch set column_max = ?, series_count = ?, checksum = ?, body = ? where id = ?"
)
DELETE_BATCH: Final = "delete from series_batch where id = ?"
INSERT_END: Final = (
    "insert or replace into series_end (target_id, column_number, end_ms, checksum) "
    "values (?, ?, ?, ?)"
)
DELETE_END: Final = "delete from series_end where target_id = ? and column_number = ?"
SELECT_SERIES: Final = (
    "select target_id, column_number, cast(labels as blob), first_ms, end_ms, checksum "
    "from series order by target_id, column_number"
)


@dataclass(frozen=True, slots=True)
class ListedSeries:
    """A series as a batch has it: its column, its labels, and when its first sample was."""

    column: int
    labels: Labels
    first_ms: int


def write_series(
    connection: sqlite3.Connection, target_id: int, series: Sequence[ListedSeries | NewColumn]
) -> None:
    """Write series that the disk does not know, or knows otherwise."""
    if not series:
        return
    _insert_batches(connection, target_id, series)
    listed, column_max = connection.execute(SELECT_LISTED, (target_id,)).fetchone()
    if listed > LISTED_PER_COLUMN_MAX * (column_max + 1) + BATCH_SERIES_MAX:
        _list_once(connection, target_id)


def write_ends(
    connection: sqlite3.Connection, target_id: int, ends: Iterable[tuple[int, int]]
) -> None:
    """Write when the last samples of series were that are sealed: columns, and milliseconds."""
    rows = [(target_id, *end, checksum(b"", target_id, *end)) for end in ends]
    connection.executemany(INSERT_END, rows)


def delete_ends(connection: sqlite3.Connection, target_id: int, columns: Iterable[int]) -> None:
    """Forget when series ended."""
    connection.executemany(DELETE_END, [(target_id, column) for column in columns])


def delete_series(connection: sqlite3.Connection, target_id: int, columns: Iterable[int]) -> None:
    """Delete series of which nothing is left."""
    gone = set(columns)
    if not gone:
        return
    delete_ends(connection, target_id, gone)
    for id, series in _read_batches(connection, target_id):
        rest = [one for one in series if one.column not in gone]
        if not rest:
            connection.execute(DELETE_BATCH, (id,))
        elif len(rest) < len(series):
            connection.execute(UPDATE_BATCH, (*_batch_row(target_id, rest), id))


def decode_batch(body: bytes) -> list[ListedSeries]:
    """Return the series of a batch whose checksum was right; equal texts are one object."""
    return [
        ListedSeries(
            column,
            Labels.from_sorted(
                tuple((intern(name), intern(value)) for name, value in labels.items())
            ),
            first_ms,
        )
        for column, first_ms, labels in orjson.loads(zlib.decompress(body))
    ]


def convert_series(connection: sqlite3.Connection) -> None:
    """Move what schema 2 kept, a row a series, into batches; what is damaged there stays behind."""
    listed: dict[int, list[ListedSeries]] = {}
    ends: dict[int, list[tuple[int, int]]] = {}
    for target_id, column, labels, first_ms, end_ms, expected in connection.execute(SELECT_SERIES):
        if not is_sound(expected, labels, target_id, column, first_ms):
            continue
        found = Labels.from_sorted(tuple(orjson.loads(labels).items()))
        listed.setdefault(target_id, []).append(ListedSeries(column, found, first_ms))
        if isinstance(end_ms, int):
            ends.setdefault(target_id, []).append((column, end_ms))
    for target_id, series in listed.items():
        write_series(connection, target_id, series)
        write_ends(connection, target_id, ends.get(target_id, ()))
    connection.execute("drop table series")


def _list_once(connection: sqlite3.Connection, target_id: int) -> None:
    """Write the batches of a target anew: series that began earlier and earlier stand in many."""
    listed: dict[int, ListedSeries] = {}
    for id, series in _read_batches(connection, target_id):
        listed |= {one.column: one for one in series}
        connection.execute(DELETE_BATCH, (id,))
    _insert_batches(connection, target_id, [listed[column] for column in sorted(listed)])


def _read_batches(
    connection: sqlite3.Connection, target_id: int
) -> Iterator[tuple[int, list[ListedSeries]]]:
    """Yield the sound batches of a target, oldest first; damaged ones are told at start."""
    for id, column_max, count, expected, body in connection.execute(
        SELECT_BATCHES, (target_id,)
    ).fetchall():
        if is_sound(expected, body, target_id, column_max, count):
            yield id, decode_batch(body)


def _insert_batches(
    connection: sqlite3.Connection, target_id: int, series: Sequence[ListedSeries | NewColumn]
) -> None:
    for start in range(0, len(series), BATCH_SERIES_MAX):
        row = _batch_row(target_id, series[start : start + BATCH_SERIES_MAX])
        connection.execute(INSERT_BATCH, (None, target_id, *row))


def _batch_row(
    target_id: int, series: Sequence[ListedSeries | NewColumn]
) -> tuple[int, int, int, bytes]:
    """Return the highest column, the count, the checksum and the body."""
    listed = [(one.column, one.first_ms, dict(one.labels.pairs)) for one in series]
    body = zlib.compress(orjson.dumps(listed), ZLIB_LEVEL)
    column_max = max(one.column for one in series)
    return column_max, len(series), checksum(body, target_id, column_max, len(series)), body
