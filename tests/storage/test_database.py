"""The file under the store: whose mistake is whose, and who closes what."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from tests.descriptor import open_files

from sakshi.storage import StorageError
from sakshi.storage.database import FILE_NAME, Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path, None)
    yield database
    database.close()


def count_families(database: Database) -> int:
    with database.read() as connection:
        (count,) = connection.execute("select count(*) from family").fetchone()
    return int(count)


def write_families(database: Database, ids: Iterable[int]) -> None:
    with database.write() as connection:
        for id in ids:
            connection.execute(
                "insert into family (id, name, checksum) values (?, ?, 0)", (id, f"m{id}")
            )


def test_a_mistake_of_ours_is_not_called_the_disks(database: Database) -> None:
    """A broken constraint is a defect; it is undone, and shown as it is."""
    with pytest.raises(sqlite3.IntegrityError):
        write_families(database, [1, 2, 1])

    assert count_families(database) == 0


def test_a_block_that_fails_writes_nothing(database: Database) -> None:
    """Whatever ends a transaction early, nothing of it is kept, and the next one can begin."""

    def interrupted() -> Iterator[int]:
        yield 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_families(database, interrupted())

    assert count_families(database) == 0
    write_families(database, [1])
    assert count_families(database) == 1


def test_a_reader_at_work_may_outlive_the_database(tmp_path: Path) -> None:
    """Closing takes no connection away from who reads; it is closed as soon as it comes back."""
    database = Database(tmp_path, None)
    with database.read() as connection:
        database.close()
        assert connection.execute("select count(*) from family").fetchone() == (0,)

    assert open_files(tmp_path) == []


def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    """What stands in its place is left alone, and the folder is free again."""
    (tmp_path / FILE_NAME).mkdir()

    with pytest.raises(StorageError) as refusal:
        Database(tmp_path, None)

    assert (
        str(refusal.value)
        == f"{tmp_path / FILE_NAME} cannot be opened: unable to open database file"
    )
    assert open_files(tmp_path) == []


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """A file in the folder's place is no folder."""
    folder = tmp_path / "data"
    folder.write_text("a file")

    with pytest.raises(StorageError) as refusal:
        Database(folder, None)

    assert str(refusal.value).startswith(f"the data folder {folder} cannot be used: ")
