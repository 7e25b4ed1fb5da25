"""How long to wait before a receiver is tried again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

BACKOFF_BASE_SECONDS: Final = 1.0
BACKOFF_MAX_SECONDS: Final = 60.0  # a receiver that comes back is told within a minute
RETRY_AFTER_MAX_SECONDS: Final = 3600.0  # a receiver that asks for longer is asked again by then
GIVE_UP_AFTER_MS: Final = 24 * 3_600_000


def backoff_seconds(
    attempts: int, random: Callable[[], float], after_seconds: float | None = None
) -> float:
    """Return how long to wait after so many failed attempts.

    It doubles from one second to one minute, less a random part of up to a half, so that what
    failed together is not tried again together.

    Args:
        attempts: at least 1.
        random: returns a number in [0, 1).
        after_seconds: what the receiver asked for (Retry-After); the wait is never shorter, up to
            one hour.

    Example:
        >>> [backoff_seconds(attempts, lambda: 0.0) for attempts in (1, 2, 3, 7, 5000)]
        [1.0, 2.0, 4.0, 60.0, 60.0]
        >>> backoff_seconds(1, lambda: 0.5), backoff_seconds(1, lambda: 0.0, 30.0)
        (0.75, 30.0)
    """
    assert attempts >= 1
    doublings = min(attempts - 1, 10)  # past the maximum already
    wait = min(BACKOFF_MAX_SECONDS, BACKOFF_BASE_SECONDS * 2.0**doublings)
    jittered = wait * (1 - random() / 2)
    return max(jittered, min(after_seconds or 0.0, RETRY_AFTER_MAX_SECONDS))
