from __future__ import annotations

import math
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import FakeClock
from tests.descriptor import open_files
from tests.ledger.incident import (
    RULE_ID,
    START_MS,
    ByName,
    change,
    firing,
    pending,
    resolved,
)

from sakshi.ledger import (
    Attempt,
    DeliveryState,
    FlushResult,
    LedgerFileError,
    LedgerWriteError,
    Settlement,
    SqliteLedger,
    Told,
)
from sakshi.ledger.history import HISTORY_RETENTION_MS
from sakshi.model.alert import AlertState, Transition
from sakshi.model.labels import Labels

HORIZON_MS = 3_600_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "alerts.db"


@pytest.fixture
def ledger(path: Path, clock: FakeClock) -> Iterator[SqliteLedger]:
    with SqliteLedger(path, ByName("slack[0]", "email[0]"), clock) as ledger:
        yield ledger


def reopen(path: Path, clock: FakeClock, router: ByName | None = None) -> SqliteLedger:
    return SqliteLedger(path, router or ByName("slack[0]", "email[0]"), clock)


@pytest.mark.parametrize(
    "alert",
    [
        pytest.param(pending(), id="pending"),
        pytest.param(firing(), id="firing"),
        pytest.param(resolved(firing()), id="resolved"),
        pytest.param(replace(firing(), keep_firing_since_ms=START_MS + 1), id="kept firing"),
        pytest.param(replace(firing(), value=math.inf), id="an infinite value"),
        pytest.param(
            replace(firing(), labels=Labels({"alertname": 'x"\n\x00é\U0001f525'})), id="any text"
        ),
    ],
)
def test_an_alert_comes_back_as_it_was_recorded(
    path: Path, clock: FakeClock, ledger: SqliteLedger, alert: object
) -> None:
    """What was recorded is there after a restart, to the last field."""
    ledger.record(RULE_ID, [alert], [], START_MS)  # type: ignore[list-item]  # from the table
    ledger.close()

    with reopen(path, clock) as again:
        assert list(again.load_alerts()) == [alert]


def test_a_value_that_is_no_number_comes_back_as_one(
    path: Path, clock: FakeClock, ledger: SqliteLedger
) -> None:
    """SQLite turns NaN into NULL; the ledger turns it back."""
    ledger.record(RULE_ID, [replace(firing(), value=math.nan)], [], START_MS)
    ledger.close()

    with reopen(path, clock) as again:
        assert math.isnan(again.load_alerts()[0].value)


def test_recording_replaces_the_alerts_of_its_rule_only(ledger: SqliteLedger) -> None:
    """An alert that is not recorded any more is gone; other rules' alerts stay."""
    other = firing("Other", rule_id="other")
    ledger.record("other", [other], [], START_MS)
    ledger.record(RULE_ID, [pending(session="1"), pending(session="2")], [], START_MS)

    ledger.record(RULE_ID, [pending(session="2")], [], START_MS)

    assert set(ledger.alerts()) == {other, pending(session="2")}


def test_each_notifiable_transition_goes_to_each_destination(ledger: SqliteLedger) -> None:
    """Firing makes one delivery a destination; pending makes none."""
    ledger.record(RULE_ID, [pending()], [change(pending())], START_MS - 60_000)
    ledger.record(RULE_ID, [firing()], [change(firing())], START_MS)

    deliveries = ledger.deliveries(10)
    assert [delivery.destination.integration for delivery in deliveries] == ["email[0]", "slack[0]"]
    assert {delivery.delivery_state for delivery in deliveries} == {DeliveryState.WAITING}
    assert {delivery.due_ms for delivery in deliveries} == {START_MS + 30_000}
    assert [item.alert.state for item in ledger.transitions(10)] == [
        AlertState.FIRING,
        AlertState.PENDING,
    ]


def test_a_firing_alert_that_vanishes_is_resolved(ledger: SqliteLedger) -> None:
    """A rule that is removed leaves nobody believing that its alert still fires."""
    ledger.record(RULE_ID, [firing()], [change(firing())], START_MS)

    ledger.record(RULE_ID, [], [], START_MS + 60_000)

    newest = ledger.transitions(1)[0]
    assert newest == Transition(resolved(firing()), AlertState.FIRING, START_MS + 60_000)
    assert ledger.deliveries(1)[0].told_state == "resolved"


def test_alerts_are_the_same_object_until_one_changes(ledger: SqliteLedger) -> None:
    """Whoever indexes the alerts can tell by identity that the index still holds."""
    before = ledger.alerts()
    assert ledger.alerts() is before

    ledger.record(RULE_ID, [firing()], [], START_MS)

    assert ledger.alerts() is not before


def test_a_refused_write_records_nothing_and_is_said(path: Path, clock: FakeClock) -> None:
    """With a full disk the caller hears of it, and neither file nor memory has a part of it."""
    ledger = reopen(path, clock)
    with closing(sqlite3.connect(path)) as look:
        (pages,) = look.execute("pragma page_count").fetchone()
    ledger.close()

    def connect_small(*arguments: object, **options: object) -> sqlite3.Connection:
        connection = sqlite3.connect(*arguments, **options)  # type: ignore[call-overload]  # passed on
        connection.execute(f"pragma max_page_count = {pages}")
        assert isinstance(connection, sqlite3.Connection)
        return connection

    with SqliteLedger(path, ByName("slack[0]"), clock, connect_small) as ledger:
        alerts = [firing(session=f"{number}" * 100) for number in range(100)]
        with pytest.raises(LedgerWriteError, match="database or disk is full"):
            ledger.record(RULE_ID, alerts, [change(alert) for alert in alerts], START_MS)

        assert list(ledger.alerts()) == []
        assert list(ledger.transitions(10)) == []
        assert list(ledger.deliveries(10)) == []
        ledger.record(RULE_ID, [], [], START_MS)  # and goes on


def test_a_ledger_of_rubbish_is_refused_and_let_go(path: Path, clock: FakeClock) -> None:
    """What SQLite still reads may be damaged; whoever moves the file away finds it free."""
    with reopen(path, clock) as ledger:
        ledger.record(RULE_ID, [firing()], [], START_MS)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("update alert set labels = '[1]'")

    with pytest.raises(LedgerFileError):
        reopen(path, clock)

    assert open_files(path.parent) == []


def test_subscribers_are_called_after_the_commit_on_the_committing_thread(
    ledger: SqliteLedger,
) -> None:
    """A callback sees what was committed, until it is unsubscribed."""
    seen: list[tuple[str, int]] = []

    def callback() -> None:
        seen.append((threading.current_thread().name, len(ledger.deliveries(10))))

    unsubscribe = ledger.subscribe(callback)
    thread = threading.Thread(
        target=ledger.record, args=(RULE_ID, [firing()], [change(firing())], START_MS), name="rules"
    )
    thread.start()
    thread.join()
    unsubscribe()
    ledger.record(RULE_ID, [], [], START_MS)

    assert seen == [("rules", 2)]


def test_a_group_is_due_after_its_wait_and_keeps_its_first_timer(
    ledger: SqliteLedger, clock: FakeClock
) -> None:
    """Later alerts of a group do not put off its first message."""
    ledger.record(RULE_ID, [firing(session="1")], [change(firing(session="1"))], START_MS)
    clock.move(20_000)
    both = [firing(session="1"), firing(session="2")]
    ledger.record(RULE_ID, both, [change(both[1])], START_MS + 20_000)

    assert ledger.due_groups(START_MS + 29_999, HORIZON_MS) == []
    assert ledger.next_due_ms(START_MS) == START_MS + 30_000
    due = ledger.due_groups(START_MS + 30_000, HORIZON_MS)
    assert [(group.receiver, group.integration) for group in due] == [
        ("team", "slack[0]"),
        ("team", "email[0]"),
    ]
    assert [member.alert for member in ledger.load_group(due[0].id).members] == both


def test_a_timer_beyond_the_horizon_is_due(ledger: SqliteLedger) -> None:
    """A clock that was ten years ahead leaves no timer that waits ten years."""
    ledger.record(RULE_ID, [firing()], [change(firing())], START_MS)

    ten_years_before_ms = START_MS - 10 * 365 * 86_400_000
    assert len(ledger.due_groups(ten_years_before_ms, HORIZON_MS)) == 2


def test_a_group_shows_the_newest_annotations_of_what_fires(ledger: SqliteLedger) -> None:
    """The message says what is true when it is sent, not when the alert began."""
    ledger.record(RULE_ID, [firing()], [change(firing())], START_MS)
    newer = replace(firing(), value=9.0, annotations=Labels({"summary": "worse"}))
    ledger.record(RULE_ID, [newer], [], START_MS + 10_000)

    group = ledger.load_group(ledger.due_groups(START_MS + 30_000, HORIZON_MS)[0].id)

    assert group.members[0].alert == newer


def test_settling_leaves_alone_what_changed_meanwhile(ledger: SqliteLedger) -> None:
    """An alert that is resolved while its firing is being told stays, to be told too."""
    ledger.record(RULE_ID, [firing()], [change(firing())], START_MS)
    group = ledger.load_group(1)
    ledger.record(RULE_ID, [resolved(firing())], [change(resolved(firing()))], START_MS + 60_000)

    ledger.settle(
        FlushResult(
            group_id=1,
            at_ms=START_MS + 60_000,
            due_ms=START_MS + 90_000,
            told=Told(frozenset({firing().fingerprint}), frozenset(), START_MS + 60_000),
            accepted=True,
            settlements={row.id: Settlement(DeliveryState.DELIVERED) for row in group.outbox},
            departed=group.members,
            attempt=Attempt("key", "delivered", 0.25, 1),
        )
    )

    after = ledger.load_group(1)
    assert [member.alert.state for member in after.members] == [AlertState.RESOLVED]
    assert [row.is_firing for row in after.outbox] == [False]
    assert after.sequence == 1
    assert after.told is not None
    assert after.told.firing == {firing().fingerprint}
    assert ledger.next_due_ms(START_MS + 60_000) == START_MS + 90_000
    told = [item for item in ledger.deliveries(10) if item.delivered_ms is not None]
    assert [item.delivered_ms for item in told] == [START_MS + 60_250]


def test_a_group_without_members_has_no_timer(ledger: SqliteLedger) -> None:
    """Nothing is looked at again when everything was told; the next alert waits anew."""
    ledger.record(RULE_ID, [resolved(firing())], [change(resolved(firing()))], START_MS)
    for group_id in (1, 2):
        group = ledger.load_group(group_id)
        ledger.settle(FlushResult(group_id, START_MS, START_MS + 1, departed=group.members))

    assert ledger.next_due_ms(0) is None


def test_rerouting_follows_a_new_configuration(path: Path, clock: FakeClock) -> None:
    """After a restart a firing alert is told where it goes now, and not where it went."""
    with reopen(path, clock, ByName("slack[0]", "email[0]")) as ledger:
        ledger.record(RULE_ID, [firing()], [change(firing())], START_MS)

    with reopen(path, clock, ByName("slack[0]", "pagerduty[0]")) as ledger:
        ledger.reroute()
        ledger.reroute()  # changes nothing more

        states = {
            item.destination.integration: (item.delivery_state, item.last_error)
            for item in ledger.deliveries(10)
        }
        assert states == {
            "slack[0]": (DeliveryState.WAITING, ""),
            "email[0]": (
                DeliveryState.SKIPPED,
                "the configuration does not send it here any more",
            ),
            "pagerduty[0]": (DeliveryState.WAITING, ""),
        }
        due = ledger.due_groups(START_MS + 30_000, HORIZON_MS)
        assert {group.integration for group in due} == {"slack[0]", "pagerduty[0]"}


def test_rerouting_an_alert_whose_transition_was_pruned_notes_it_anew(
    path: Path, clock: FakeClock
) -> None:
    """An alert that has fired for longer than history is kept can still be routed."""
    with reopen(path, clock, ByName()) as ledger:
        ledger.record(RULE_ID, [firing()], [change(firing())], START_MS)
        ledger.prune(START_MS + HISTORY_RETENTION_MS + 1)
        assert list(ledger.transitions(10)) == []

    with reopen(path, clock, ByName("slack[0]")) as ledger:
        ledger.reroute()

        assert [item.alert for item in ledger.transitions(10)] == [firing()]
        assert len(ledger.deliveries(10)) == 1


def test_pruning_keeps_what_waits_and_what_fires(ledger: SqliteLedger) -> None:
    """Old history goes; an alert that still fires and a delivery that still waits stay."""
    gone, kept = firing("Gone"), firing("Kept")
    ledger.record(RULE_ID, [gone, kept], [change(gone), change(kept)], START_MS)
    for group_id in (1, 2):
        group = ledger.load_group(group_id)
        assert group.members[0].alert == gone
        ledger.settle(
            FlushResult(
                group_id,
                START_MS,
                START_MS,
                told=Told(frozenset(), frozenset(), START_MS),
                accepted=True,
                settlements={row.id: Settlement(DeliveryState.DELIVERED) for row in group.outbox},
                departed=group.members,
                attempt=Attempt("key", "delivered", 0.1, 1),
            )
        )

    assert ledger.prune(START_MS + HISTORY_RETENTION_MS) == 0
    pruned = ledger.prune(START_MS + HISTORY_RETENTION_MS + 1)

    assert pruned == 2 + 2 + 1 + 2  # deliveries, attempts, the transition, groups
    assert {item.alert_labels["alertname"] for item in ledger.deliveries(10)} == {"Kept"}
    assert [item.alert for item in ledger.transitions(10)] == [kept]


def test_every_table_has_a_view_for_people(path: Path, ledger: SqliteLedger) -> None:
    """Anyone can look with any SQLite tool, and reads names and dates."""
    ledger.record(RULE_ID, [firing()], [change(firing())], START_MS)
    ledger.enrol_alertmanager("http://am")
    ledger.settle(
        FlushResult(
            1,
            START_MS,
            START_MS,
            told=Told(frozenset({"f"}), frozenset({"r"}), START_MS),
            attempt=Attempt("key", "retry", 0.1, 1, "status 500"),
        )
    )
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    tables = {
        row["name"]
        for row in connection.execute("select name from sqlite_schema where type = 'table'")
    }

    rows = {table: connection.execute(f"select * from {table}_view").fetchone() for table in tables}
    connection.close()

    assert tables == {
        "aggregation_group",
        "alert",
        "alertmanager",
        "attempt",
        "member",
        "outbox",
        "told",
        "transition",
    }
    assert rows["alert"]["firing_since"] == "2023-11-14 22:13:20"
    assert rows["transition"]["change"] == "pending -> firing"
    assert rows["outbox"]["alertname"] == "HighResponseTime"
    assert rows["attempt"]["error"] == "status 500"
    assert rows["aggregation_group"]["due"] == "2023-11-14 22:13:20"
    assert rows["member"]["integration"] == "slack[0]"
    assert rows["alertmanager"]["seen"] == "2023-11-14 22:13:20"
    assert rows["told"]["state"] in ("firing", "resolved")
