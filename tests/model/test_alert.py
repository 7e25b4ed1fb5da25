"""Alerts."""

from __future__ import annotations

import pytest

from sakshi.model.alert import Alert, AlertState, Transition
from sakshi.model.labels import Labels


def alert(state: AlertState = AlertState.FIRING, **labels: str) -> Alert:
    return Alert(
        "file;group;Down", Labels({"alertname": "Down", **labels}), Labels(), state, 1.0, 0
    )


def test_a_fingerprint_is_the_label_sets_own():
    """Equal labels have equal fingerprints, whatever the state; others have others."""
    assert alert(job="a").fingerprint == alert(AlertState.PENDING, job="a").fingerprint
    assert alert(job="a").fingerprint != alert(job="b").fingerprint
    assert len(alert().fingerprint) == 16


def test_a_fingerprint_never_changes():
    """Receivers and files keep fingerprints: this value must stay."""
    assert alert(job="a").fingerprint == "2a7335904af79d6c"


@pytest.mark.parametrize(
    ("state", "told"),
    [(AlertState.PENDING, False), (AlertState.FIRING, True), (AlertState.RESOLVED, True)],
)
def test_people_are_told_of_firing_and_resolved(state, told):
    """Pending alerts wake nobody."""
    assert Transition(alert(state), AlertState.INACTIVE, 0).is_notifiable is told
