"""Planning and concluding, as functions of values; the whole path is in test_dispatch.py."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.ledger.incident import START_MS, firing, resolved

from sakshi.alerting.flush import (
    FlushTiming,
    conclude_dead,
    conclude_failed,
    conclude_quiet,
    conclude_told,
    must_give_up,
    plan_flush,
)
from sakshi.ledger import (
    AggregationGroup,
    Attempt,
    DeliveryState,
    Destination,
    Member,
    OutboxRow,
    Settlement,
    Told,
)
from sakshi.model.alert import Alert, AlertState
from sakshi.model.labels import Labels

TIMING = FlushTiming(300_000, 3_600_000, send_resolved=True)
QUIET = replace(TIMING, send_resolved=False)
A, B = firing(session="a"), firing(session="b")
SENT = Attempt("key", "delivered", 0.5, 1)
FAILED = Attempt("key", "retry", 2.0, 1, "status 500")


def row(id_: int, alert: Alert, attempts: int = 0, transition_id: int | None = None) -> OutboxRow:
    return OutboxRow(
        id=id_,
        transition_id=id_ if transition_id is None else transition_id,
        rule_id=alert.rule_id,
        fingerprint=alert.fingerprint,
        is_firing=alert.state is AlertState.FIRING,
        delivery_state=DeliveryState.WAITING,
        attempts=attempts,
    )


def group(
    members: list[Alert], outbox: list[OutboxRow], told: Told | None = None
) -> AggregationGroup:
    return AggregationGroup(
        id=1,
        destination=Destination("team", "slack[0]", "{}", Labels()),
        sequence=0,
        told=told,
        failing_since_ms=None,
        attempts=0,
        members=[Member(alert, index) for index, alert in enumerate(members)],
        outbox=outbox,
    )


def told(*alerts: Alert, at_ms: int = START_MS) -> Told:
    return Told(
        frozenset(alert.fingerprint for alert in alerts if alert.state is AlertState.FIRING),
        frozenset(alert.fingerprint for alert in alerts if alert.state is AlertState.RESOLVED),
        at_ms,
    )


class Mutes:
    reason = "muted for the test"

    def __init__(self, *alerts: Alert) -> None:
        self.labels = [alert.labels for alert in alerts]

    def mutes(self, labels: Labels) -> bool:
        return labels in self.labels


SOON_MS = START_MS + 60_000


@pytest.mark.parametrize(
    ("members", "outbox", "before", "timing", "expected"),
    [
        pytest.param([A], [row(1, A)], None, TIMING, [A], id="the first alert"),
        pytest.param([A, B], [], told(A), TIMING, [A, B], id="a new one: all that fires is told"),
        pytest.param([A], [], told(A), TIMING, [], id="nothing changed"),
        pytest.param([A], [], told(A, B), TIMING, [], id="fewer fire, and none is resolved"),
        pytest.param(
            [A, resolved(B)], [], told(A, B), TIMING, [A, resolved(B)], id="one is resolved"
        ),
        pytest.param([resolved(A)], [], told(A), TIMING, [resolved(A)], id="all are resolved"),
        pytest.param([resolved(A)], [], told(A), QUIET, [], id="resolved, and not sent"),
        pytest.param([A, resolved(B)], [], told(A, B), QUIET, [], id="one resolved, and not sent"),
        pytest.param(
            [A, resolved(B)], [], told(B), QUIET, [A], id="a new one, and a resolved one not sent"
        ),
        pytest.param(
            [resolved(A)], [row(1, A)], None, TIMING, [], id="resolved before it was told"
        ),
        pytest.param(
            [resolved(A)],
            [row(1, A, attempts=1)],
            None,
            TIMING,
            [resolved(A)],
            id="resolved after somebody tried to tell",
        ),
        pytest.param([], [], told(A), TIMING, [], id="no member"),
        pytest.param(
            [A],
            [],
            told(A, at_ms=SOON_MS - 3_600_000),
            TIMING,
            [A],
            id="the repeat interval is over",
        ),
        pytest.param(
            [A], [], told(A, at_ms=SOON_MS - 3_599_999), TIMING, [], id="it is not over yet"
        ),
        pytest.param(
            [A], [], told(A, at_ms=SOON_MS + 1000), TIMING, [], id="the clock was set back a second"
        ),
        pytest.param(
            [A], [], told(A, at_ms=SOON_MS + 10**11), TIMING, [A], id="the clock was years ahead"
        ),
        pytest.param(
            [replace(resolved(A), rule_id="other"), A],
            [],
            told(A),
            TIMING,
            [],
            id="two rules raise it, one resolves it: it still fires",
        ),
    ],
)
def test_what_is_told(
    members: list[Alert],
    outbox: list[OutboxRow],
    before: Told | None,
    timing: FlushTiming,
    expected: list[Alert],
) -> None:
    """A message is due for news and for repeats, and carries all that fires."""
    plan = plan_flush(group(members, outbox, before), [], timing, SOON_MS)

    assert list(plan.alerts) == expected


def test_a_muted_alert_is_not_told_and_waits() -> None:
    """It is left out of the message; its delivery waits and says why."""
    state = group([A, B], [row(1, A), row(2, B)])
    plan = plan_flush(state, [Mutes(B)], TIMING, SOON_MS)

    result = conclude_told(state, plan, TIMING, SENT)

    assert list(plan.alerts) == [A]
    assert result.settlements == {
        1: Settlement(DeliveryState.DELIVERED, attempted=True),
        2: Settlement(DeliveryState.WAITING, "muted for the test"),
    }
    assert result.told == told(A, at_ms=SOON_MS)
    assert result.due_ms == SOON_MS + 300_000


def test_an_alert_that_is_muted_until_it_is_resolved_is_skipped() -> None:
    """Nobody hears of it, and the ledger says why; a later firing will be news again."""
    state = group([resolved(A)], [row(1, A), row(2, resolved(A))], told(A))
    plan = plan_flush(state, [Mutes(A)], TIMING, SOON_MS)

    result = conclude_quiet(state, plan, TIMING)

    assert not plan.alerts
    reason = "muted for the test until it was resolved"
    assert set(result.settlements.values()) == {Settlement(DeliveryState.SKIPPED, reason)}
    assert list(result.departed) == list(state.members)
    assert result.told is not None
    assert result.told.firing == frozenset()


@pytest.mark.parametrize(
    ("members", "outbox", "before", "timing", "expected"),
    [
        pytest.param(
            [resolved(A)],
            [row(1, A), row(2, resolved(A))],
            None,
            TIMING,
            {1: "resolved before the first message", 2: "resolved before the first message"},
            id="resolved before it was told",
        ),
        pytest.param(
            [A],
            [row(2, resolved(A)), row(3, A)],
            told(A),
            TIMING,
            {2: "changed again before it was told", 3: "the last message said so already"},
            id="resolved and firing again within one interval",
        ),
        pytest.param(
            [resolved(A)],
            [row(2, resolved(A))],
            told(A),
            QUIET,
            {2: "send_resolved is off"},
            id="resolved, and not sent",
        ),
    ],
)
def test_what_is_not_told_is_skipped_with_a_reason(
    members: list[Alert],
    outbox: list[OutboxRow],
    before: Told | None,
    timing: FlushTiming,
    expected: dict[int, str],
) -> None:
    """No delivery disappears: each says why nobody was told."""
    state = group(members, outbox, before)
    plan = plan_flush(state, [], timing, SOON_MS)

    result = conclude_quiet(state, plan, timing)

    assert result.settlements == {
        id_: Settlement(DeliveryState.SKIPPED, reason) for id_, reason in expected.items()
    }


def test_an_alert_that_was_resolved_while_unreachable_and_is_not_sent_is_dead() -> None:
    """Without resolved messages there is nothing left to tell: it is visible as undelivered."""
    state = group([resolved(A)], [row(1, A, attempts=3), row(2, resolved(A))])
    plan = plan_flush(state, [], QUIET, SOON_MS)

    result = conclude_quiet(state, plan, QUIET)

    assert result.settlements == {
        1: Settlement(DeliveryState.DEAD, "resolved before the receiver could be reached"),
        2: Settlement(DeliveryState.SKIPPED, "send_resolved is off"),
    }


def test_a_resolved_message_delivers_the_firing_that_could_not_be_told() -> None:
    """It says when the alert began and when it ended: both transitions are told."""
    state = group([resolved(A)], [row(1, A, attempts=1), row(2, resolved(A))])
    plan = plan_flush(state, [], TIMING, SOON_MS)

    result = conclude_told(state, plan, TIMING, SENT)

    assert set(result.settlements.values()) == {Settlement(DeliveryState.DELIVERED, attempted=True)}
    assert list(result.departed) == list(state.members)


def test_a_firing_message_skips_a_resolution_in_between() -> None:
    """Resolved and firing again before the message: only the firing is told."""
    state = group([A], [row(1, A), row(2, resolved(A)), row(3, A)])
    plan = plan_flush(state, [], TIMING, SOON_MS)

    result = conclude_told(state, plan, TIMING, SENT)

    assert result.settlements[2] == Settlement(
        DeliveryState.SKIPPED, "changed again before it was told"
    )
    assert result.settlements[1] == result.settlements[3]
    assert result.settlements[3].delivery_state is DeliveryState.DELIVERED


def test_a_failed_attempt_is_counted_and_timed_from_its_end() -> None:
    """The wait begins when the attempt ended, so that a slow failure is not repeated at once."""
    state = group([A, B], [row(1, A), row(2, B)])
    plan = plan_flush(state, [Mutes(B)], TIMING, SOON_MS)

    result = conclude_failed(state, plan, FAILED, 4_000)

    assert result.due_ms == SOON_MS + 2_000 + 4_000
    assert result.settlements == {
        1: Settlement(DeliveryState.WAITING, "status 500", attempted=True)
    }
    assert (result.failing_since_ms, result.attempts) == (SOON_MS, 1)
    assert result.departed == ()
    assert result.told is None


def test_a_message_is_given_up_after_a_day_of_failures() -> None:
    """Not before, and not because the clock was set back."""
    state = replace(group([A], []), failing_since_ms=START_MS)
    day_ms = 86_400_000

    def gives_up(now_ms: int) -> bool:
        return must_give_up(state, plan_flush(state, [], TIMING, now_ms))

    assert not gives_up(START_MS + day_ms - 1)
    assert gives_up(START_MS + day_ms)
    assert not gives_up(START_MS - day_ms)


def test_what_was_given_up_is_tried_again_while_it_fires() -> None:
    """A dead letter is visible; the group's next flush carries what still fires once more."""
    state = group([A, resolved(B)], [row(1, A), row(2, B, 1), row(3, resolved(B))])
    plan = plan_flush(state, [], TIMING, SOON_MS)

    result = conclude_dead(state, plan, TIMING, replace(FAILED, outcome="dead"))

    dead = Settlement(DeliveryState.DEAD, "status 500", attempted=True)
    assert result.settlements == {1: dead, 2: dead, 3: dead}
    assert [member.alert for member in result.departed] == [resolved(B)]
    assert result.told is None
    assert result.due_ms == SOON_MS + 300_000
    assert (result.failing_since_ms, result.attempts) == (None, 0)
