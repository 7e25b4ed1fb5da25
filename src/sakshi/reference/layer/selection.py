"""The third layer: which providers are asked, by how they did lately.

Idea: the first choice is drawn with weights: fast and reliable providers often, the others now and
then. To learn how a bad provider is doing without making users wait for it, a share of the messages
also goes to a second provider, drawn evenly from the rest: it adds to a good answer, and where it
fails nobody notices but the metrics.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

CALLS_KEPT = 50  # the last calls of a provider that count
FIRST_SHARE_MIN = 0.05  # of the first choices, however badly a provider does
SECOND_SHARE = 0.5  # of the messages
SECONDS_UNKNOWN = 0.5  # taken for a provider that was not asked yet
SUCCESS_SHARE_MIN = 0.05  # so that a score stays finite


class Plan(NamedTuple):
    """Whom to ask.

    Args:
        order: all providers by name; the first is asked, the others stand by in this order.
        second: one of the others that is asked too, at once; or None.
    """

    order: tuple[str, ...]
    second: str | None


class ProviderHistory:
    """The last calls of one provider."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=CALLS_KEPT)
        self._successes: deque[bool] = deque(maxlen=CALLS_KEPT)

    def answered(self, seconds: float) -> None:
        """Note an answer that took so long."""
        self._seconds.append(seconds)
        self._successes.append(True)

    def failed(self, seconds: float | None = None) -> None:
        """Note a failure; with its time where it was a timeout."""
        if seconds is not None:
            self._seconds.append(seconds)
        self._successes.append(False)

    @property
    def mean_seconds(self) -> float:
        """Return the mean time of the last answers and timeouts."""
        if not self._seconds:
            return SECONDS_UNKNOWN
        return sum(self._seconds) / len(self._seconds)

    @property
    def success_share(self) -> float:
        """Return the share of the last calls that succeeded; 1 before the first."""
        if not self._successes:
            return 1.0
        return sum(self._successes) / len(self._successes)

    @property
    def score(self) -> float:
        """Return the seconds that an answer costs, failures counted in: less is better."""
        return self.mean_seconds / max(self.success_share, SUCCESS_SHARE_MIN) ** 2


class Selection:
    """Chooses providers.

    Args:
        names: the providers that there are; at least one.
        chance: where the draws come from.
    """

    def __init__(self, names: Sequence[str], chance: random.Random) -> None:
        assert names, "there is at least one provider"
        self.histories = {name: ProviderHistory() for name in names}
        self._chance = chance

    def select(self) -> Plan:
        """Return whom to ask for the next message."""
        names = list(self.histories)
        first = self._chance.choices(names, self._weights())[0]
        others = sorted(
            (name for name in names if name != first), key=lambda n: self.histories[n].score
        )
        wanted = bool(others) and self._chance.random() < SECOND_SHARE
        return Plan((first, *others), self._chance.choice(others) if wanted else None)

    def _weights(self) -> list[float]:
        raw = [1 / history.score**2 for history in self.histories.values()]
        return [max(weight / sum(raw), FIRST_SHARE_MIN) for weight in raw]
