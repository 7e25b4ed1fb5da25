"""Copies of a data folder: made while a sakshi writes to it, or while none does; and verified.

    COPY/samples/samples.db     samples
    COPY/alerts.db              alerts, transitions, and what is owed to whom
    COPY/baselines/*.json       baselines that were recorded

Each database is copied as of one moment; alerts first, so that the samples reach further. A copy
is made beside its place, verified, and moved there: it has everything, or it is not there. What is
damaged in the original is damaged in the copy, and said: the rest is worth a copy all the same.
`sakshi serve --data COPY` runs on it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sakshi.app.errors import BackupError
from sakshi.kpi.baseline_folder import BaselineFolder
from sakshi.storage import StorageError
from sakshi.storage.verification import check_pages, open_copy, verify

SAMPLES: Final = Path("samples") / "samples.db"
ALERTS: Final = Path("alerts.db")
BASELINES: Final = Path("baselines")
BUSY_SECONDS: Final = 30.0  # whoever writes holds the file for milliseconds
PAGES: Final = 2560  # copied in one step: 10 MiB


@dataclass(frozen=True)
class Backup:
    """What a copy holds.

    Args:
        folder: of the copy.
        size_bytes: of all files.
        rows: whose checksums were compared.
        samples: in chunks, holes included.
        problems: what is wrong, a line each; empty: it is whole.
    """

    folder: Path
    size_bytes: int
    rows: int
    samples: int
    problems: Sequence[str]


def make_backup(data: Path, folder: Path, show: Callable[[str], None] = lambda _: None) -> Backup:
    """Copy a data folder, verify the copy, and put it in its place; return what it holds.

    Args:
        data: of a sakshi that runs, or does not.
        folder: of the copy; its parent exists, and it does not.
        show: told what is done now.

    Raises:
        BackupError: there is nothing to copy, or the copy cannot be written; nothing is at
            `folder`.
    """
    if not (data / SAMPLES).is_file():
        raise BackupError(f"{data} is no data folder: expected {SAMPLES} in it")
    if folder.exists():
        raise BackupError(f"{folder} exists: a backup overwrites nothing")
    draft = folder.with_name(f"{folder.name}.draft")
    try:
        shutil.rmtree(draft, ignore_errors=True)  # of a backup that was interrupted
        (draft / SAMPLES).parent.mkdir(parents=True)
        for part in (ALERTS, SAMPLES):
            if (data / part).is_file():
                show(f"copying {part}")
                _copy_database(data / part, draft / part)
        if (data / BASELINES).is_dir():
            _copy_baselines(data / BASELINES, draft / BASELINES)
        show("verifying")
        found = verify_backup(draft)
        _sync_folders(draft)
        draft.rename(folder)
        _sync(folder.parent)
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"no backup was written to {folder}: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return replace(found, folder=folder)


def verify_backup(folder: Path) -> Backup:
    """Open a copy, compare each checksum, and return what it holds; nothing is written.

    Raises:
        BackupError: there is no copy, or it cannot be read.
    """
    if not (folder / SAMPLES).is_file():
        raise BackupError(f"{folder} is no backup: expected {SAMPLES} in it")
    try:
        samples = verify(folder / SAMPLES)
        problems = [f"{SAMPLES}: {problem}" for problem in samples.problems]
        if (folder / ALERTS).is_file():
            problems += [f"{ALERTS}: {problem}" for problem in _check_alerts(folder / ALERTS)]
        _, faults = BaselineFolder(folder / BASELINES).read_all()
        problems += [f"{BASELINES}: {fault}" for fault in faults]
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    except (OSError, StorageError) as error:
        raise BackupError(f"{folder} cannot be verified: {error}") from error
    return Backup(folder, size, samples.rows, samples.samples, problems)


def _check_alerts(path: Path) -> Sequence[str]:
    try:
        with closing(open_copy(path)) as connection:
            return check_pages(connection)
    except sqlite3.Error as error:
        return [str(error)]


def _copy_database(source: Path, target: Path) -> None:
    """Copy what is committed, as of one moment, while others go on to write."""
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True)) as original,
        closing(sqlite3.connect(target)) as copy,
    ):
        original.execute(f"pragma busy_timeout = {round(1000 * BUSY_SECONDS)}")
        original.execute("begin")
        original.execute("select count(*) from sqlite_schema").fetchone()  # from now on one moment
        original.backup(copy, pages=PAGES)
        copy.execute("pragma wal_checkpoint(truncate)")
    _sync(target)


def _copy_baselines(source: Path, target: Path) -> None:
    target.mkdir()
    for path in sorted(source.glob("*.json")):
        shutil.copyfile(path, target / path.name)
        _sync(target / path.name)


def _sync_folders(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        if path.is_dir():
            _sync(path)


def _sync(path: Path) -> None:
    """Make a file, or the names in a folder, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
