"""When who is told what: the dispatcher on a real file, in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.alerting.station import HOUR, Station, configuration
from tests.conftest import FakeClock
from tests.ledger.incident import firing

from sakshi.alerting import InhibitRule, RefusedError, RetryableError, parse_matchers
from sakshi.alerting.dispatch import PRUNE_INTERVAL_SECONDS, SEND_TIMEOUT_SECONDS
from sakshi.ledger import LedgerFileError, LedgerWriteError
from sakshi.ledger.history import HISTORY_RETENTION_MS

A, B = firing("A"), firing("B")
FIVE = [firing("A", session=f"{number}") for number in range(1, 6)]
DOWN = RetryableError("down")


@pytest.fixture
async def station(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Station]:
    station = Station(tmp_path / "alerts.db", clock, configuration())
    await station.start()
    yield station
    await station.stop()


async def open_station(path: Path, clock: FakeClock, *receivers: str, **options: Any) -> Station:
    station = Station(path / "other.db", clock, configuration(*receivers, **options))
    await station.start()
    return station


async def test_five_alerts_of_a_group_are_one_message(station: Station, clock: FakeClock) -> None:
    """What begins within the group wait is told together, once, when the wait is over."""
    for alert in FIVE:
        station.fire(alert)
        await clock.advance(5)
    assert station.told() == []

    await clock.advance(60)

    assert station.told() == [(30, "+A1 +A2 +A3 +A4 +A5")]
    assert station.count("delivered") == 1
    assert set(station.deliveries().values()) == {(("firing", "delivered"),)}


async def test_groups_do_not_wait_for_one_another(station: Station, clock: FakeClock) -> None:
    """Two alert names, two messages, each at its own time."""
    station.fire(A)
    await clock.advance(10)
    station.fire(B)
    await clock.advance(60)

    assert station.told() == [(30, "+A"), (40, "+B")]


async def test_what_comes_after_the_first_message_waits_for_the_group_interval(
    station: Station, clock: FakeClock
) -> None:
    """The next message carries all that fires; then there is silence while nothing changes."""
    station.fire(FIVE[0])
    await clock.advance(40)
    station.fire(FIVE[1])
    await clock.advance(HOUR)

    assert station.told() == [(30, "+A1"), (330, "+A1 +A2")]


async def test_what_still_fires_is_repeated(station: Station, clock: FakeClock) -> None:
    """Every repeat interval; each repeat is a message of its own, with its own key."""
    station.fire(A)
    await clock.advance(9 * HOUR)

    assert station.told() == [(30, "+A"), (30 + 4 * HOUR, "+A"), (30 + 8 * HOUR, "+A")]
    assert len({message.key for message in station.messages}) == 3


async def test_a_restart_does_not_repeat_what_was_told(station: Station, clock: FakeClock) -> None:
    """On the same file: the repeat comes when it would have come, not before."""
    station.fire(A)
    await clock.advance(HOUR)

    for _ in range(3):
        await station.restart()
        await clock.advance(HOUR)

    assert station.told() == [(30, "+A")]
    await clock.advance(HOUR)
    assert station.told() == [(30, "+A"), (30 + 4 * HOUR, "+A")]


async def test_a_restart_within_the_group_wait_keeps_the_timer(
    station: Station, clock: FakeClock
) -> None:
    """Neither sooner nor later than without it."""
    station.fire(A)
    await clock.advance(20)
    await station.restart()
    await clock.advance(60)

    assert station.told() == [(30, "+A")]


async def test_what_fell_due_while_we_were_down_is_told_at_once(
    station: Station, clock: FakeClock
) -> None:
    """The wait is over: nobody waits for another one."""
    station.fire(A)
    await station.stop()
    await clock.advance(500)
    await station.start()

    assert station.told() == [(500, "+A")]


async def test_the_resolution_is_told_and_the_group_ends(
    station: Station, clock: FakeClock
) -> None:
    """Then the group begins anew, with its wait."""
    station.fire(A)
    await clock.advance(100)
    station.resolve(A)
    await clock.advance(HOUR)
    station.fire(A)
    await clock.advance(60)

    assert station.told() == [(30, "+A"), (330, "-A"), (100 + HOUR + 30, "+A")]
    assert station.deliveries() == {
        "A": (("firing", "delivered"), ("resolved", "delivered"), ("firing", "delivered"))
    }


async def test_what_is_resolved_within_the_group_wait_is_not_told(
    station: Station, clock: FakeClock
) -> None:
    """Flapping makes no noise; the ledger says that nobody was told, and why."""
    station.fire(A)
    await clock.advance(10)
    station.resolve(A)
    await clock.advance(HOUR)

    assert station.told() == []
    assert station.deliveries() == {"A": (("firing", "skipped"), ("resolved", "skipped"))}
    assert station.errors() == ["resolved before the first message"] * 2


async def test_without_send_resolved_only_firing_is_told(tmp_path: Path, clock: FakeClock) -> None:
    """And an alert that fires again is news again."""
    station = await open_station(tmp_path, clock, send_resolved=False)
    station.fire(A)
    await clock.advance(60)
    station.resolve(A)
    await clock.advance(600)
    station.fire(A)
    await clock.advance(60)
    await station.stop()

    assert station.told() == [(30, "+A"), (690, "+A")]


async def test_an_alert_that_fires_again_beside_others_is_news_without_send_resolved(
    station: Station, tmp_path: Path, clock: FakeClock
) -> None:
    """The receiver's knowledge does not outlive the alert."""
    quiet = await open_station(tmp_path, clock, send_resolved=False)
    quiet.fire(*FIVE[:2])
    await clock.advance(60)
    quiet.resolve(FIVE[0])
    await clock.advance(600)
    quiet.fire(FIVE[0])
    await clock.advance(600)
    await quiet.stop()

    assert [text for _, text in quiet.told()] == ["+A1 +A2", "+A1 +A2"]


async def test_a_kill_between_sending_and_marking_sends_the_same_message_again(
    station: Station, clock: FakeClock
) -> None:
    """At least once, never not at all: the duplicate has the same key."""
    station.ledger_failures["settle"].extend([LedgerWriteError("killed here")] * 1000)
    station.fire(A)
    await clock.advance(35)
    assert station.told() == [(30, "+A")]

    await station.stop()
    station.ledger_failures["settle"].clear()
    await station.start()
    await clock.advance(HOUR)

    first, second = station.messages
    assert (first.firing, first.key) == (second.firing, second.key)


async def test_a_full_disk_does_not_send_a_message_twice(
    station: Station, clock: FakeClock
) -> None:
    """What was sent is written as soon as it can be; until then the group is left alone."""
    station.ledger_failures["settle"].extend([LedgerWriteError("disk full")] * 5)
    station.fire(A)
    await clock.advance(HOUR)

    assert station.told() == [(30, "+A")]
    assert station.deliveries() == {"A": (("firing", "delivered"),)}
    failures = station.registry.get_sample_value("sakshi_notification_dispatcher_errors_total")
    assert failures == 5


async def test_a_failure_is_retried_ever_more_slowly_with_one_key(
    station: Station, clock: FakeClock
) -> None:
    """1, 2, 4, ... seconds, up to a minute, until it is accepted."""
    notifier = station.notifiers["team"]
    notifier.script.extend([DOWN] * 8)
    station.fire(A)
    await clock.advance(HOUR)

    assert station.told() == [(30 + 1 + 2 + 4 + 8 + 16 + 32 + 60 + 60, "+A")]
    assert len({message.key for message in notifier.tried}) == 1
    assert (station.count("retry"), station.count("delivered")) == (8, 1)


async def test_a_receiver_that_asks_for_time_is_given_it(
    station: Station, clock: FakeClock
) -> None:
    """Retry-After is honoured where it is longer than our own wait."""
    station.notifiers["team"].script.append(RetryableError("429", 45.0))
    station.fire(A)
    await clock.advance(100)

    assert station.told() == [(75, "+A")]


async def test_retries_go_on_after_a_restart(station: Station, clock: FakeClock) -> None:
    """Their count and their time are in the ledger."""
    notifier = station.notifiers["team"]
    notifier.script.extend([DOWN] * 5)
    station.fire(A)
    await clock.advance(30 + 1 + 2)
    assert len(notifier.tried) == 3

    await station.restart()
    await clock.advance(3)
    assert len(notifier.tried) == 3
    assert station.errors() == ["down"]
    await clock.advance(100)

    assert station.told() == [(30 + 1 + 2 + 4 + 8 + 16, "+A")]


async def test_an_incident_that_ends_while_the_receiver_is_down_is_told(
    station: Station, clock: FakeClock
) -> None:
    """It happened, and somebody should know: firing and resolution are told in one message."""
    station.notifiers["team"].script.extend([DOWN] * 6)
    station.fire(A)
    await clock.advance(35)
    station.resolve(A)
    await clock.advance(HOUR)

    assert station.told() == [(30 + 1 + 2 + 4 + 8 + 16 + 32, "-A")]
    assert station.deliveries() == {"A": (("firing", "delivered"), ("resolved", "delivered"))}


async def test_after_a_day_a_message_is_a_dead_letter_and_lives_again(
    station: Station, clock: FakeClock
) -> None:
    """It is visible as undelivered; what still fires is told when the receiver is back."""
    notifier = station.notifiers["team"]
    notifier.script.extend([DOWN] * 2000)
    station.fire(A)
    await clock.advance(24 * HOUR + 120)
    assert station.deliveries() == {"A": (("firing", "dead"),)}
    assert station.count("dead") == 1

    notifier.script.clear()
    await clock.advance(300)

    assert [text for _, text in station.told()] == ["+A"]
    assert station.deliveries() == {"A": (("firing", "delivered"),)}


async def test_a_refused_message_is_told_in_plain_words(station: Station, clock: FakeClock) -> None:
    """Perhaps it was the ornament."""
    station.notifiers["team"].script.append(RefusedError("bad block"))
    station.fire(A)
    await clock.advance(60)

    assert [message.is_plain for message in station.messages] == [True]
    assert station.deliveries() == {"A": (("firing", "delivered"),)}


async def test_a_message_that_is_refused_twice_is_tried_at_the_next_interval(
    station: Station, clock: FakeClock
) -> None:
    """A wrong key may be corrected; until then the delivery is visibly dead."""
    station.notifiers["team"].script.extend([RefusedError("no such key")] * 2)
    station.fire(A)
    await clock.advance(60)
    assert station.deliveries() == {"A": (("firing", "dead"),)}
    assert station.errors() == ["no such key"]

    await clock.advance(HOUR)

    assert station.told() == [(330, "+A")]
    assert station.deliveries() == {"A": (("firing", "delivered"),)}


async def test_a_receiver_that_hangs_delays_no_other(tmp_path: Path, clock: FakeClock) -> None:
    """Twenty groups hang at one receiver; the other is told of all twenty at once."""
    station = await open_station(tmp_path, clock, "hanging", "well")
    station.notifiers["hanging"].script.extend(["hang"] * 1000)
    for number in range(20):
        station.fire(firing(f"A{number}"))
    await clock.advance(30)
    for _ in range(10):
        await clock.advance(0)

    assert len(station.messages) == 20
    assert {(message.at, message.receiver) for message in station.messages} == {(30, "well")}

    await clock.advance(SEND_TIMEOUT_SECONDS)
    assert f"no answer within {SEND_TIMEOUT_SECONDS:g} s" in station.errors()
    station.notifiers["hanging"].script.clear()
    await clock.advance(10 * SEND_TIMEOUT_SECONDS)
    assert len(station.messages) == 40
    await station.stop()


async def test_a_defect_of_an_integration_is_a_failure_that_is_retried(
    station: Station, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The dispatcher goes on, and the log has the traceback."""
    station.notifiers["team"].script.append(ZeroDivisionError("a mistake"))
    station.fire(A)
    await clock.advance(60)

    assert station.told() == [(31, "+A")]
    assert "ZeroDivisionError: a mistake" in caplog.text


CRITICAL = InhibitRule(
    parse_matchers("alertname=Down"), parse_matchers("alertname!=Down, severity=warning")
)


async def test_an_inhibited_alert_is_told_once_nothing_inhibits_it(
    tmp_path: Path, clock: FakeClock
) -> None:
    """While its cause fires it waits, and the ledger says for what."""
    station = await open_station(tmp_path, clock, inhibit_rules=[CRITICAL])
    down = firing("Down")
    station.fire(down, A)
    await clock.advance(60)
    assert station.told() == [(30, "+Down")]
    assert station.deliveries()["A"] == (("firing", "waiting"),)
    assert "muted by an inhibition rule" in station.errors()

    station.resolve(down)
    await clock.advance(600)
    await station.stop()

    assert station.told()[1:] == [(330, "-Down"), (330, "+A")]


async def test_an_alert_is_told_where_a_new_configuration_sends_it(
    station: Station, clock: FakeClock
) -> None:
    """After a restart with other receivers; the old one hears no more of it."""
    station.fire(A)
    await clock.advance(60)

    await station.restart(configuration("new"))
    await clock.advance(60)
    station.resolve(A)
    await clock.advance(600)

    assert [(message.receiver, message.at) for message in station.messages] == [
        ("team", 30),
        ("new", 90),
        ("new", 390),
    ]


async def test_a_clock_that_was_ahead_stops_no_alert(station: Station, clock: FakeClock) -> None:
    """Ten years forward, an alert, ten years back: the timers of that time do not hold."""
    years_ms = 10 * 365 * 86_400_000
    clock.start_ms += years_ms
    station.fire(A)
    clock.start_ms -= years_ms
    await clock.advance(60)

    assert [text for _, text in station.told()] == ["+A"]


async def test_an_alert_without_wait_is_told_at_once(tmp_path: Path, clock: FakeClock) -> None:
    """The commit wakes the dispatcher; no timer has to run out."""
    station = await open_station(tmp_path, clock, group_wait_ms=0)
    await clock.advance(7)
    station.fire(A)
    await clock.advance(0)
    await station.stop()

    assert station.told() == [(7, "+A")]


async def test_old_history_is_pruned_while_running(station: Station, clock: FakeClock) -> None:
    """What was told long ago leaves the file; what fires stays."""
    station.fire(A, B)
    await clock.advance(60)
    station.resolve(B)
    await clock.advance(600)

    clock.start_ms += HISTORY_RETENTION_MS
    await clock.advance(PRUNE_INTERVAL_SECONDS)

    assert station.deliveries() == {}
    assert {item.alert.name for item in station.ledger.transitions(100)} == {"A"}


async def test_the_dispatcher_survives_a_ledger_that_fails(
    station: Station, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so, counts it, and goes on when the ledger is well again."""
    failures = station.ledger_failures
    failures["due_groups"].extend([LedgerFileError("cannot read")] * 2)
    failures["load_group"].extend([LedgerFileError("cannot read")] * 2)
    failures["prune"].append(LedgerWriteError("cannot write"))
    station.fire(A)

    await clock.advance(PRUNE_INTERVAL_SECONDS + 1)

    assert [text for _, text in station.told()] == ["+A"]
    assert not any(failures.values())
    count = station.registry.get_sample_value("sakshi_notification_dispatcher_errors_total")
    assert count == 5
    assert caplog.text.count("cannot read") == 2  # each run of failures is told of once
    assert "Traceback" not in caplog.text  # it is the world that fails, not sakshi


async def test_a_disk_that_stays_full_is_said_once(
    station: Station, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """What was told is written when there is room again, and is not told twice."""
    station.ledger_failures["settle"].extend([LedgerWriteError("disk is full")] * 10)
    station.fire(A)

    await clock.advance(1800)

    assert station.told() == [(30, "+A")]
    assert not station.ledger_failures["settle"]
    assert caplog.text.count("disk is full") == 1
    assert "Traceback" not in caplog.text


async def test_a_defect_in_one_group_stops_no_other(
    station: Station, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """It is shown with its traceback, for it is ours, and the group is tried again."""
    station.ledger_failures["load_group"].append(ZeroDivisionError("broken"))
    station.fire(A)
    station.fire(B)

    await clock.advance(60)

    assert sorted(text for _, text in station.told()) == ["+A", "+B"]
    assert "ZeroDivisionError: broken" in caplog.text
    count = station.registry.get_sample_value("sakshi_notification_dispatcher_errors_total")
    assert count == 1
