"""A transition and its outbox rows are one: a crash anywhere shows both or neither."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import FakeClock
from tests.descriptor import open_files
from tests.ledger.incident import RULE_ID, START_MS, ByName, change, firing, resolved

from sakshi.ledger import LedgerFileError, LedgerWriteError, SqliteLedger

ROUTER = ByName("slack[0]", "email[0]", "pagerduty[0]")
FIRST = [firing(session="1"), firing(session="2")]
SECOND = [resolved(FIRST[0]), FIRST[1]]


def first(ledger: SqliteLedger) -> None:
    ledger.record(RULE_ID, FIRST, [change(alert) for alert in FIRST], START_MS)


def second(ledger: SqliteLedger) -> None:
    ledger.record(RULE_ID, SECOND, [change(SECOND[0])], START_MS + 60_000)


def state(path: Path, clock: FakeClock) -> tuple[int, int, set[str]]:
    """Return how many transitions and deliveries a ledger has, and the states of its alerts."""
    with SqliteLedger(path, ROUTER, clock) as ledger:
        states = {f"{alert.labels['session']} {alert.state}" for alert in ledger.alerts()}
        return len(ledger.transitions(100)), len(ledger.deliveries(100)), states


BEFORE = (2, 6, {"1 firing", "2 firing"})
AFTER = (3, 9, {"1 resolved", "2 firing"})


def interrupting_after(calls: int) -> Callable[[], int]:
    """Return a progress handler that lets SQLite go on so many times, and then stops it."""
    steps = iter(range(calls))
    return lambda: int(next(steps, None) is None)


def connecting(prepare: Callable[[sqlite3.Connection], None]) -> Callable[..., sqlite3.Connection]:
    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = sqlite3.connect(*arguments, **options)
        prepare(connection)
        return connection

    return connect


def test_a_crash_at_any_statement_shows_all_or_nothing(tmp_path: Path, clock: FakeClock) -> None:
    """The files as they are on the disk before each statement and after the last, opened anew."""
    folder = tmp_path / "live"
    folder.mkdir()
    copies: list[Path] = []

    def copy(_: str) -> None:
        target = tmp_path / f"copy-{len(copies)}"
        shutil.copytree(folder, target)
        (target / "alerts.db-shm").unlink(missing_ok=True)  # memory of the process that died
        copies.append(target / "alerts.db")

    connections: list[sqlite3.Connection] = []
    with SqliteLedger(
        folder / "alerts.db", ROUTER, clock, connecting(connections.append)
    ) as ledger:
        first(ledger)
        connections[0].set_trace_callback(copy)
        second(ledger)
        connections[0].set_trace_callback(None)
        copy("after the commit")

    found = [state(path, clock) for path in copies]

    assert len(found) > 10
    assert found[:-1] == [BEFORE] * (len(found) - 1)
    assert found[-1] == AFTER


def test_a_write_ahead_log_that_is_cut_anywhere_shows_all_or_nothing(
    tmp_path: Path, clock: FakeClock
) -> None:
    """After a power cut the log may end at any page, and inside one."""
    folder = tmp_path / "live"
    folder.mkdir()
    with SqliteLedger(folder / "alerts.db", ROUTER, clock) as ledger:
        first(ledger)
        size_before = (folder / "alerts.db-wal").stat().st_size
        second(ledger)
        database = (folder / "alerts.db").read_bytes()
        log = (folder / "alerts.db-wal").read_bytes()
    path = tmp_path / "cut.db"

    found = []
    for size in [*range(size_before, len(log), 1031), len(log) - 1, len(log)]:
        path.write_bytes(database)
        path.with_name("cut.db-shm").unlink(missing_ok=True)
        path.with_name("cut.db-wal").write_bytes(log[:size])
        found.append(state(path, clock))

    assert len(found) > 20
    assert found[:-1] == [BEFORE] * (len(found) - 1)
    assert found[-1] == AFTER


def test_a_write_that_is_interrupted_at_any_step_changes_nothing(
    tmp_path: Path, clock: FakeClock
) -> None:
    """SQLite is stopped after 20, 40, 60, ... steps; the write is whole or undone."""
    connections: list[sqlite3.Connection] = []
    path = tmp_path / "alerts.db"
    with SqliteLedger(path, ROUTER, clock, connecting(connections.append)) as ledger:
        first(ledger)
        refusals = 0
        while True:
            interrupt = interrupting_after(refusals)
            connections[0].set_progress_handler(interrupt, 20)
            try:
                second(ledger)
                break
            except LedgerWriteError:
                refusals += 1
            finally:
                connections[0].set_progress_handler(None, 0)
            assert len(ledger.transitions(100)) == 2
            assert len(ledger.deliveries(100)) == 6
            assert set(ledger.alerts()) == set(FIRST)

        assert refusals > 10
        assert set(ledger.alerts()) == set(SECOND)
    assert state(path, clock) == AFTER


@pytest.mark.parametrize("length", [100, 4096])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, clock: FakeClock, length: int) -> None:
    """Half a page, or one of several, is no ledger; the error names the file."""
    path = tmp_path / "alerts.db"
    with SqliteLedger(path, ROUTER, clock) as ledger:
        first(ledger)
    path.write_bytes(path.read_bytes()[:length])

    with pytest.raises(LedgerFileError, match=re.escape(str(path))):
        state(path, clock)

    assert open_files(tmp_path) == []


def test_a_file_of_zero_length_is_a_new_ledger(tmp_path: Path, clock: FakeClock) -> None:
    """What a crash left before the first commit is no obstacle."""
    path = tmp_path / "alerts.db"
    path.touch()

    assert state(path, clock) == (0, 0, set())
