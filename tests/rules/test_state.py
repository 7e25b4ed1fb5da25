from __future__ import annotations

from dataclasses import replace

import pytest
from tests.rules.station import steps

from sakshi.model.alert import Alert, AlertState
from sakshi.model.labels import Labels
from sakshi.rules.state import Condition, Timing, advance, resolve_all

LABELS = Labels({"alertname": "Slow", "job": "chat"})
NOW_MS = 10_000_000
MINUTE_MS = 60_000
CONDITION = Condition(LABELS, Labels({"summary": "slow"}), 3.5)
PENDING = Alert(
    "id", LABELS, Labels({"summary": "old"}), AlertState.PENDING, 1.0, NOW_MS - MINUTE_MS
)
FIRING = replace(PENDING, state=AlertState.FIRING, fired_at_ms=NOW_MS - MINUTE_MS)
KEPT = replace(FIRING, keep_firing_since_ms=NOW_MS - MINUTE_MS)
RESOLVED = replace(FIRING, state=AlertState.RESOLVED, resolved_at_ms=NOW_MS - MINUTE_MS)
FORGOTTEN = replace(RESOLVED, resolved_at_ms=NOW_MS - 15 * MINUTE_MS - 1)
REMEMBERED = replace(RESOLVED, resolved_at_ms=NOW_MS - 15 * MINUTE_MS)

AT_ONCE = Timing()
HELD = Timing(hold_ms=2 * MINUTE_MS)
REACHED = Timing(hold_ms=MINUTE_MS)
KEEP = Timing(keep_firing_ms=2 * MINUTE_MS)
KEEP_OVER = Timing(keep_firing_ms=MINUTE_MS)
BLIND = Timing(trusts_absence=False)


@pytest.mark.parametrize(
    ("before", "holds", "timing", "after", "changes"),
    [
        pytest.param(None, False, HELD, None, [], id="nothing stays nothing"),
        pytest.param(None, True, HELD, "pending", ["inactive -> pending"], id="it begins"),
        pytest.param(
            None, True, AT_ONCE, "firing", ["inactive -> firing"], id="without for it fires"
        ),
        pytest.param(PENDING, True, HELD, "pending", [], id="it is held"),
        pytest.param(
            PENDING, True, REACHED, "firing", ["pending -> firing"], id="held long enough"
        ),
        pytest.param(PENDING, False, HELD, None, [], id="a pending one that goes is forgotten"),
        pytest.param(FIRING, True, HELD, "firing", [], id="it fires on, whatever for says"),
        pytest.param(FIRING, False, HELD, "resolved", ["firing -> resolved"], id="it resolves"),
        pytest.param(FIRING, False, KEEP, "firing", [], id="keep_firing_for begins"),
        pytest.param(KEPT, False, KEEP, "firing", [], id="keep_firing_for goes on"),
        pytest.param(KEPT, False, KEEP_OVER, "resolved", ["firing -> resolved"], id="it is over"),
        pytest.param(KEPT, True, KEEP, "firing", [], id="the condition is back"),
        pytest.param(RESOLVED, False, HELD, "resolved", [], id="a resolved one is remembered"),
        pytest.param(REMEMBERED, False, HELD, "resolved", [], id="for 15 minutes"),
        pytest.param(FORGOTTEN, False, HELD, None, [], id="and not longer"),
        pytest.param(RESOLVED, True, HELD, "pending", ["resolved -> pending"], id="it comes back"),
        pytest.param(
            RESOLVED, True, AT_ONCE, "firing", ["resolved -> firing"], id="back, without for"
        ),
        pytest.param(FIRING, False, BLIND, "firing", [], id="absence is not trusted: firing"),
        pytest.param(PENDING, False, BLIND, "pending", [], id="absence is not trusted: pending"),
        pytest.param(
            FORGOTTEN, False, BLIND, None, [], id="resolved ones are forgotten all the same"
        ),
    ],
)
def test_an_alert_goes_its_way(
    before: Alert | None, holds: bool, timing: Timing, after: str | None, changes: list[str]
) -> None:
    """State, condition and delays decide the next state; nothing else does."""
    previous = [] if before is None else [before]

    result = advance("id", previous, [CONDITION] if holds else [], timing, NOW_MS)

    assert [alert.state.value for alert in result.alerts] == ([after] if after else [])
    assert steps(result.transitions) == changes


def test_a_condition_that_holds_renews_value_and_annotations() -> None:
    """Value and annotations are the last evaluation's; the beginning stays."""
    result = advance("id", [KEPT], [CONDITION], KEEP, NOW_MS)

    (alert,) = result.alerts
    assert (alert.value, alert.annotations["summary"]) == (3.5, "slow")
    assert alert.active_at_ms == NOW_MS - MINUTE_MS
    assert alert.keep_firing_since_ms is None


def test_an_alert_that_returns_is_a_new_run() -> None:
    """What was resolved and comes back begins now and has never fired."""
    result = advance("id", [RESOLVED], [CONDITION], HELD, NOW_MS)

    (alert,) = result.alerts
    assert (alert.active_at_ms, alert.fired_at_ms, alert.resolved_at_ms) == (NOW_MS, None, None)


def test_resolution_keeps_the_last_value() -> None:
    """A resolved alert tells the value at which it last held."""
    result = advance("id", [KEPT], [], KEEP_OVER, NOW_MS)

    (alert,) = result.alerts
    assert (alert.value, alert.resolved_at_ms, alert.keep_firing_since_ms) == (1.0, NOW_MS, None)


def test_alerts_and_transitions_are_sorted_by_labels() -> None:
    """The order does not depend on the order of the data."""
    conditions = [
        Condition(Labels({"alertname": "Slow", "job": job}), Labels(), 1.0) for job in "cab"
    ]

    result = advance("id", [], conditions, AT_ONCE, NOW_MS)

    assert [alert.labels["job"] for alert in result.alerts] == ["a", "b", "c"]
    assert [change.alert.labels["job"] for change in result.transitions] == ["a", "b", "c"]


def test_a_rule_that_is_gone_resolves_what_fired() -> None:
    """Firing alerts resolve, pending ones vanish."""
    other = replace(PENDING, labels=Labels({"alertname": "Slow", "job": "other"}))

    result = resolve_all([FIRING, other], NOW_MS)

    assert steps(result.transitions) == ["firing -> resolved"]
    assert len(result.alerts) == 1
