"""What the demo saw decides how it ends: its witness must not be credulous."""

from __future__ import annotations

import pytest

from sakshi.demo.summary import render_summary
from sakshi.demo.witness import CHANNELS, Witness

NAME = "AIIntegrationFailure"


def alert(state: str, fingerprint: str = "a1", value: float = 0.8) -> dict[str, object]:
    return {
        "fingerprint": fingerprint,
        "name": NAME,
        "state": state,
        "severity": "critical",
        "value": value,
    }


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def elapsed() -> Clock:
    return Clock()


@pytest.fixture
def witness(said, elapsed) -> Witness:
    return Witness(elapsed, said.append)


def show(witness: Witness, *states: str) -> None:
    for state in states:
        witness.hear({"alerts": [alert(state)]})


def tell(witness: Witness, word: str, channels=CHANNELS) -> None:
    for channel in channels:
        witness.receive(channel, f"{word}: {NAME}", {"alertname": NAME}, 0)


def test_each_change_is_said_once(witness, said):
    """Repeated messages of the same state say nothing new."""
    show(witness, "pending", "pending", "firing", "firing", "resolved", "resolved")

    assert said == [
        f"{NAME} (critical) is pending (value 0.8)",
        f"{NAME} (critical) is firing (value 0.8)",
        f"{NAME} (critical) is resolved",
    ]


def test_an_incident_that_was_told_and_resolved_is_complete(witness):
    """Fired, told to every channel, resolved, told again."""
    show(witness, "pending", "firing")
    tell(witness, "firing")
    show(witness, "resolved")
    tell(witness, "RESOLVED")

    assert witness.is_complete(NAME)


@pytest.mark.parametrize("missing", CHANNELS)
@pytest.mark.parametrize("when", ["firing", "RESOLVED"])
def test_a_channel_that_was_not_told_is_missed(witness, missing, when):
    """One silent channel, at either end, makes it incomplete."""
    others = [channel for channel in CHANNELS if channel != missing]
    show(witness, "pending", "firing")
    tell(witness, "firing", others if when == "firing" else CHANNELS)
    show(witness, "resolved")
    tell(witness, "RESOLVED", others if when == "RESOLVED" else CHANNELS)

    assert not witness.is_complete(NAME)


def test_an_alert_that_never_resolves_is_incomplete(witness):
    """Telling is not enough."""
    show(witness, "firing")
    tell(witness, "firing")
    tell(witness, "RESOLVED")

    assert not witness.is_complete(NAME)


def test_nothing_seen_is_incomplete(witness):
    """Silence is no success."""
    assert not witness.is_complete(NAME)


def test_what_was_resolved_before_is_not_news(witness, said):
    """An alert of an earlier run that is shown as resolved at first is not this run's."""
    show(witness, "resolved")

    assert said == []
    assert witness.stories == {}


def test_the_first_moment_at_which_all_is_well_is_said_once(witness, said):
    """Rates need a window to settle: until then some indicator is off."""
    unmeasured = {"verdict": "NO DATA", "warning": "no target exposes x"}
    for verdict in ("WARNING", "NO DATA", "OK", "OK", "CRITICAL", "OK"):
        kpis = [{"verdict": verdict, "warning": ""}, {"verdict": "OK", "warning": ""}, unmeasured]
        witness.hear({"kpis": kpis, "alerts": []})

    assert said == ["all 2 indicators that are measured are OK"]


def test_a_pending_alert_that_goes_may_come_again(witness, said):
    """Pending twice is said twice, when it was gone in between."""
    show(witness, "pending")
    witness.hear({"alerts": []})
    show(witness, "pending")

    assert said == [f"{NAME} (critical) is pending (value 0.8)"] * 2


def test_the_summary_shows_moments_verdicts_and_counts(witness, elapsed):
    """Everything that is printed was measured: samples, indicators, who was told when."""
    elapsed.seconds = 50
    show(witness, "pending", "firing")
    elapsed.seconds = 51
    tell(witness, "firing", ["slack"])

    text = render_summary(
        "sakshi_storage_series 12.0\nsakshi_storage_samples_appended_total 3456.0\n",
        [{"name": "cpuUtilization", "unit": "%", "target": {"text": "<70%"}}],
        [{"value": 23.456, "verdict": "OK"}],
        witness,
    )

    assert text.splitlines() == [
        "",
        "Stored: 3,456 samples of 12 series.",
        "",
        "Indicators at the end:",
        "  indicator       value    target  verdict",
        "  cpuUtilization  23.46 %  <70%    OK",
        "",
        "Alerts (mm:ss into the demo; fired, then who was told when; resolved likewise):",
        f"  {NAME} (critical)",
        "    fired     00:50   Slack 00:51",
        "    resolved  -----   ",
    ]


def test_a_summary_of_nothing_says_so(witness):
    """A demo that ended before anything fired has no empty heading."""
    text = render_summary("", [], [], witness)

    assert text.splitlines()[-1] == "  none"
