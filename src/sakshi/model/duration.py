"""Durations as Prometheus writes them: `30s`, `1h30m`, `15d`, `100y`."""

from __future__ import annotations

import re
from typing import Final

from sakshi.model.errors import SakshiError

UNIT_MS: Final = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1000,
    "ms": 1,
}
DURATION_MS_MAX: Final = 2**63 // 1_000_000  # Go's int64 nanoseconds: about 292 years

_COUNT: Final = r"0*(\d{1,19})"  # nothing above 19 digits is below 292 years, in any unit
_DURATION: Final = re.compile("".join(f"(?:{_COUNT}{unit})?" for unit in UNIT_MS), re.ASCII)


class InvalidDurationError(SakshiError):
    """A text that is no duration; the message says what one looks like."""


def parse_duration(text: str) -> int:
    """Return a duration in milliseconds.

    Raises:
        InvalidDurationError: the text is empty, has a unit twice or out of order, or is longer
            than 292 years.

    Source:
        prometheus/common model/time.go, ParseDuration.

    Example:
        >>> parse_duration("1h30m"), parse_duration("0")
        (5400000, 0)
    """
    if text == "0":
        return 0
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise InvalidDurationError(f'expected a duration like "30s" or "1h30m", found "{text}"')
    total = sum(
        int(count) * scale
        for count, scale in zip(match.groups(), UNIT_MS.values(), strict=True)
        if count is not None
    )
    if total > DURATION_MS_MAX:
        raise InvalidDurationError(f'expected a duration below 292 years, found "{text}"')
    return total


def format_duration(duration_ms: int) -> str:
    """Return a duration in the shortest form that `parse_duration` reads back.

    Weeks and years are used only where nothing is left over, as Prometheus does.

    Example:
        >>> format_duration(5_400_000), format_duration(0), format_duration(604_800_000)
        ('1h30m', '0s', '1w')
    """
    if duration_ms == 0:
        return "0s"
    parts, rest = [], abs(duration_ms)
    for unit, scale in UNIT_MS.items():
        if unit in ("y", "w") and rest % scale:
            continue
        count, rest = divmod(rest, scale)
        if count:
            parts.append(f"{count}{unit}")
    return ("-" if duration_ms < 0 else "") + "".join(parts)
