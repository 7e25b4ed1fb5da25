from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from tests.descriptor import open_files

from sakshi.ledger import LedgerFileError
from sakshi.ledger.database import MIGRATIONS, Database
from sakshi.ledger.row import decode_labels


def test_a_commit_is_on_the_disk_when_it_returns(tmp_path: Path) -> None:
    """The write-ahead log is synced at each commit."""
    database = Database(tmp_path / "alerts.db")

    with database.transaction() as connection:
        (synchronous,) = connection.execute("pragma synchronous").fetchone()
        (journal,) = connection.execute("pragma journal_mode").fetchone()
    database.close()

    assert (synchronous, journal) == (2, "wal")


def test_a_mistake_of_ours_is_not_called_the_disks(tmp_path: Path) -> None:
    """A broken constraint is a defect; it is undone, and shown as it is."""
    database = Database(tmp_path / "alerts.db")

    with pytest.raises(sqlite3.IntegrityError), database.transaction() as connection:
        connection.execute("insert into outbox (transition_id, group_id) values (1, 1)")

    with database.reading() as connection:
        assert connection.execute("select count(*) from outbox").fetchone()[0] == 0
    database.close()


def test_a_ledger_of_a_later_version_is_refused(tmp_path: Path) -> None:
    """A downgrade says so, rather than losing what it does not know."""
    path = tmp_path / "alerts.db"
    Database(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"pragma user_version = {len(MIGRATIONS) + 1}")
    connection.close()

    with pytest.raises(LedgerFileError) as refusal:
        Database(path)

    assert str(refusal.value) == (
        f"{path}: expected a ledger of version {len(MIGRATIONS)} or before,"
        f" found version {len(MIGRATIONS) + 1}: it was written by a newer sakshi"
    )


def test_another_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A path that names somebody else's file does no harm to it."""
    path = tmp_path / "alerts.db"
    connection = sqlite3.connect(path)
    connection.execute("create table song (title text)")
    connection.close()

    with pytest.raises(LedgerFileError, match="expected a ledger, found another database"):
        Database(path)

    assert open_files(tmp_path) == []
    connection = sqlite3.connect(path)
    assert connection.execute("select name from sqlite_schema").fetchall() == [("song",)]
    connection.close()


def test_a_file_that_is_no_database_is_refused_and_let_go(tmp_path: Path) -> None:
    """Whoever corrects the path, or moves the file away, finds nobody holding it."""
    path = tmp_path / "alerts.db"
    path.write_text("a letter, and not a short one" * 1000)

    with pytest.raises(LedgerFileError, match="file is not a database"):
        Database(path)

    assert open_files(tmp_path) == []


def test_a_file_that_is_refused_says_what_can_be_done(tmp_path: Path) -> None:
    """Damage is told apart from a folder where nothing can be opened."""
    damaged, folder = tmp_path / "alerts.db", tmp_path / "folder"
    damaged.write_text("a letter, and not a short one" * 1000)
    folder.mkdir()

    with pytest.raises(LedgerFileError) as of_damaged:
        Database(damaged)
    with pytest.raises(LedgerFileError) as of_folder:
        Database(folder)

    assert str(of_damaged.value) == (
        f"{damaged} cannot be used: file is not a database. Move it away to begin with an empty "
        "ledger: what fires then is told again"
    )
    assert str(of_folder.value) == f"{folder} cannot be used: unable to open database file"


@pytest.mark.parametrize("value", [b"\xff\xfe", '{"a', 5, "[1]"])
def test_a_row_that_cannot_be_decoded_is_damage(tmp_path: Path, value: object) -> None:
    """What SQLite still reads may be rubbish all the same: a bit may flip anywhere."""
    path = tmp_path / "alerts.db"
    database = Database(path)
    query = "select cast(? as text)" if isinstance(value, bytes) else "select ?"

    with pytest.raises(LedgerFileError) as caught, database.reading() as connection:
        decode_labels(connection.execute(query, (value,)).fetchone()[0])
    database.close()

    assert str(caught.value).startswith(f"{path} cannot be used: ")


def test_damage_that_shows_while_reading_is_said(tmp_path: Path) -> None:
    """A page that is overwritten under the open file is an error with the file's name."""
    path = tmp_path / "alerts.db"
    database = Database(path)

    with pytest.raises(LedgerFileError, match="no such table"), database.reading() as connection:
        connection.execute("select * from missing")
    database.close()
