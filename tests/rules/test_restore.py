from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.conftest import FakeClock
from tests.rules.station import MINUTE_MS, Station, alerting, group, states, steps, without_values

from sakshi.model.alert import Alert
from sakshi.promql.errors import QueryTimeoutError
from sakshi.rules.restore import find_last_seen_ms

RULES = group(
    alerting("Held", "wrong > 0", hold_ms=2 * MINUTE_MS, annotations={"text": "{{ $value }}"}),
    alerting("Kept", "wrong > 0", keep_firing_ms=2 * MINUTE_MS),
)
TIMELINE = [0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 1, 1, 1, 0, 0]


def live(
    path: Path, restart_after: int | None
) -> tuple[list[tuple[str, int]], Sequence[Alert], list[dict[str, float]]]:
    """Run through the timeline; return what was told, the alerts at the end, and the series."""
    clock = FakeClock()
    told: list[tuple[str, int]] = []
    series = []
    with Station(path, clock) as station:
        evaluator = station.evaluator(RULES)
        for index, value in enumerate(TIMELINE):
            station.expose({"wrong": float(value)})
            for change, step in zip(
                changes := evaluator.evaluate(clock.now_ms()), steps(changes), strict=True
            ):
                told.append((f"{change.alert.name}: {step}", change.at_ms))
            series.append(station.query("ALERTS") | station.query("ALERTS_FOR_STATE"))
            clock.move(MINUTE_MS)
            if index == restart_after:
                station.reopen_ledger()
                evaluator = station.evaluator(RULES)
        return told, station.ledger.alerts(), series


@pytest.mark.parametrize("restart_after", range(len(TIMELINE)))
def test_a_restart_changes_nothing(tmp_path: Path, restart_after: int) -> None:
    """Killed and restarted after any evaluation, alerts, messages and series are as without."""
    told, alerts, series = live(tmp_path / "twin.db", None)

    told_again, alerts_again, series_again = live(tmp_path / "killed.db", restart_after)

    assert told_again == told
    assert without_values(alerts_again) == without_values(alerts)
    assert series_again == series


def stop_for(station: Station, minutes: int) -> None:
    station.reopen_ledger()
    station.clock.move(minutes * MINUTE_MS)


def test_a_long_stop_resolves_nothing_that_cannot_be_seen(station: Station) -> None:
    """After an hour a rate has no data for two evaluations: the alert fires on, nobody is told."""
    rules = group(alerting("Busy", "rate(requests_total[5m]) > 0"))
    evaluator = station.evaluator(rules)
    counter = 0
    told = []
    for step in range(8):
        if step == 3:
            stop_for(station, 60)
            evaluator = station.evaluator(rules)
        counter += 60
        station.expose({"requests_total": counter})
        told += steps(evaluator.evaluate(station.clock.now_ms()))
        station.clock.move(MINUTE_MS)

    assert told == ["inactive -> firing"]


def test_a_long_stop_does_not_hide_that_it_is_over(station: Station) -> None:
    """What is well after the stop is resolved, two evaluations later."""
    rules = group(alerting("Bad", "x > 0"))
    station.expose({"x": 1.0})
    station.evaluator(rules).evaluate(station.clock.now_ms())
    stop_for(station, 60)
    evaluator = station.evaluator(rules)
    told = []
    for _ in range(3):
        station.expose({"x": 0.0})
        told.append(steps(evaluator.evaluate(station.clock.now_ms())))
        station.clock.move(MINUTE_MS)

    assert told == [[], [], ["firing -> resolved"]]


@pytest.mark.parametrize("stop_minutes", [4, 60])
def test_the_time_without_sakshi_does_not_count_towards_for(
    station: Station, stop_minutes: int
) -> None:
    """A pending alert fires when its condition was seen to hold for long enough."""
    rules = group(alerting("Held", "x > 0", hold_ms=5 * MINUTE_MS))
    evaluator = station.evaluator(rules)
    for _ in range(2):
        station.expose({"x": 1.0})
        evaluator.evaluate(station.clock.now_ms())
        station.clock.move(MINUTE_MS)
    stop_for(station, stop_minutes)
    evaluator = station.evaluator(rules)

    station.expose({"x": 1.0})
    evaluator.evaluate(station.clock.now_ms())

    (status,) = evaluator.status.rules
    assert states(status.alerts) == {'{alertname="Held"}': "pending"}


def test_a_stop_whose_length_cannot_be_asked_is_a_long_one(station: Station) -> None:
    """Where the engine fails at the start, the alert's own times are all that is known."""

    class FailingEngine:
        def instant(self, query: str, at_ms: int) -> None:
            raise QueryTimeoutError("the query ran for longer than 1 s")

    assert find_last_seen_ms(FailingEngine(), "Bad", 0) is None  # type: ignore[arg-type]
