"""Batches of series: what is forgotten goes, what was written later is right, schema 2 is read."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.storage import SqliteStore, StorageConfig
from sakshi.storage.checksum import checksum
from sakshi.storage.database import _read_migrations
from sakshi.storage.roster import (
    BATCH_SERIES_MAX,
    ListedSeries,
    decode_batch,
    delete_series,
    write_ends,
    write_series,
)

START_MS = 1_700_000_000_000
EVERYTHING = Matcher("__name__", MatchOperator.NOT_EQUAL, "")


def series(column: int) -> ListedSeries:
    labels = {"__name__": "m", "le": str(column), "text": 'a "b"\n\N{SNOWMAN}'}
    return ListedSeries(column, Labels(labels), START_MS + column)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for script in _read_migrations():
            connection.executescript(script)
        yield connection


def bodies(connection: sqlite3.Connection, target_id: int = 1) -> list[list[ListedSeries]]:
    query = "select body from series_batch where target_id = ? order by id"
    return [decode_batch(body) for (body,) in connection.execute(query, (target_id,))]


def test_series_come_back_in_batches_of_a_bounded_size(connection: sqlite3.Connection) -> None:
    """Every label set, column and moment is what was written."""
    written = [series(column) for column in range(2 * BATCH_SERIES_MAX + 1)]

    write_series(connection, 1, written)

    assert [len(batch) for batch in bodies(connection)] == [BATCH_SERIES_MAX, BATCH_SERIES_MAX, 1]
    assert [one for batch in bodies(connection) for one in batch] == written


def test_forgotten_series_leave_their_batch_and_the_others_stay(
    connection: sqlite3.Connection,
) -> None:
    """A batch shrinks, and goes with its last series; another target's are not touched."""
    for target_id in (1, 2):
        write_series(connection, target_id, [series(column) for column in range(3)])
        write_series(connection, target_id, [series(3)])
        write_ends(connection, target_id, [(column, START_MS) for column in range(4)])

    delete_series(connection, 1, [0, 2, 3, 99])

    assert bodies(connection) == [[series(1)]]
    assert bodies(connection, 2) == [[series(0), series(1), series(2)], [series(3)]]
    ends = "select target_id, column_number from series_end"
    assert connection.execute(ends).fetchall() == [(1, 1), (2, 0), (2, 1), (2, 2), (2, 3)]


def test_series_that_begin_earlier_and_earlier_take_no_more_room(
    connection: sqlite3.Connection,
) -> None:
    """The last writing is right; however often series are written, their batches stay few."""
    damaged = "update series_batch set checksum = checksum + 1 where id = 1"
    write_series(connection, 1, [series(1000)])
    connection.execute(damaged)
    columns = range(0, 1000, 5)

    for age in range(50):
        earlier = [replace(series(column), first_ms=START_MS - age) for column in columns]
        write_series(connection, 1, earlier)

    found: dict[int, ListedSeries] = {}
    batches = bodies(connection)
    for batch in batches:
        found |= {one.column: one for one in batch}
    assert len(batches) < 25
    assert sorted(found) == [*columns, 1000]
    assert {one.first_ms for one in found.values()} == {START_MS - 49, START_MS + 1000}
    assert found[995].labels == series(995).labels


def test_a_store_of_schema_2_is_read(tmp_path: Path) -> None:
    """What it kept a row a series is there: labels, beginnings, ends, but no damage."""
    config = StorageConfig(head_ms=20_000, seal_rows=10)
    names = [Labels({"__name__": f"m{n}", "job": "a"}) for n in range(3)]
    with closing(SqliteStore(tmp_path, config)) as store:
        target = store.target(Labels({"job": "a"}))
        columns = target.columns(names)
        for row in range(60):
            present = columns if row < 20 else columns[1:]
            target.append(START_MS + row * 1000, present, np.full(present.size, float(row)))
            store.commit()
    downgrade(tmp_path / "samples.db")

    with closing(SqliteStore(tmp_path, config)) as store:
        rows = {
            labels: int(np.count_nonzero(~np.isnan(found.values[:, index])))
            for found in store.select([EVERYTHING], 0, START_MS + 60_000)
            for index, labels in enumerate(found.series)
        }
        late = store.series([EVERYTHING], START_MS + 50_000, START_MS + 60_000)

    assert rows == {names[0]: 20, names[1]: 60}
    assert late == [names[1]]


def downgrade(path: Path) -> None:
    """Turn a store back into one of schema 2, the last of its series damaged."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        listed = [one for batch in bodies(connection) for one in batch]
        ends = dict(connection.execute("select column_number, end_ms from series_end"))
        connection.executescript(
            """
            drop view target_view; drop view deletion_view; drop view series_batch_view;
            drop view series_end_view; drop table series_batch; drop table series_end;
            drop view late_view; drop table late;
            """
        )
        first, second, *_ = _read_migrations()
        statements = [part for part in first.split(";\n") if "series" in part or "target" in part]
        for statement in statements:
            if "create table series" in statement or "_view" in statement:
                connection.execute(statement.replace("create view", "create view if not exists"))
        connection.executescript(second[second.index("create view deletion_view") :])
        for one in listed:
            text = json.dumps(dict(one.labels.pairs), separators=(",", ":"))
            number = checksum(text.encode(), 1, one.column, one.first_ms)
            if one.column == listed[-1].column:
                number += 1
            connection.execute(
                "insert into series values (1, ?, ?, ?, ?, ?)",
                (one.column, text, one.first_ms, ends.get(one.column), number),
            )
        connection.execute("pragma user_version = 2")
