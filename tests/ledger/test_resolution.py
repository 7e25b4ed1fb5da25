"""Resolutions are owed to an Alertmanager until it has accepted them."""

from __future__ import annotations

import sqlite3
from importlib import resources
from pathlib import Path

import pytest
from tests.conftest import FakeClock
from tests.ledger.incident import RULE_ID, START_MS, change, firing, pending, resolved

from sakshi.ledger import SqliteLedger
from sakshi.ledger.history import HISTORY_RETENTION_MS
from sakshi.model.alert import Alert

NAME = "http://alertmanager:9093/api/v2/alerts"


@pytest.fixture
def ledger(tmp_path: Path, clock: FakeClock) -> SqliteLedger:
    return SqliteLedger(tmp_path / "alerts.db", lambda _: (), clock)


def record(ledger: SqliteLedger, *alerts: Alert) -> None:
    ledger.record(RULE_ID, alerts, [change(alert) for alert in alerts], START_MS)


def owed(ledger: SqliteLedger, name: str = NAME) -> list[str]:
    return [item.alert.name for item in ledger.owed_resolutions(name).owed]


def test_a_resolution_is_owed_until_it_is_settled(ledger: SqliteLedger) -> None:
    """It stays although the rules have forgotten the alert; each Alertmanager has its own place."""
    ledger.enrol_alertmanager(NAME)
    ledger.enrol_alertmanager("other")
    record(ledger, firing("A"), firing("B"))
    record(ledger, resolved(firing("A")), resolved(firing("B")))
    ledger.record(RULE_ID, (), (), START_MS)

    found = ledger.owed_resolutions(NAME)
    assert [item.alert for item in found.owed] == [resolved(firing("A")), resolved(firing("B"))]
    ledger.settle_resolutions(NAME, found.owed[0].transition_id)
    assert owed(ledger) == ["B"]
    ledger.settle_resolutions(NAME, found.through_id)
    assert (owed(ledger), owed(ledger, "other")) == ([], ["A", "B"])


def test_nothing_of_the_past_is_owed_to_one_that_is_new(ledger: SqliteLedger) -> None:
    """It never heard that the alert fired; to be enrolled again changes nothing."""
    record(ledger, firing("A"))
    record(ledger, resolved(firing("A")))
    assert owed(ledger) == []
    ledger.enrol_alertmanager(NAME)
    assert owed(ledger) == []

    record(ledger, firing("B"))
    record(ledger, resolved(firing("B")))
    ledger.enrol_alertmanager(NAME)
    assert owed(ledger) == ["B"]


def test_what_is_newer_replaces_a_resolution(ledger: SqliteLedger) -> None:
    """An alert that fires again owes none; one that only may fire again still does."""
    ledger.enrol_alertmanager(NAME)
    record(ledger, firing("A"), firing("B"))
    record(ledger, resolved(firing("A")), resolved(firing("B")))
    record(ledger, firing("A"), pending("B"))

    assert owed(ledger) == ["B"]


def test_one_that_was_not_seen_for_a_month_is_forgotten(
    ledger: SqliteLedger, clock: FakeClock
) -> None:
    """Alertmanagers whose addresses change every day fill no disk."""
    ledger.enrol_alertmanager(NAME)
    clock.move(HISTORY_RETENTION_MS - 1)
    ledger.enrol_alertmanager("other")
    record(ledger, firing("A"))
    record(ledger, resolved(firing("A")))
    assert owed(ledger) == ["A"]

    clock.move(2)
    ledger.enrol_alertmanager("other")
    assert owed(ledger) == []


def test_no_transition_has_the_number_of_an_older_one(
    ledger: SqliteLedger, clock: FakeClock
) -> None:
    """Even if all history is so old that it is deleted: else what is new would not be owed."""
    record(ledger, firing("A"))
    record(ledger, resolved(firing("A")))
    ledger.enrol_alertmanager(NAME)
    while ledger.prune(clock.now_ms() + 2 * HISTORY_RETENTION_MS):
        pass

    record(ledger, firing("B"))
    record(ledger, resolved(firing("B")))
    assert owed(ledger) == ["B"]


def test_a_ledger_of_the_first_version_goes_on(tmp_path: Path, clock: FakeClock) -> None:
    """The table is made where it is missing; alerts and history stay."""
    path = tmp_path / "alerts.db"
    script = resources.files("sakshi.ledger").joinpath("schema.sql").read_text()
    old = sqlite3.connect(path)
    old.executescript(f"begin; {script}; pragma user_version = 1; commit;")
    old.close()

    ledger = SqliteLedger(path, lambda _: (), clock)
    ledger.enrol_alertmanager(NAME)
    record(ledger, firing("A"))
    record(ledger, resolved(firing("A")))

    assert owed(ledger) == ["A"]
    view = sqlite3.connect(path)
    assert view.execute("select name, resolutions_since from alertmanager_view").fetchall() == [
        (NAME, 1)
    ]
    view.close()
    ledger.close()
