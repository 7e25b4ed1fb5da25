"""What is said of alerts, and what of it is due: functions of values."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.ledger.incident import START_MS, firing, pending, resolved

from sakshi.alerting.alertmanager.schedule import Said, find_due, find_settled_id
from sakshi.alerting.alertmanager.statement import (
    RESOLVED_FOR_MS,
    AlertSource,
    Relabelling,
    ends_at_ms,
    generator_url,
    make_statements,
)
from sakshi.ledger import OwedResolution, OwedResolutions
from sakshi.model.alert import Alert, AlertState
from sakshi.model.labels import Labels

SOURCE = AlertSource("up == 0", 15_000, START_MS)
MINUTE_MS = 60_000


@pytest.mark.parametrize(
    ("interval_ms", "evaluated_ms", "after_ms"),
    [
        pytest.param(15_000, START_MS, 4 * MINUTE_MS, id="a short interval"),
        pytest.param(MINUTE_MS + 1, START_MS, 4 * MINUTE_MS + 4, id="a longer one"),
        pytest.param(15_000, START_MS + 7, 4 * MINUTE_MS + 7, id="evaluated since"),
        pytest.param(15_000, START_MS - 7, 4 * MINUTE_MS, id="it began after the last"),
        pytest.param(15_000, None, 4 * MINUTE_MS, id="not evaluated since the start"),
    ],
)
def test_an_alert_ends_by_itself_if_nobody_speaks(
    interval_ms: int, evaluated_ms: int | None, after_ms: int
) -> None:
    """Four times the interval or the resend delay, whichever is longer, after the evaluation."""
    source = AlertSource("up == 0", interval_ms, evaluated_ms)

    assert ends_at_ms(firing(), source) == START_MS + after_ms
    assert ends_at_ms(resolved(firing(), START_MS + 1), source) == START_MS + 1


def test_the_link_shows_the_expression() -> None:
    """Escaped as Prometheus escapes it; of a rule that is gone, the page."""
    source = AlertSource('a{b="ü +&"} / 2', 1)

    assert generator_url(source, "http://s") == (
        "http://s/graph?g0.expr=a%7Bb%3D%22%C3%BC+%2B%26%22%7D+%2F+2&g0.tab=1"
    )
    assert generator_url(None, "http://s/x") == "http://s/x/"


def states(*alerts: Alert, owed: tuple[Alert, ...] = (), now_ms: int = START_MS) -> list[str]:
    resolutions = [OwedResolution(number, alert) for number, alert in enumerate(owed, start=1)]
    found = make_statements(alerts, resolutions, Relabelling({}), now_ms)
    return sorted(f"{one.alert.name} {one.alert.state} {one.since_ms}" for one in found.values())


def test_pending_alerts_are_nobodys_business() -> None:
    """And those that were resolved are for 15 minutes, or as long as they are owed."""
    at_ms = START_MS + RESOLVED_FOR_MS
    old, new = resolved(firing("B"), START_MS - 1), resolved(firing("C"), START_MS)

    assert states(pending("A"), firing("A"), old, new, now_ms=at_ms) == [
        f"A firing {START_MS}",
        f"C resolved {START_MS}",
    ]
    assert states(owed=(old,), now_ms=at_ms) == [f"B resolved {START_MS - 1}"]


@pytest.mark.parametrize("is_swapped", [False, True])
def test_of_two_alerts_with_the_same_labels_the_one_that_fires_is_said(is_swapped: bool) -> None:
    """Rules may raise the same label set; of two that are resolved, the newer one is said."""
    fires = replace(firing("A"), rule_id="other")
    pair = [resolved(firing("A"), START_MS + 5), fires]
    both = [
        resolved(firing("B"), START_MS),
        resolved(replace(firing("B"), rule_id="o"), START_MS + 1),
    ]
    if is_swapped:
        pair.reverse()
        both.reverse()

    assert states(*pair) == [f"A firing {START_MS}"]
    assert states(*both) == [f"B resolved {START_MS + 1}"]


def test_a_statement_is_due_by_what_was_said() -> None:
    """At once when it is new or changed; after a minute when accepted; after five when refused."""
    statements = make_statements(
        [firing(name) for name in ("New", "Changed", "Told", "Old", "Bad", "Worse")],
        (),
        Relabelling({}),
        START_MS,
    )
    names = {statement.alert.name: labels for labels, statement in statements.items()}
    said = {
        names["Changed"]: Said(AlertState.RESOLVED, START_MS - 9, 1000.0),
        names["Told"]: Said(AlertState.FIRING, START_MS, 940.5),
        names["Old"]: Said(AlertState.FIRING, START_MS, 940.0),
        names["Bad"]: Said(AlertState.FIRING, START_MS, 700.5, is_refused=True),
        names["Worse"]: Said(AlertState.FIRING, START_MS, 700.0, is_refused=True),
    }

    due = find_due(statements.values(), said, lambda _: SOURCE, 1000.0, START_MS)

    assert [statement.alert.name for statement in due.together] == ["New", "Changed", "Old"]
    assert [statement.alert.name for statement in due.alone] == ["Worse"]
    assert (due.next_at, due.awaits_evaluation) == (1000.5, False)


def test_what_nobody_has_evaluated_for_long_is_not_said() -> None:
    """Until its end it is; from then on it waits for an evaluation. A resolution needs none."""
    statements = make_statements(
        [firing("A"), resolved(firing("B"))], (), Relabelling({}), START_MS
    ).values()
    end_ms = START_MS + 4 * MINUTE_MS

    before = find_due(statements, {}, lambda _: SOURCE, 0.0, end_ms - 1)
    after = find_due(statements, {}, lambda _: SOURCE, 0.0, end_ms)

    assert [len(due.together) for due in (before, after)] == [2, 1]
    assert [due.awaits_evaluation for due in (before, after)] == [False, True]


def test_the_place_moves_up_to_the_first_that_is_still_owed() -> None:
    """Said and answered, dropped, or replaced by what fires: none of these is owed any more."""
    alerts = [resolved(firing(name)) for name in ("Said", "Dropped", "Fires", "Owed", "Later")]
    owed = OwedResolutions([OwedResolution(10 * n, a) for n, a in enumerate(alerts, 1)], 99)
    labels_of: dict[Labels, Labels | None] = {alert.labels: alert.labels for alert in alerts}
    labels_of[alerts[1].labels] = None
    shown = [alerts[0], replace(firing("Fires"), rule_id="o"), *alerts[3:]]
    statements = make_statements(shown, (), Relabelling({}), START_MS)
    since_ms = START_MS + MINUTE_MS
    said = {
        alerts[0].labels: Said(AlertState.RESOLVED, since_ms, 0.0),
        alerts[4].labels: Said(AlertState.RESOLVED, since_ms, 0.0, is_refused=True),
    }

    assert find_settled_id(owed, statements, said, labels_of) == 39
    said[alerts[3].labels] = Said(AlertState.RESOLVED, since_ms - 1, 0.0)
    assert find_settled_id(owed, statements, said, labels_of) == 39
    said[alerts[3].labels] = Said(AlertState.RESOLVED, since_ms, 0.0)
    assert find_settled_id(owed, statements, said, labels_of) == 99
