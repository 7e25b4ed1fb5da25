from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.rules.station import MINUTE_MS, Station, alerting, group, recording, states, steps

from sakshi.ledger import LedgerWriteError
from sakshi.model.alert import Alert, Transition
from sakshi.rules import RuleHealth
from sakshi.storage import is_stale


def test_a_rule_sees_what_those_before_it_recorded(station: Station) -> None:
    """Within one evaluation, results are visible to the next rule at once."""
    evaluator = station.evaluator(
        group(recording("y", "x * 2"), recording("z", "y + 1"), alerting("High", "z > 10"))
    )
    station.expose({"x": 5.0})

    transitions = evaluator.evaluate(station.clock.now_ms())

    assert station.query("z") == {"z": 11.0}
    assert steps(transitions) == ["inactive -> firing"]


def test_a_rule_that_fails_does_not_stop_the_others(station: Station) -> None:
    """Its health is err with the reason; the rules behind it are evaluated."""
    station.expose({'x{job="a"}': 1.0, 'x{job="b"}': 2.0})
    bad = recording("bad", "x", labels={"job": "same"})
    evaluator = station.evaluator(group(bad, recording("good", "count(x)")))

    evaluator.evaluate(station.clock.now_ms())

    first, second = evaluator.status.rules
    assert (first.health, first.last_error) == (
        RuleHealth.ERROR,
        'two results have the labels bad{job="same"}',
    )
    assert (second.health, second.last_error) == (RuleHealth.OK, "")
    assert station.query("good") == {"good": 2.0}


def test_a_failing_rule_leaves_its_series_to_the_lookback(station: Station) -> None:
    """Failure ends no series, as in Prometheus; the next success ends what is gone by then."""
    rules = group(recording("y", "x", labels={"side": ""}))
    evaluator = station.evaluator(rules)
    station.expose({'x{job="a",side="l"}': 1.0})
    evaluator.evaluate(station.clock.now_ms())

    station.clock.move(MINUTE_MS)
    station.expose({'x{job="a",side="l"}': 1.0, 'x{job="a",side="r"}': 1.0})
    evaluator.evaluate(station.clock.now_ms())
    while_failing = station.query("y")
    station.clock.move(6 * MINUTE_MS)
    station.expose({'x{job="b",side="l"}': 3.0})
    evaluator.evaluate(station.clock.now_ms())

    assert while_failing == {'y{job="a"}': 1.0}
    assert station.query("y") == {'y{job="b"}': 3.0}
    (columns,) = station.raw('y{job="a"}')
    assert is_stale(columns.values).sum() == 1


def test_alerts_are_series_while_they_last(station: Station) -> None:
    """`ALERTS` follows the state; both series end with the alert."""
    evaluator = station.evaluator(group(alerting("Bad", "x > 0", hold_ms=MINUTE_MS)))
    seen = []
    for value in (1.0, 1.0, 0.0):
        station.expose({"x": value})
        evaluator.evaluate(station.clock.now_ms())
        seen.append((station.query("ALERTS"), station.query("ALERTS_FOR_STATE")))
        station.clock.move(MINUTE_MS)

    since = {'ALERTS_FOR_STATE{alertname="Bad"}': station.clock.start_ms // 1000}
    assert seen == [
        ({'ALERTS{alertname="Bad", alertstate="pending"}': 1.0}, since),
        ({'ALERTS{alertname="Bad", alertstate="firing"}': 1.0}, since),
        ({}, {}),
    ]


def test_an_offset_looks_back_and_records_there(station: Station) -> None:
    """With query_offset, expression and samples lie so far in the past; alerts do not."""
    rules = group(recording("y", "x"), alerting("Bad", "x == 1"), query_offset_ms=MINUTE_MS)
    evaluator = station.evaluator(rules)
    start_ms = station.clock.now_ms()
    station.expose({"x": 1.0})
    station.clock.move(MINUTE_MS)
    station.expose({"x": 2.0})

    (transition,) = evaluator.evaluate(station.clock.now_ms())

    (columns,) = station.raw("y")
    assert (columns.timestamps.tolist(), columns.values.tolist()) == ([start_ms], [[1.0]])
    assert transition.at_ms == station.clock.now_ms()


def test_beyond_the_limit_alerts_are_cleared_and_those_told_are_resolved(station: Station) -> None:
    """Prometheus drops all alerts of such a rule; nobody is left with one that never ends."""
    evaluator = station.evaluator(group(alerting("Bad", "x > 0"), limit=1))
    station.expose({'x{job="a"}': 1.0})
    evaluator.evaluate(station.clock.now_ms())
    station.clock.move(MINUTE_MS)
    station.expose({'x{job="a"}': 1.0, 'x{job="b"}': 1.0})

    transitions = evaluator.evaluate(station.clock.now_ms())

    assert steps(transitions) == ["firing -> resolved"]
    (status,) = evaluator.status.rules
    assert status.last_error == "2 alerts exceed the limit of 1"
    assert status.alerts == ()


class CountingRecorder:
    """A ledger that notes what it is given, and refuses on demand."""

    def __init__(self) -> None:
        self.records: list[tuple[Sequence[Alert], Sequence[Transition]]] = []
        self.refuses = False

    def load_alerts(self) -> Sequence[Alert]:
        return ()

    def record(
        self, rule_id: str, alerts: Sequence[Alert], transitions: Sequence[Transition], at_ms: int
    ) -> None:
        if self.refuses:
            raise LedgerWriteError("database or disk is full")
        self.records.append((tuple(alerts), tuple(transitions)))


@pytest.fixture
def recorder(station: Station) -> CountingRecorder:
    station.ledger.close()
    recorder = CountingRecorder()
    station.ledger = recorder  # type: ignore[assignment]  # only the rules' side is used here
    recorder.close = lambda: None  # type: ignore[attr-defined]
    return recorder


def test_only_changes_are_recorded(station: Station, recorder: CountingRecorder) -> None:
    """A new alert, a new state, new annotations are; the same again, or another value, is not."""
    annotations = {"summary": "{{ if gt $value 5.0 }}very {{ end }}bad"}
    rule = alerting("Bad", "x > 0", hold_ms=MINUTE_MS, annotations=annotations)
    evaluator = station.evaluator(group(rule))
    counts = []
    for value in (1.0, 1.0, 1.0, 2.0, 6.0, 6.0, 0.0, 0.0):
        station.expose({"x": value})
        evaluator.evaluate(station.clock.now_ms())
        counts.append(len(recorder.records))
        station.clock.move(MINUTE_MS)

    assert counts == [1, 2, 2, 2, 3, 3, 4, 4]


def test_a_ledger_that_refuses_is_said_once(
    station: Station, recorder: CountingRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    """A disk that is full for an hour is one line in the log, not one a second."""
    evaluator = station.evaluator(group(alerting("Bad", "x > 0")))
    for refuses in (True, True, True, False, True, True):
        recorder.refuses = refuses
        station.expose({"x": 1.0 if refuses else 0.0})
        evaluator.evaluate(station.clock.now_ms())
        station.clock.move(MINUTE_MS)

    assert caplog.text.count("alerts not recorded") == 2


def test_a_ledger_that_refuses_delays_but_loses_nothing(
    station: Station, recorder: CountingRecorder
) -> None:
    """Nobody is told meanwhile; the first success carries all transitions in order."""
    evaluator = station.evaluator(group(alerting("Bad", "x > 0", hold_ms=MINUTE_MS)))
    recorder.refuses = True
    told = []
    for _ in range(2):
        station.expose({"x": 1.0})
        told.append(evaluator.evaluate(station.clock.now_ms()))
        station.clock.move(MINUTE_MS)
    (failing,) = evaluator.status.rules
    recorder.refuses = False
    station.expose({"x": 1.0})

    transitions = evaluator.evaluate(station.clock.now_ms())

    assert told == [[], []]
    assert (failing.health, failing.last_error) == (RuleHealth.ERROR, "database or disk is full")
    assert states(failing.alerts) == {'{alertname="Bad"}': "firing"}
    assert steps(transitions) == ["inactive -> pending", "pending -> firing"]
    ((alerts, recorded),) = recorder.records
    assert steps(recorded) == steps(transitions)
    assert alerts[0].fired_at_ms == station.clock.now_ms() - MINUTE_MS


def test_a_program_error_in_one_rule_does_not_stop_the_others(station: Station) -> None:
    """The outermost line of a rule holds whatever breaks in it."""

    class BrokenEngine:
        def instant(self, query: str, at_ms: int) -> None:
            raise ZeroDivisionError("broken")

    station.expose({"x": 1.0})
    whole = station.engine
    evaluator = station.evaluator(group(recording("a", "x"), recording("b", "x")))
    evaluator._runners[0]._engine = BrokenEngine()  # type: ignore[attr-defined]

    evaluator.evaluate(station.clock.now_ms())

    assert station.engine is whole
    assert [status.last_error for status in evaluator.status.rules] == [
        "ZeroDivisionError: broken",
        "",
    ]


def test_a_rule_that_goes_on_failing_is_said_once(
    station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    """A new reason is news, the same reason at the next evaluation is not."""
    evaluator = station.evaluator(group(recording("bad", "x", labels={"job": "same"})))
    for names in ("ab", "ab", "a", "ab"):
        station.expose({f'x{{job="{name}"}}': 1.0 for name in names})
        evaluator.evaluate(station.clock.now_ms())
        station.clock.move(6 * MINUTE_MS)

    assert caplog.text.count("rule failed") == 2
