"""When a group is due: right after fresh samples, or by the clock where none come.

A rule that is evaluated just before a scrape judges data that is an interval old. So a group waits
for the burst that falls due together with it, and only for a moment:

    bursts   ┆       ┆       ┆         (none)          ┆       ┆
    group    ●───────●───────●────────┄●───────●──────┄●───────●      ● evaluation   ┄ grace
                                       by the clock     follows bursts again

A burst is one of scrapes or a push. The two have nothing to do with each other, so a group follows
one kind at a time; and however often they come, it is evaluated once in its interval.

Pure: monotonic seconds in, decisions out.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

SLACK_RATIO: Final = 0.1  # of the interval: how much too early a burst may come
SLACK_SECONDS_MAX: Final = 0.5
GRACE_RATIO: Final = 0.25  # of the interval: how long an expected burst is waited for
GRACE_SECONDS_MAX: Final = 2.0


class BurstSource(Enum):
    """Who brought the samples of a burst."""

    SCRAPES = "scrapes"
    PUSH = "push"


class GroupSchedule:
    """The evaluations of one group.

    Args:
        interval_seconds: from evaluation to evaluation.
        start: monotonic seconds; without any burst the first evaluation is one interval later.
    """

    def __init__(self, interval_seconds: float, start: float) -> None:
        self._interval = interval_seconds
        self._slack = min(interval_seconds * SLACK_RATIO, SLACK_SECONDS_MAX)
        self._grace = min(interval_seconds * GRACE_RATIO, GRACE_SECONDS_MAX)
        self._anchor = start  # the interval is counted from here
        self._has_run = False
        self._followed: BurstSource | None = None
        self.missed = 0
        """Evaluations that were skipped because the one before, or the machine, took too long."""

    def due_at(self) -> float:
        """Return the moment at which the group is evaluated if no burst comes before."""
        return self._anchor + self._interval + (self._grace if self._followed else 0.0)

    def follows(self, source: BurstSource) -> bool:
        """Tell whether bursts of this kind decide when the group is evaluated."""
        return self._followed is source

    def take_burst(self, now: float, source: BurstSource = BurstSource.SCRAPES) -> bool:
        """Tell whether a burst that has just ended makes the group due; then count it as evaluated.

        One that comes too early for that is followed from then on: the next one like it is due.
        """
        elapsed = now - self._anchor
        is_followed = self.follows(source)
        wanted = self._interval - self._slack if is_followed else self._interval / 2
        is_due = elapsed >= wanted or not self._has_run
        if is_due:
            on_time = self._anchor + self._interval
            self._take(now)
            if is_followed:  # what came too early makes the next one no earlier
                self._anchor = max(now, on_time)
        elif not is_followed:
            self._anchor = now
        self._followed = source
        return is_due

    def take_time(self, now: float) -> bool:
        """Tell whether the group is due without a burst; then count it as evaluated."""
        if now < self.due_at():
            return False
        self._take(now)
        self._followed = None
        return True

    def _take(self, now: float) -> None:
        if self._has_run:
            self.missed += max(0, int((now - self._anchor) / self._interval) - 1)
        self._has_run = True
        self._anchor = now
