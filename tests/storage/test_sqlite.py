"""The store on disk: what survives, what is refused, what a full disk and a bad one cost."""

from __future__ import annotations

import importlib.util
import logging
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.storage import (
    SqliteStore,
    StorageConfig,
    StorageError,
    StorageFullError,
    Store,
    is_absent,
)

START_MS = 1_700_000_000_000
EVERYTHING = Matcher("__name__", MatchOperator.NOT_EQUAL, "")
SEALING_SOON = StorageConfig(head_ms=20_000, seal_rows=10)
WRITER = Path(__file__).with_name("journal_writer.py")

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
        f"{tmp_path / 'samples.db'} was written by a newer sakshi (schema 99, this one knows 1): "
        "use that version, or another folder"
    )


def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Another file in the database's place is not touched."""
    (tmp_path / "samples.db").write_bytes(b"something else entirely" * 500)

    with pytest.raises(StorageError) as caught:
        SqliteStore(tmp_path)

    assert str(caught.value) == (
        f"{tmp_path / 'samples.db'} cannot be used: file is not a database. "
        "Move it away to begin with an empty store"
    )
    assert (tmp_path / "samples.db").read_bytes() == b"something else entirely" * 500


def test_views_speak_plainly(tmp_path: Path) -> None:
    """Every table has a view beside it, with moments in UTC and labels in clear."""
    with opened(tmp_path) as store:
        fill(store, range(60))
        store.expire(START_MS + 1000)

    tables = execute(tmp_path, "select name from sqlite_schema where type = 'table'")
    ours = [str(name) for (name,) in tables if not str(name).startswith("sqlite_")]
    for table in ours:
        assert execute(tmp_path, f"select * from {table}_view"), table
    (row,) = execute(tmp_path, "select * from span_view where id = 1")
    assert row[:6] == (
        1, '{"part":"a"}', "2023-11-14T22:13:20.000Z", "2023-11-14T22:13:29.000Z", 10, 3
    )  # fmt: skip


# Durability


@pytest.mark.slow
def test_killed_writer_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    """After kill -9 at a random moment, every row whose commit returned is there, bit by bit."""
    spec = importlib.util.spec_from_file_location("journal_writer", WRITER)
    assert spec is not None
    assert spec.loader is not None
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    chance = random.Random()
    acknowledged = -1

    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, str(WRITER), str(tmp_path), str(acknowledged + 2)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        first = acknowledged + 2
        for _ in range(chance.randrange(1, 120)):
            acknowledged = int(process.stdout.readline())
        process.kill()
        rest = process.stdout.read().split("\n")[:-1]  # named before the kill, read after it
        acknowledged = int(rest[-1]) if rest else acknowledged
        process.stdout.close()
        process.wait()

        with opened(tmp_path, writer.CONFIG) as store:
            found = read(store)
            assert store.statistics().damaged_records == 0
        for part in range(2):
            for row in range(first, acknowledged + 1):
                values = (writer.row_values(row) + part).view(np.uint64).tolist()
                assert [found[name, row] for name in writer.row_labels(part)] == values
        # A row that was written when the kill came may be there, unacknowledged: it is skipped.
        assert max(row for _, row in found) <= acknowledged + 1


def test_uncommitted_rows_are_not_promised(tmp_path: Path) -> None:
    """The control of the test above: what was not committed is not there after a kill."""
    program = (
        "import os, sys; sys.path.insert(0, sys.argv[2]); from journal_writer import *\n"
        "store = SqliteStore(Path(sys.argv[1]), CONFIG)\n"
        "target = store.target(Labels({'a': 'b'}))\n"
        "columns = target.columns(row_labels(0))\n"
        "for row in range(2):\n"
        "    target.append(row, columns, row_values(row)); row or store.commit()\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path), str(WRITER.parent)], check=False)

    with opened(tmp_path) as store:
        (first, *_) = store.select([EVERYTHING], 0, 10)
        assert first.timestamps.tolist() == [0]


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
        pytest.param("update series set labels = ? where column_number = 3", 200, id="series"),
    ],
)
def test_damage_costs_what_was_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, sql: str, lost_rows: int
) -> None:
    """A damaged record is left out, counted and named; everything else is there."""
    with opened(tmp_path) as store:
        truth = fill(store, range(100))
    damaged: object = "{}" if "labels" in sql else b"rubbish"
    execute(tmp_path, sql, damaged)

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
