"""What the demo saw: alerts, as sakshi's live messages tell them, and what receivers were sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

CHANNELS: Final = ("email", "slack", "pagerduty")
CHANNEL_TITLES: Final = {"email": "e-mail", "slack": "Slack", "pagerduty": "PagerDuty"}
MESSAGE_BYTES_MAX: Final = 8 << 20


@dataclass(frozen=True)
class Received:
    """A notification that a local receiver was sent, `at` seconds into the demo."""

    kind: str
    summary: str
    at: float
    is_resolved: bool
    alert_names: Sequence[str]


@dataclass
class AlertStory:
    """What became of one alert; moments are seconds into the demo."""

    name: str
    severity: str = ""
    fired_at: float | None = None
    resolved_at: float | None = None


@dataclass
class Witness:
    """Follows a running sakshi and its receivers, and prints what changes.

    Args:
        elapsed: gives the seconds since the demo began.
        say: prints a line.
        alert_names: names that may occur in what receivers are sent.
    """

    elapsed: Callable[[], float]
    say: Callable[[str], None]
    stories: dict[str, AlertStory] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    was_well: bool = False

    async def follow(self, url: str) -> None:
        """Read sakshi's live messages until it goes away."""
        try:
            async with connect(url, max_size=MESSAGE_BYTES_MAX, proxy=None) as socket:
                async for message in socket:
                    self.hear(json.loads(message))
        except (OSError, WebSocketException):
            return  # it stops, and whoever watches its process says so

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take in one live message."""
        if not self.was_well and (count := count_well(message)):
            self.was_well = True
            self.say(f"all {count} indicators that are measured are OK")
        for alert in message.get("alerts", ()):
            key, state = alert["fingerprint"], alert["state"]
            if self.states.get(key) == state:
                continue
            known = key in self.states
            self.states[key] = state
            if state == "resolved" and not known:
                continue  # from before we looked
            self._note(alert["name"], alert["severity"], state, alert["value"])
        alive = {alert["fingerprint"] for alert in message.get("alerts", ())}
        for key in [key for key, state in self.states.items() if state == "pending"]:
            if key not in alive:
                del self.states[key]

    def receive(self, kind: str, summary: str, payload: Mapping[str, Any], _at_ms: int) -> None:
        """Take in what a local receiver was sent, and print it."""
        text = json.dumps(payload)
        self.received.append(
            Received(
                kind,
                summary,
                self.elapsed(),
                is_resolved="resolve" in summary.lower(),
                alert_names=[name for name in self.stories if name in text],
            )
        )
        self.say(f"  → {CHANNEL_TITLES.get(kind, kind)}: {shorten(summary)}")

    def told(self, name: str, kind: str, *, resolved: bool) -> float | None:
        """Return when a channel was first told of an alert's firing or resolution; None: never."""
        moments = [
            item.at
            for item in self.received
            if item.kind == kind and item.is_resolved is resolved and name in item.alert_names
        ]
        return min(moments, default=None)

    def is_complete(self, name: str) -> bool:
        """Tell whether an alert fired, was told to every channel, and the same for its end."""
        story = self.stories.get(name)
        return (
            story is not None
            and story.resolved_at is not None
            and all(
                self.told(name, kind, resolved=resolved) is not None
                for kind in CHANNELS
                for resolved in (False, True)
            )
        )

    def _note(self, name: str, severity: str, state: str, value: float | None) -> None:
        story = self.stories.setdefault(name, AlertStory(name, severity))
        if state == "firing":
            story.fired_at = story.fired_at or self.elapsed()
        if state == "resolved":
            story.resolved_at = self.elapsed()
        shown = "" if value is None or state == "resolved" else f" (value {value:.4g})"
        self.say(f"{name} ({severity or 'no severity'}) is {state}{shown}")


def count_well(message: Mapping[str, Any]) -> int:
    """Return how many KPIs are OK where all are that have their metric; else 0.

    Example:
        >>> missing = {"verdict": "NO DATA", "warning": "no target exposes x"}
        >>> count_well({"kpis": [{"verdict": "OK"}, missing]})
        1
    """
    measured = [kpi["verdict"] for kpi in message.get("kpis", ()) if not kpi.get("warning")]
    return len(measured) if set(measured) == {"OK"} else 0


def shorten(text: str, length_max: int = 150) -> str:
    """Return a text cut to a line's length."""
    return text if len(text) <= length_max else text[: length_max - 1] + "…"
