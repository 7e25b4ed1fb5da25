"""The store on disk: what survives, what is refused, what a full disk and a bad one cost."""

from __future__ import annotations

import logging
import random
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import FakeClock

from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.storage import (
    Progress,
    SqliteStore,
    StorageConfig,
    StorageError,
    StorageFullError,
    Store,
    is_absent,
)
from sakshi.storage.checksum import checksum
from sakshi.storage.expiry import EXPIRED_SPANS_MAX
from sakshi.storage.reader import ChunkReader
from sakshi.storage.sealer import SEALED_SAMPLES_MAX

START_MS = 1_700_000_000_000
EVERYTHING = Matcher("__name__", MatchOperator.NOT_EQUAL, "")
SEALING_SOON = StorageConfig(head_ms=20_000, seal_rows=10, close_seconds_max=0)
LOGGING = StorageConfig(close_seconds_max=0)

Samples = dict[tuple[Labels, int], int]


@contextmanager
def opened(folder: Path, config: StorageConfig = SEALING_SOON) -> Iterator[SqliteStore]:
    with closing(SqliteStore(folder, config)) as store:
        yield store


def fill(store: Store, rows: range, series: int = 20) -> Samples:
    """Append and commit rows of two targets; return each sample's value bits."""
    truth: Samples = {}
    for part in "ab":
        target = store.target(Labels({"part": part}))
        labels = [
            Labels({"__name__": f"m{n % 3}", "n": str(n), "part": part}) for n in range(series)
        ]
        columns = target.columns(labels)
        for row in rows:
            values = np.random.default_rng(row).random(series)
            values[::2] = np.arange(series)[::2]
            target.append(START_MS + row * 1000, columns, values)
            bits = values.view(np.uint64).tolist()
            truth.update(zip(((name, row) for name in labels), bits, strict=True))
            store.commit()
    return truth


def read(store: Store) -> Samples:
    """Return the value bits of each sample, by series and row."""
    found: Samples = {}
    for columns in store.select([EVERYTHING], 0, 1 << 60):
        rows = ((columns.timestamps - START_MS) // 1000).tolist()
        for index, labels in enumerate(columns.series):
            values = columns.values[:, index]
            for row, bits, absent in zip(
                rows, values.view(np.uint64).tolist(), is_absent(values).tolist(), strict=True
            ):
                if not absent:
                    found[labels, row] = bits
    return found


def execute(folder: Path, sql: str, *values: object) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "samples.db")) as connection, connection:
        return connection.execute(sql, values).fetchall()


# The folder


def test_folder_in_use_is_refused(tmp_path: Path) -> None:
    """A second store on the same folder is refused, and says what to do."""
    with opened(tmp_path), pytest.raises(StorageError) as caught:
        SqliteStore(tmp_path)

    assert str(caught.value) == (
        f"the data folder {tmp_path} is in use by another process: stop that one, "
        "or give this one another folder"
    )


def test_folder_is_free_after_close(tmp_path: Path) -> None:
    """A closed store can be opened again; a new folder is made."""
    folder = tmp_path / "new" / "data"
    with opened(folder) as store:
        truth = fill(store, range(40))

    with opened(folder) as store:
        assert read(store) == truth


def test_newer_schema_is_refused(tmp_path: Path) -> None:
    """A file of a later version is not touched."""
    opened(tmp_path).__enter__().close()
    execute(tmp_path, "pragma user_version = 99")

    with pytest.raises(StorageError) as caught:
        SqliteStore(tmp_path)

    assert str(caught.value) == (
        f"{tmp_path / 'samples.db'} was written by a newer sakshi (schema 99, this one knows 4): "
        "use that version, or another folder"
    )


def test_file_that_is_no_database_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be read stops nothing: it is renamed, whole, and said; the store begins anew."""
    rubbish = b"something else entirely" * 500
    for number in (1, 2):
        (tmp_path / "samples.db").write_bytes(rubbish)
        (tmp_path / "samples.db-wal").write_bytes(b"its log")

        with opened(tmp_path) as store:
            assert store.statistics().damaged_files == 1
            truth = fill(store, range(40))

        aside = tmp_path / f"samples.db.damaged-{number}"
        assert aside.read_bytes() == rubbish
        assert caplog.records.pop().getMessage() == (
            f"database=damaged set_aside={aside} reason="
            f"'{tmp_path / 'samples.db'} cannot be used: file is not a database'; "
            "the store begins anew without its samples"
        )
        with opened(tmp_path) as store:
            assert store.statistics().damaged_files == 0
            assert read(store) == truth


@pytest.mark.parametrize("table", ["target", "series_batch", "log", "chunk", "expiry"])
def test_database_without_a_table_is_set_aside(tmp_path: Path, table: str) -> None:
    """A schema that is not the one that it says it is counts as damage."""
    with opened(tmp_path) as store:
        fill(store, range(40))
    execute(tmp_path, f"drop table {table}")

    with opened(tmp_path) as store:
        truth = fill(store, range(20, 60))
        assert store.statistics().damaged_files == 1
        assert truth.items() <= read(store).items()

    with opened(tmp_path) as store:
        assert store.statistics().damaged_files == 0
        assert truth.items() <= read(store).items()


def test_file_that_breaks_while_it_is_open_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is in memory goes to the new file; only what had left memory is missing."""
    with opened(tmp_path) as store:
        fill(store, range(40))
        store._database._writer.execute("drop table log")
        fill(store, range(40, 41))
        expected = read(store)
        assert store.statistics().damaged_files == 1
        assert {row for _, row in expected} == set(range(10, 41))
        expected |= fill(store, range(41, 100))

    assert "database=damaged set_aside=" in caplog.text
    with opened(tmp_path) as store:
        assert read(store) == expected


def test_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    """Where the file may be sound, it keeps its place."""
    (tmp_path / "samples.db").mkdir()

    with pytest.raises(StorageError) as caught:
        SqliteStore(tmp_path)

    assert str(caught.value) == (
        f"{tmp_path / 'samples.db'} cannot be opened: unable to open database file"
    )
    assert [file.name for file in tmp_path.iterdir()] != ["samples.db.damaged-1"]


def test_views_speak_plainly(tmp_path: Path) -> None:
    """Every table has a view beside it, with moments in UTC and labels in clear."""
    with opened(tmp_path, replace(SEALING_SOON, keeps_late=True)) as store:
        target = store.target(Labels({"part": "a"}))
        target.append(START_MS, target.columns([Labels({"__name__": "once"})]), np.ones(1))
        fill(store, range(1, 61))
        late = target.columns([Labels({"__name__": "late"})])
        target.append(START_MS + 30_500, late, np.array([1.0]))
        store.commit()
        store.expire(START_MS)
        store.delete_series([EVERYTHING], START_MS, START_MS + 20_000)

    tables = execute(tmp_path, "select name from sqlite_schema where type = 'table'")
    ours = [str(name) for (name,) in tables if not str(name).startswith("sqlite_")]
    for table in ours:
        assert execute(tmp_path, f"select * from {table}_view"), table
    (row,) = execute(tmp_path, "select * from span_view where id = 1")
    assert row[:6] == (
        1, '{"part":"a"}', "2023-11-14T22:13:20.000Z", "2023-11-14T22:13:29.000Z", 10, 4
    )  # fmt: skip


# Durability


def test_rows_are_read_from_memory_and_chunks_alike(tmp_path: Path) -> None:
    """Where rows lie makes no difference to who selects them."""
    with opened(tmp_path) as store:
        truth = fill(store, range(100))
        assert read(store) == truth

    (spans,) = execute(tmp_path, "select count(*) from span")
    assert spans == (14,)
    (records,) = execute(tmp_path, "select count(*) from log")
    assert isinstance(records[0], int)
    assert records[0] < 2 * 100, "sealed rows leave the log"


def test_a_closed_store_holds_nothing_but_chunks(tmp_path: Path) -> None:
    """Closing seals what is in memory, which takes less place; all is there again."""
    truth: Samples = {}
    for start in (0, 50, 100):
        with opened(tmp_path, StorageConfig()) as store:
            assert read(store) == truth
            truth |= fill(store, range(start, start + 50), series=200)
            (logged,) = execute(tmp_path, "select sum(length(body)) from log")[0]
        assert execute(tmp_path, "select * from log") == []
        last = "select sum(length(data)) from chunk where span_id > (select max(id) - 2 from span)"
        assert execute(tmp_path, last)[0][0] < logged  # type: ignore[operator]

    with opened(tmp_path) as store:
        assert read(store) == truth


def test_closing_leaves_in_the_log_what_there_is_no_time_for(tmp_path: Path) -> None:
    """The bound on closing costs no samples."""
    with opened(tmp_path, LOGGING) as store:
        truth = fill(store, range(50))

    assert execute(tmp_path, "select count(*) from log") == [(100,)]
    with opened(tmp_path) as store:
        assert read(store) == truth


def test_when_series_ended_is_known_after_any_number_of_restarts(tmp_path: Path) -> None:
    """A series ends at its last sample, wherever the store was closed, or killed, after it."""
    going, gone, back = (Labels({"__name__": name}) for name in ("going", "gone", "back"))
    rows = [
        {going: 0, gone: 0, back: 0},
        {going: 1, gone: 1},
        {going: 2, back: 2},
        {going: 3},
    ]
    for number, row in enumerate(rows):
        with opened(tmp_path, StorageConfig()) as store:
            target = store.target(Labels({"job": "a"}))
            target.append(
                START_MS + number * 60_000,
                target.columns(list(row)),
                np.array(list(row.values()), np.float64),
            )
            store.commit()

    with opened(tmp_path) as store:
        alive = [
            [str(labels["__name__"]) for labels in store.series([EVERYTHING], moment, moment)]
            for moment in range(START_MS, START_MS + 200_000, 60_000)
        ]

    assert alive == [
        ["back", "going", "gone"], ["back", "going", "gone"], ["back", "going"], ["going"]
    ]  # fmt: skip


def test_a_damaged_end_of_a_series_costs_no_sample(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """When a series ended is guessed where nothing says it rightly."""
    with opened(tmp_path) as store:
        target = store.target(Labels({"part": "a"}))
        once = Labels({"__name__": "once"})
        target.append(START_MS, target.columns([once]), np.ones(1))
        fill(store, range(1, 60))
        truth = read(store)
    execute(tmp_path, "update series_end set end_ms = end_ms + 1")

    with opened(tmp_path) as store:
        assert read(store) == truth
        assert store.series([EVERYTHING], START_MS, START_MS)[-1] == once

    assert "series_end=damaged id=0" in caplog.text


def test_a_cache_of_no_size_costs_time_and_no_samples(tmp_path: Path) -> None:
    """Chunks are read again whenever they are needed; how many are kept is a matter of speed."""
    config = StorageConfig(head_ms=20_000, seal_rows=10, chunk_cache_bytes_max=0)
    with opened(tmp_path, config) as store:
        truth = fill(store, range(100))

        assert read(store) == truth
        assert read(store) == truth


def test_few_plans_are_kept_and_any_is_made_again(tmp_path: Path) -> None:
    """Selections beyond the bound are planned anew: the bound costs time and no samples."""
    config = StorageConfig(plan_cache_series_max=10)
    with opened(tmp_path, config) as store:
        fill(store, range(10))
        matchers = [Matcher("n", MatchOperator.EQUAL, str(n)) for n in range(20)]
        first = [store.select([matcher], 0, 1 << 60) for matcher in matchers]

        again = [store.select([matcher], 0, 1 << 60) for matcher in matchers]

        assert [[list(part.series) for part in found] for found in again] == [
            [list(part.series) for part in found] for found in first
        ]
        assert all(len(found) == 2 for found in first)
        assert first[0][0].series is not again[0][0].series, "the oldest plan was given up"


def test_a_span_that_expired_while_it_was_selected_is_empty(tmp_path: Path) -> None:
    """Whoever asks for a span that has just gone gets nothing, and no error."""
    with opened(tmp_path) as store:
        fill(store, range(40))
        reader = ChunkReader(store._database, 1000)

        assert reader.timestamps(1) is not None
        assert reader.timestamps(1000) is None
        assert reader.chunk(1000, 1) is None
        assert reader.damaged == 0


def test_many_targets_are_sealed_by_several_commits(tmp_path: Path) -> None:
    """One commit moves so many samples at most: who waits for it does not wait for all."""
    config = StorageConfig(head_ms=1000, seal_rows=2)
    labels = [Labels({"__name__": "m", "n": str(n)}) for n in range(SEALED_SAMPLES_MAX // 2)]
    with opened(tmp_path, config) as store:
        targets = [store.target(Labels({"part": part})) for part in "ab"]
        for row in range(4):
            for target in targets:
                values = np.full(len(labels), float(row))
                target.append(START_MS + row * 1000, target.columns(labels), values)

        store.commit()
        (first,) = execute(tmp_path, "select count(*) from span")
        store.commit()
        (second,) = execute(tmp_path, "select count(*) from span")

    assert (first, second) == ((1,), (2,))


def test_any_number_of_spans_expires(tmp_path: Path) -> None:
    """They go by transactions of a bounded size, and all of them go."""
    config = StorageConfig(head_ms=1000, seal_rows=1)
    rows = EXPIRED_SPANS_MAX + 20
    with opened(tmp_path, config) as store:
        fill(store, range(rows), series=1)

        store.expire(START_MS + (rows - 10) * 1000)

        assert {row for _, row in read(store)} == set(range(rows - 10, rows))
    (count,) = execute(tmp_path, "select count(*) from span")
    assert isinstance(count[0], int)
    assert count[0] < 2 * 20


def test_expired_spans_leave_the_disk(tmp_path: Path) -> None:
    """Retention shrinks the file."""
    with opened(tmp_path) as store:
        fill(store, range(300), series=100)
        before = store.statistics().disk_bytes

        store.expire(START_MS + 290_000)
        fill(store, range(300, 301), series=100)

    with opened(tmp_path) as store:
        assert store.statistics().disk_bytes < before / 2
        assert min(row for _, row in read(store)) == 290


def test_retention_by_size_forgets_the_oldest(tmp_path: Path) -> None:
    """The file stops growing: its oldest spans make room, and its pages are used again."""
    config = StorageConfig(head_ms=20_000, seal_rows=10, retention_bytes=150_000)
    sizes = []
    for first in range(0, 600, 100):
        with opened(tmp_path, config) as store:
            truth = fill(store, range(first, first + 100), series=50)
            store.expire(0)
            kept = {row for _, row in read(store)}
        sizes.append((tmp_path / "samples.db").stat().st_size)

    assert max(sizes) < 220_000, "600 rows would take 385,000"
    assert kept == set(range(min(kept), 600))
    assert 400 < min(kept) < 570, "what is in memory stays"
    with opened(tmp_path, config) as store:
        found = read(store)
        assert {row for _, row in found} == kept
        assert {key: bits for key, bits in truth.items() if key[1] in kept}.items() <= found.items()


def test_series_that_were_there_are_there_whatever_the_bound(tmp_path: Path) -> None:
    """A bound that was lowered refuses what is new, and nothing that the disk has."""
    with opened(tmp_path) as store:
        truth = fill(store, range(40))

    with opened(tmp_path, StorageConfig(series_max=1)) as store:
        target = store.target(Labels({"part": "a"}))
        assert read(store) == truth
        assert target.columns([Labels({"__name__": "new"})]).tolist() == [-1]


def test_an_ended_series_that_begins_earlier_keeps_its_end(tmp_path: Path) -> None:
    """What is late moves the beginning of a series, and nothing else, on disk as in memory."""
    config = StorageConfig(head_ms=20_000, seal_rows=10, out_of_order_ms=100_000)
    labels = [Labels({"__name__": name}) for name in ("up", "ended")]
    with opened(tmp_path, config) as store:
        target = store.target(Labels({"job": "chat"}))
        columns = target.columns(labels)
        for row in range(65):  # the newest five of them and the late one are too few to be sealed
            size = 2 if 10 <= row < 20 else 1
            target.append(START_MS + row * 1000, columns[:size], np.full(size, float(row)))
            store.commit()
        target.append(START_MS + 5000, columns[1:], np.array([5.0]))
        store.commit()

    with opened(tmp_path, config) as store:
        (found,) = store.select(
            [Matcher("__name__", MatchOperator.EQUAL, "ended")],
            START_MS + 12_000,
            START_MS + 14_000,
        )
    assert found.values.tolist() == [[12.0], [13.0], [14.0]]


def test_rows_of_a_clock_that_ran_ahead_do_not_keep_the_log(tmp_path: Path) -> None:
    """They stay in it for years; what comes after them leaves it as ever."""
    clock, ahead_ms = FakeClock(START_MS), 10 * 365 * 86_400_000
    with closing(SqliteStore(tmp_path, SEALING_SOON, clock=clock)) as store:
        target = store.target(Labels({"job": "chat"}))
        columns = target.columns([Labels({"__name__": "up"})])
        for row in range(300):
            clock.elapsed_ms = row * 1000 + (ahead_ms if 10 <= row < 15 else 0)
            target.append(clock.now_ms(), columns, np.array([float(row)]))
            store.commit()

        (count,) = execute(tmp_path, "select count(*) from log")[0]

    assert isinstance(count, int)
    assert count < 60
    with closing(SqliteStore(tmp_path, SEALING_SOON, clock=clock)) as store:
        found = store.select([EVERYTHING], 0, 1 << 60)[0]
        assert sorted(found.values[:, 0].tolist()) == [float(row) for row in range(300)]


def test_numbers_of_log_records_are_never_used_again(tmp_path: Path) -> None:
    """The expiry knows records by them: a new one must not be taken for one of those."""
    clock, ahead_ms, seen = FakeClock(START_MS), 10 * 365 * 86_400_000, set[object]()
    with closing(SqliteStore(tmp_path, SEALING_SOON, clock=clock)) as store:
        target = store.target(Labels({"job": "chat"}))
        columns = target.columns([Labels({"__name__": "up"})])
        before: set[object] = set()
        for row in range(60):
            clock.elapsed_ms = row * 1000 + (ahead_ms if row == 10 else 0)
            target.append(clock.now_ms(), columns, np.array([float(row)]))
            store.commit()
            there = {id for (id,) in execute(tmp_path, "select id from log")}
            assert not (there - before) & seen
            seen, before = seen | there, there


# Damage


@pytest.mark.parametrize(
    ("sql", "lost_rows"),
    [
        pytest.param(
            "update log set body = ? where end_ms = (select max(end_ms) from log)", 2, id="log"
        ),
        pytest.param(
            "update chunk set data = ? where (span_id, family_id) = (1, 1)", 10, id="chunk"
        ),
        pytest.param("update span set timestamps = ? where id = 1", 10, id="span"),
        pytest.param("update span set timestamps = ?", 122, id="all spans; the log goes on"),
        pytest.param("update series_batch set body = ? where id = 1", 100, id="series"),
        pytest.param("update family set name = ? where id = 2", 140, id="a family's sealed rows"),
        pytest.param("update target set labels = ? where id = 1", 100, id="target"),
    ],
)
def test_damage_costs_what_was_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, sql: str, lost_rows: int
) -> None:
    """A damaged record is left out, counted and named; everything else is there."""
    with opened(tmp_path) as store:
        truth = fill(store, range(100))
    damaged: object = "{}" if "labels" in sql or "name" in sql else b"rubbish"
    execute(tmp_path, sql, damaged)

    with opened(tmp_path) as store, caplog.at_level(logging.ERROR):
        found = read(store)
        assert store.statistics().damaged_records > 0

    assert found.items() <= truth.items()
    lost = {(labels["part"], row) for labels, row in truth.keys() - found.keys()}
    assert len(lost) == lost_rows
    assert "=damaged" in caplog.text


@pytest.mark.parametrize(
    ("missing", "lost_rows"),
    [
        pytest.param(20, [20], id="a row of changes: the next one is proved by its checksum"),
        pytest.param(0, range(60), id="a row in full: what did not change since is unknown"),
    ],
)
def test_a_missing_record_costs_what_cannot_be_known_without_it(
    tmp_path: Path, missing: int, lost_rows: Sequence[int]
) -> None:
    """Rows that say only what changed are not guessed; the next row in full is trusted again."""
    with opened(tmp_path, LOGGING) as store:
        truth = fill(store, range(100))
    execute(tmp_path, "delete from log where id = (select min(id) from log) + ?", missing)

    with opened(tmp_path, LOGGING) as store:
        found = read(store)

    assert found.items() <= truth.items()
    lost = {(labels["part"], row) for labels, row in truth.keys() - found.keys()}
    assert lost == {("a", row) for row in lost_rows}


@pytest.mark.parametrize("number", [1 << 60, "null"])
def test_a_damaged_expiry_forgets_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, number: object
) -> None:
    """Rows that have expired may come back; none goes that has not."""
    with opened(tmp_path, LOGGING) as store:
        truth = fill(store, range(40))
        store.expire(START_MS + 5000)
    with closing(sqlite3.connect(tmp_path / "samples.db", isolation_level=None)) as connection:
        connection.execute("pragma writable_schema = on")
        connection.execute(
            "update sqlite_schema set sql = replace(sql, 'not null,', ',') where name = 'expiry'"
        )
    execute(tmp_path, f"update expiry set before_ms = {number}")

    with opened(tmp_path, LOGGING) as store:
        found = read(store)

    assert {key: bits for key, bits in truth.items() if key[1] >= 5}.items() <= found.items()
    assert found.items() <= truth.items()
    assert "expiry=damaged id=1" in caplog.text


def test_a_damaged_deletion_shows_samples_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What says wrongly that samples are deleted deletes nothing."""
    with opened(tmp_path) as store:
        truth = fill(store, range(40))
        store.delete_series([EVERYTHING], START_MS, START_MS + 3000)
        assert {row for _, row in read(store)} == set(range(4, 40))
    execute(tmp_path, "update deletion set end_ms = end_ms + 1000000")

    with opened(tmp_path) as store:
        assert read(store) == truth

    assert "deletion=damaged id=1" in caplog.text


def test_deletions_hold_in_the_file_that_replaces_a_damaged_one(tmp_path: Path) -> None:
    """What is in memory goes to the new file with what is deleted of it."""
    with opened(tmp_path) as store:
        fill(store, range(15))
        store.delete_series([EVERYTHING], START_MS + 3000, START_MS + 5000)
        store._database._writer.execute("drop table log")
        fill(store, range(15, 16))
        expected = read(store)
        assert {row for _, row in expected} == {0, 1, 2, *range(6, 16)}

    with opened(tmp_path) as store:
        assert read(store) == expected


def test_a_target_without_any_series_goes_on(tmp_path: Path) -> None:
    """Rows of nothing but damaged series move to the disk like others, and harm nobody."""
    with opened(tmp_path, LOGGING) as store:
        fill(store, range(40))
    execute(tmp_path, "update series_batch set body = x'00'")

    with opened(tmp_path) as store:
        truth = fill(store, range(40, 80))

    with opened(tmp_path) as store:
        assert read(store) == truth


def test_chunks_whose_span_is_lost_are_in_nobodys_way(tmp_path: Path) -> None:
    """What damage left behind makes room for the chunks of the span that gets the number."""
    with opened(tmp_path) as store:
        truth = fill(store, range(40))
    ((span_id,),) = execute(tmp_path, "select max(id) + 1 from span")
    for family_id in range(1, 4):
        row = (span_id, family_id, 1, 2, 0, b"rubbish")
        execute(tmp_path, "insert into chunk values (?, ?, ?, ?, ?, ?)", *row)

    with opened(tmp_path) as store:
        truth |= fill(store, range(40, 80))

    with opened(tmp_path) as store:
        assert read(store) == truth


def test_a_store_closes_whatever_its_file_is_like(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the chunks cannot be written, the log stays as it is."""
    with opened(tmp_path, StorageConfig()) as store:
        fill(store, range(40))
        store._database._writer.execute("drop table chunk")

    assert "seal=failed reason=" in caplog.text
    assert execute(tmp_path, "select count(*) from log") == [(80,)]


def test_a_chunk_of_a_later_version_is_left_out_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """After a downgrade, what this version cannot read is missing and not misread."""
    with opened(tmp_path) as store:
        truth = fill(store, range(40))
    where = "where (span_id, family_id) = (1, 1)"
    ((data, count),) = execute(tmp_path, f"select data, series_count from chunk {where}")
    assert isinstance(data, bytes)
    assert isinstance(count, int)
    number = checksum(data, 1, 1, count, 99)
    execute(tmp_path, f"update chunk set codec = 99, checksum = ? {where}", number)

    with opened(tmp_path) as store:
        found = read(store)

    assert found.items() < truth.items()
    assert [record.getMessage() for record in caplog.records] == [
        "chunk=damaged span_id=1 family_id=1 reason='codec 99, which a newer sakshi may know'"
    ]


def test_a_family_whose_name_is_damaged_gets_a_new_number_that_stays(tmp_path: Path) -> None:
    """The damage is done once: what is written after it is there after any number of restarts."""
    with opened(tmp_path) as store:
        fill(store, range(40))
    execute(tmp_path, "update family set name = '' where id = 2")

    with opened(tmp_path) as store:
        truth = fill(store, range(40, 80))
        other = store.target(Labels({"part": "c"}))
        other.append(START_MS, other.columns([Labels({"__name__": "new"})]), np.ones(1))
        store.commit()
    opened(tmp_path).__enter__().close()

    with opened(tmp_path) as store:
        assert truth.items() <= read(store).items()


@pytest.mark.parametrize(
    ("sql", "lost_rows"),
    [
        pytest.param("update span set row_count = 'x' where id = 1", 10, id="a span's numbers"),
        pytest.param("update span set timestamps = 5 where id = 1", 10, id="a span's body"),
        pytest.param(
            "update series_batch set column_max = 'x' where id = 1", 100, id="a batch's numbers"
        ),
    ],
)
def test_damage_of_any_type_costs_what_was_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, sql: str, lost_rows: int
) -> None:
    """SQLite keeps types when it writes; a bit that flips in the file does not."""
    with opened(tmp_path) as store:
        truth = fill(store, range(100))
    with closing(sqlite3.connect(tmp_path / "samples.db", isolation_level=None)) as connection:
        connection.execute("pragma writable_schema = on")
        connection.execute("update sqlite_schema set sql = replace(sql, ') strict', ')')")
    execute(tmp_path, sql)

    with opened(tmp_path) as store, caplog.at_level(logging.ERROR):
        found = read(store)
        assert store.statistics().damaged_records > 0

    assert found.items() <= truth.items()
    lost = {(labels["part"], row) for labels, row in truth.keys() - found.keys()}
    assert len(lost) == lost_rows
    assert "=damaged" in caplog.text


@pytest.mark.slow
def test_flipped_bits_never_make_a_wrong_value(tmp_path: Path) -> None:
    """Whatever bit of the file is flipped: the store opens or says why not, and never lies."""
    with opened(tmp_path / "sound") as store:
        truth = fill(store, range(45))
    sound = (tmp_path / "sound" / "samples.db").read_bytes()
    chance = random.Random(7)
    folder = tmp_path / "damaged"
    folder.mkdir()
    refused = unharmed = 0

    for _ in range(150):
        damaged = bytearray(sound)
        damaged[chance.randrange(len(sound))] ^= 1 << chance.randrange(8)
        (folder / "samples.db").write_bytes(damaged)
        try:
            with opened(folder) as store:
                found = read(store)
        except StorageError:
            refused += 1
            continue
        assert found.items() <= truth.items()
        unharmed += found == truth

    assert refused < 30
    assert unharmed > 30


# A full disk


def fill_up(store: SqliteStore, target_labels: Labels, first_row: int) -> int:
    """Append and commit until the disk refuses; return the row that it refused."""
    target = store.target(target_labels)
    columns = target.columns([Labels({"__name__": "m", "n": str(n)}) for n in range(500)])
    for row in range(first_row, first_row + 1000):
        target.append(START_MS + row * 1000, columns, np.random.default_rng(row).random(500))
        try:
            store.commit()
        except StorageFullError:
            return row
    raise AssertionError("the disk never was full")


def test_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    """A full disk: commits fail and say so, reads go on, and room brings everything to disk."""
    config = StorageConfig(disk_bytes_max=400_000)
    with opened(tmp_path, config) as store:
        refused = fill_up(store, Labels({"job": "chat"}), 0)
        refused = fill_up(store, Labels({"job": "chat"}), refused + 1)
        with pytest.raises(StorageFullError, match=r"samples\.db: database or disk is full$"):
            store.commit()
        assert {row for _, row in read(store)} == set(range(refused + 1))

        store.expire(START_MS + (refused - 5) * 1000)
        store.commit()

    with opened(tmp_path, config) as store:
        rows = {row for _, row in read(store)}
        assert rows == set(range(refused - 5, refused + 1))


@contextmanager
def refusing(store: SqliteStore, operation: int, table: str) -> Iterator[None]:
    """Have the disk refuse one kind of write to one table."""

    def permit(asked: int, name: str | None, *_: object) -> int:
        refused = asked == operation and name == table
        return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK

    writer = store._database._writer
    writer.set_authorizer(permit)
    yield
    writer.set_authorizer(None)


def test_rows_that_cannot_be_sealed_wait(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """They stay in memory and log, readable and durable; it is said once, and tried again."""
    with opened(tmp_path) as store:
        with refusing(store, sqlite3.SQLITE_INSERT, "span"):
            truth = fill(store, range(60))
            assert read(store) == truth
        assert execute(tmp_path, "select count(*) from span") == [(0,)]
        store.commit()

    assert [record.getMessage() for record in caplog.records] == [
        f"seal=postponed reason='{tmp_path / 'samples.db'}: not authorized'"
    ]
    with opened(tmp_path) as store:
        assert read(store) == truth
    assert execute(tmp_path, "select count(*) > 0 from span") == [(1,)]


def test_spans_that_cannot_be_deleted_wait(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What has expired is not read any more, and leaves the disk as soon as it lets it go."""
    with opened(tmp_path) as store:
        fill(store, range(60))
        (before,) = execute(tmp_path, "select count(*) from span")
        with refusing(store, sqlite3.SQLITE_DELETE, "span"):
            store.expire(START_MS + 50_000)
            assert {row for _, row in read(store)} == set(range(50, 60))
        assert execute(tmp_path, "select count(*) from span") == [before]
        assert "expire=postponed" in caplog.text

        store.expire(START_MS + 50_000)

    assert execute(tmp_path, "select count(*) from span") == [(0,)]


@pytest.mark.parametrize("seed", range(4))
def test_failed_commits_leave_no_trace(tmp_path: Path, seed: int) -> None:
    """Whichever of its writes the disk refuses, a commit is all or nothing, and is repeated."""
    chance = random.Random(seed)
    truth: Samples = {}
    failures = 0
    with opened(tmp_path) as store:
        writer = store._database._writer  # where the disk can be made to refuse at will
        for row in range(50):
            for part in range(3):
                labels = [
                    Labels({"__name__": "m", "n": str(n), "part": str(part)}) for n in range(50)
                ]
                target = store.target(Labels({"part": str(part)}))
                values = np.random.default_rng(row).random(len(labels))
                target.append(START_MS + row * 1000, target.columns(labels), values)
                bits = values.view(np.uint64).tolist()
                truth.update(zip(((name, row) for name in labels), bits, strict=True))
            writer.execute(f"pragma max_page_count = {chance.choice([1, 10**6])}")
            try:
                store.commit()
            except StorageFullError:
                failures += 1
            assert read(store) == truth
        writer.execute("pragma max_page_count = 1000000")

    with opened(tmp_path) as store:
        assert read(store) == truth
        assert store.statistics().damaged_records == 0
    assert failures > 3


def test_memory_is_bounded_while_the_disk_refuses(tmp_path: Path) -> None:
    """What waits for the disk has a maximum; beyond it the oldest goes, and is counted."""
    config = StorageConfig(disk_bytes_max=400_000, pending_bytes_max=100_000)
    with opened(tmp_path, config) as store:
        row = fill_up(store, Labels({"job": "chat"}), 0)
        for _ in range(100):
            row = fill_up(store, Labels({"job": "chat"}), row + 1)

        statistics = store.statistics()
        kept = {found for _, found in read(store)}

        assert statistics.lost_samples == statistics.samples - len(kept) * 500
        assert statistics.lost_samples > 0
        assert max(kept) == row
        store.expire(1 << 60)


# A backup


def test_backup_is_a_store_of_its_own(tmp_path: Path) -> None:
    """A copy that was taken while the store was written to holds all that was committed."""
    with opened(tmp_path / "data") as store:
        truth = fill(store, range(50))
        target = store.target(Labels({"part": "a"}))
        columns = target.columns([Labels({"__name__": "late"})])
        target.append(START_MS + 50_000, columns, np.ones(1))

        store.backup(tmp_path / "samples.db")
        fill(store, range(51, 60))

    with opened(tmp_path) as copy:
        assert read(copy) == truth
        assert copy.statistics().damaged_records == 0
    assert not list(tmp_path.glob("*.draft*"))


def test_backup_overwrites_nothing(tmp_path: Path) -> None:
    """Whatever is at its place stays."""
    copy = tmp_path / "copy.db"
    copy.write_text("precious")

    with opened(tmp_path / "data") as store, pytest.raises(StorageError) as caught:
        store.backup(copy)

    assert str(caught.value) == f"{copy} exists: a backup overwrites nothing"
    assert copy.read_text() == "precious"


def test_backup_to_no_folder_is_refused(tmp_path: Path) -> None:
    """A copy that cannot be written is an error that says where, and leaves nothing."""
    copy = tmp_path / "nowhere" / "copy.db"

    with opened(tmp_path / "data") as store, pytest.raises(StorageError) as caught:
        store.backup(copy)

    assert str(caught.value) == (f"no backup was written to {copy}: unable to open database file")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["data"]


# Late samples, for whoever passes them on

LATE = replace(SEALING_SOON, keeps_late=True)


def append_late(store: Store, row: int, name: str = "late") -> None:
    """Append a sample of a new series for a moment up to which its target's rows are durable."""
    target = store.target(Labels({"part": "a"}))
    columns = target.columns([Labels({"__name__": name})])
    target.append(START_MS + row * 1000, columns, np.array([float(row)]))


def late_rows(store: Store, after_id: int = 0) -> list[int]:
    return [(one.timestamp_ms - START_MS) // 1000 for one in store.late_samples(after_id, 100)]


def test_late_samples_are_durable_with_their_commit(tmp_path: Path) -> None:
    """They are there after a restart; what was not committed is not."""
    with opened(tmp_path, LATE) as store:
        fill(store, range(30))
        append_late(store, 5)
        store.commit()
        append_late(store, 6)
        assert late_rows(store) == [5]
        shutil.copytree(tmp_path, tmp_path / "killed")  # as a kill -9 leaves it

    with opened(tmp_path / "killed", LATE) as store:
        assert late_rows(store) == [5]


def test_late_samples_are_kept_on_demand_only(tmp_path: Path) -> None:
    """A store that nobody reads in this way writes none of them twice."""
    with opened(tmp_path) as store:
        fill(store, range(30))
        append_late(store, 5)
        store.commit()
        assert late_rows(store) == []
        assert store.progress().late_id == 0


def test_late_samples_wait_for_room(tmp_path: Path) -> None:
    """What a full disk refused is late once, when it is durable."""
    config = replace(LATE, disk_bytes_max=600_000)
    with opened(tmp_path, config) as store:
        fill(store, range(30))
        fill_up(store, Labels({"job": "chat"}), 0)
        append_late(store, 5)
        with pytest.raises(StorageFullError):
            store.commit()
        assert late_rows(store) == []
        store._database._writer.execute("pragma max_page_count = 100000")
        store.commit()
        assert late_rows(store) == [5]
        store.commit()
        assert late_rows(store) == [5]


def test_damaged_late_samples_are_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """They cost only themselves, and are counted."""
    with opened(tmp_path, LATE) as store:
        fill(store, range(30))
        for row in (5, 6, 7):
            append_late(store, row)
            store.commit()
    execute(tmp_path, "update late set samples = zeroblob(8) where id in (1, 2)")

    with opened(tmp_path, LATE) as store:
        found = store.late_samples(0, 1)
        assert [one.id for one in found] == [3]
        assert store.statistics().damaged_records == 2
    assert "late=damaged id=1 reason='wrong checksum'" in caplog.text


def test_a_damaged_file_begins_late_samples_anew(tmp_path: Path) -> None:
    """Their ids, too, which a reader can tell by `Progress.late_id`; where rows were, it knows."""
    with opened(tmp_path, LATE) as store:
        fill(store, range(30))
        append_late(store, 5)
        store.commit()
        store._database._writer.execute("drop table log")
        fill(store, range(30, 31))
        assert late_rows(store) == []
        newest = {Labels({"part": part}): START_MS + 30_000 for part in "ab"}
        assert store.progress() == Progress(newest, 0)
        append_late(store, 20, "other")
        store.commit()
        assert late_rows(store) == [20]
