from __future__ import annotations

from dataclasses import replace

import pytest
from tests.alerting.message import notification
from tests.ledger.incident import firing, resolved

from sakshi.alerting.notification import notification_key
from sakshi.alerting.secret import Secret
from sakshi.ledger import AggregationGroup, Destination
from sakshi.model.labels import Labels

A, B = firing(session="a"), firing(session="b")
GROUP = AggregationGroup(
    id=1,
    destination=Destination("team", "slack[0]", "{}", Labels()),
    sequence=3,
    told=None,
    failing_since_ms=None,
    attempts=0,
    members=(),
    outbox=(),
)
KEY = notification_key(GROUP, [A, B])


@pytest.mark.parametrize(
    ("group", "alerts"),
    [
        pytest.param(GROUP, [B, A], id="in another order"),
        pytest.param(replace(GROUP, attempts=7), [A, B], id="after failures"),
        pytest.param(GROUP, [replace(A, value=9.0), B], id="with another value"),
    ],
)
def test_a_duplicate_has_the_same_key(group: AggregationGroup, alerts: list[object]) -> None:
    """What says the same is the same message."""
    assert notification_key(group, alerts) == KEY  # type: ignore[arg-type]  # from the table


@pytest.mark.parametrize(
    ("group", "alerts"),
    [
        pytest.param(GROUP, [A], id="with less to tell"),
        pytest.param(GROUP, [A, resolved(B)], id="with another state"),
        pytest.param(GROUP, [replace(A, fired_at_ms=1), B], id="of another firing"),
        pytest.param(replace(GROUP, sequence=4), [A, B], id="as a repeat"),
        pytest.param(
            replace(GROUP, destination=replace(GROUP.destination, integration="slack[1]")),
            [A, B],
            id="to another integration",
        ),
    ],
)
def test_another_message_has_another_key(group: AggregationGroup, alerts: list[object]) -> None:
    """A receiver that drops duplicates by key never drops news."""
    assert notification_key(group, alerts) != KEY  # type: ignore[arg-type]  # from the table


def test_a_notification_fires_while_one_of_its_alerts_does() -> None:
    """Its status, and its alerts by state."""
    mixed, over = notification(A, resolved(B)), notification(resolved(B))

    assert (mixed.status, mixed.firing, mixed.resolved) == ("firing", [A], [resolved(B)])
    assert (over.status, over.firing) == ("resolved", [])
    assert mixed.group_hash == over.group_hash


def test_a_secret_shows_itself_nowhere() -> None:
    """Neither printed, nor formatted, nor inside of something else."""
    secret = Secret("hunter2")

    shown = f"{secret} {secret!r} {[secret]} {Secret('')!r}"

    assert "hunter2" not in shown
    assert Secret("").hide_in("text") == "text"
    assert secret == Secret("hunter2")
