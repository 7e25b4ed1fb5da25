"""Where everybody is, on disk."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sakshi.model.labels import Labels
from sakshi.remote_write import CursorError, CursorFile
from sakshi.remote_write.cursor import Cursors

A, B = Labels({"job": "a", "text": 'ü"\n'}), Labels({})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "remote-write.db"


def test_what_was_saved_is_there_after_a_restart(path: Path) -> None:
    """By remote and target; what is not mentioned stays as it was."""
    with closing(CursorFile(path)) as file:
        assert file.load("far") is None
        file.save("far", {A: 1, B: -5}, 7)
        file.save("far", {A: 2**62}, 8)
        file.save("near", {A: 3}, 0)

    with closing(CursorFile(path)) as file:
        assert file.load("far") == Cursors({A: 2**62, B: -5}, 8)
        assert file.load("near") == Cursors({A: 3}, 0)


def test_targets_and_remotes_are_forgotten(path: Path) -> None:
    """Targets that are gone one by one; remotes that are not configured altogether."""
    with closing(CursorFile(path)) as file:
        file.save("far", {A: 1, B: 2}, 0)
        file.save("near", {A: 3}, 0)
        file.save("far", {}, 1, gone=[A])
        file.keep_only(["far"])

        assert file.load("far") == Cursors({B: 2}, 1)
        assert file.load("near") is None
        file.save("near", {}, 0)
        assert file.load("near") == Cursors({}, 0)


def test_views_speak_plainly(path: Path) -> None:
    """Beside each table stands a view for people."""
    with closing(CursorFile(path)) as file:
        file.save("far", {Labels({"job": "a"}): 1_700_000_000_123}, 7)

        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("select * from remote_view").fetchall() == [("far", 7, 1)]
            assert connection.execute("select * from cursor_view").fetchall() == [
                ("far", '{"job":"a"}', "2023-11-14T22:13:20.123Z")
            ]


def test_a_failed_save_keeps_nothing(path: Path) -> None:
    """All of it, or nothing: a disk that refuses leaves what was there."""
    with closing(CursorFile(path)) as file, closing(sqlite3.connect(path)) as other:
        file.save("far", {A: 1}, 1)
        other.execute(
            "create trigger refuse before update on cursor begin select raise(abort, 'no'); end"
        )
        with pytest.raises(CursorError) as caught:
            file.save("far", {B: 5, A: 2}, 2)

        assert str(caught.value) == f"{path} cannot be used: no"
        assert file.load("far") == Cursors({A: 1}, 1)


def test_a_damaged_file_is_set_aside(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It keeps its bytes under another name, and everybody begins anew."""
    path.write_bytes(b"no database at all" * 100)

    with closing(CursorFile(path)) as file:
        assert file.load("far") is None
        file.save("far", {A: 1}, 1)

    aside = path.with_name("remote-write.db.damaged-1")
    assert aside.read_bytes().startswith(b"no database")
    assert f"cursors=damaged set_aside={aside}" in caplog.text


def test_a_newer_file_is_refused(path: Path) -> None:
    """It is not touched."""
    CursorFile(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma user_version = 9")

    with pytest.raises(CursorError) as caught:
        CursorFile(path)

    assert str(caught.value) == (
        f"{path} was written by a newer sakshi (schema 9, this one knows 1): "
        "use that version, or another folder"
    )


def test_a_folder_is_no_file(path: Path) -> None:
    """What may be sound is not set aside."""
    path.mkdir()

    with pytest.raises(CursorError) as caught:
        CursorFile(path)

    assert str(caught.value) == f"{path} cannot be used: unable to open database file"
