"""Alerts and transitions for tests, in one line each."""

from __future__ import annotations

from dataclasses import replace

from sakshi.ledger import Destination
from sakshi.model.alert import Alert, AlertState, Transition
from sakshi.model.labels import Labels

RULE_ID = "rules.yml;chat;HighResponseTime"
START_MS = 1_700_000_000_000


def pending(name: str = "HighResponseTime", rule_id: str = RULE_ID, **labels: str) -> Alert:
    return Alert(
        rule_id=rule_id,
        labels=Labels({"alertname": name, "severity": "warning", **labels}),
        annotations=Labels({"summary": f"{name} is wrong"}),
        state=AlertState.PENDING,
        value=3.5,
        active_at_ms=START_MS - 60_000,
    )


def firing(name: str = "HighResponseTime", rule_id: str = RULE_ID, **labels: str) -> Alert:
    alert = pending(name, rule_id, **labels)
    return replace(alert, state=AlertState.FIRING, fired_at_ms=START_MS)


def resolved(alert: Alert, at_ms: int = START_MS + 60_000) -> Alert:
    return replace(alert, state=AlertState.RESOLVED, resolved_at_ms=at_ms)


def change(alert: Alert, at_ms: int = START_MS) -> Transition:
    """Return the transition that leads to an alert's state."""
    previous = {
        AlertState.PENDING: AlertState.INACTIVE,
        AlertState.FIRING: AlertState.PENDING,
        AlertState.RESOLVED: AlertState.FIRING,
    }
    return Transition(alert, previous[alert.state], at_ms)


class ByName:
    """A router with one group for each alert name, to each of its places."""

    def __init__(self, *places: str, wait_ms: int = 30_000) -> None:
        self.places = places
        self.wait_ms = wait_ms

    def __call__(self, alert: Alert) -> list[Destination]:
        group_labels = alert.labels.only(("alertname",))
        return [
            Destination("team", place, "{}", group_labels, self.wait_ms) for place in self.places
        ]
