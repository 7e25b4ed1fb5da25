"""What happens in the demo, and when: a provider slows down, fails, and recovers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx2

from sakshi.model.clock import Clock

PROVIDER: Final = "venice"
ALERT: Final = "AIIntegrationFailure"
CALM_SECONDS: Final = 30.0
REPEAT_SECONDS: Final = 180.0
CALM: Final = "recovers"


@dataclass(frozen=True)
class Act:
    """One change of the provider.

    Args:
        at_seconds: after the incident's begin.
        says: what the terminal says of it, behind the provider's name.
        behaviour: what the stand-in is told.
    """

    at_seconds: float
    says: str
    behaviour: Mapping[str, float]


ACTS: Final = (
    Act(0.0, "slows down: answers take 5 times as long", {"latency_factor": 5.0}),
    Act(6.0, "fails: 9 of 10 requests are refused", {"latency_factor": 5.0, "error_rate": 0.9}),
    Act(38.0, CALM, {"latency_factor": 1.0, "error_rate": 0.0}),
)


async def play(control_url: str, clock: Clock, say: Callable[[str], None], *, repeat: bool) -> None:
    """Let the provider fail and recover: once, or again and again.

    Args:
        control_url: of the stand-in.
        clock: of the acts.
        say: prints a line.
        repeat: whether it fails again every three minutes.
    """
    await clock.sleep(CALM_SECONDS)
    async with httpx2.AsyncClient(trust_env=False) as http:
        while True:
            begin = clock.monotonic()
            for act in ACTS:
                await clock.sleep(begin + act.at_seconds - clock.monotonic())
                (await http.post(control_url, json=dict(act.behaviour))).raise_for_status()
                say(f"{PROVIDER} {act.says}")
            if not repeat:
                return
            await clock.sleep(begin + REPEAT_SECONDS - clock.monotonic())
