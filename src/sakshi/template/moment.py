"""A moment as templates see it: Go's `time.Time`, with the methods that people use on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sakshi.template.errors import FunctionError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Moment:
    """A moment in a zone. Methods have Go's names: templates call them.

    Example:
        >>> moment = Moment.from_ms(1_700_000_000_120)
        >>> str(moment), moment.Format("2 Jan 2006 15:04")
        ('2023-11-14 22:13:20.12 +0000 UTC', '14 Nov 2023 22:13')
    """

    time: datetime

    @classmethod
    def from_ms(cls, timestamp_ms: int) -> Moment:
        """Return the moment of a timestamp: milliseconds since the epoch, shown in UTC.

        Raises:
            FunctionError: before the year 1 or after the year 9999.
        """
        try:
            return cls(_EPOCH + timedelta(milliseconds=timestamp_ms))
        except OverflowError:
            raise FunctionError(f"no year from 1 to 9999 holds {timestamp_ms} ms") from None

    def Format(self, layout: str) -> str:  # Go's name, which templates use
        """Return the moment written as `Mon Jan 2 15:04:05 MST 2006` is in the layout."""
        return _LAYOUT.sub(lambda match: _element(match[0], self.time), layout)

    def Unix(self) -> int:
        """Return the seconds since the epoch, rounded down."""
        return (self.time - _EPOCH) // timedelta(seconds=1)

    def UnixMilli(self) -> int:
        """Return the milliseconds since the epoch, rounded down."""
        return (self.time - _EPOCH) // timedelta(milliseconds=1)

    def UTC(self) -> Moment:
        """Return the same moment in UTC."""
        return Moment(self.time.astimezone(UTC))

    def IsZero(self) -> bool:
        """Tell whether this is Go's zero time, the first moment of the year 1."""
        return self == ZERO_MOMENT

    def in_zone(self, zone: str) -> Moment:
        """Return the same moment in a zone of the IANA database.

        Raises:
            FunctionError: there is no such zone.
        """
        try:
            return Moment(self.time.astimezone(ZoneInfo(zone)))
        except (ZoneInfoNotFoundError, ValueError, OverflowError, OSError):
            raise FunctionError(f'there is no time zone "{zone}"') from None

    def __str__(self) -> str:
        return self.Format("2006-01-02 15:04:05.999999999 -0700 MST")


ZERO_MOMENT: Final = Moment(datetime(1, 1, 1, tzinfo=UTC))
"""Go's zero time: the `EndsAt` of an alert that is firing."""


def _offset(time: datetime, form: str) -> str:
    offset = time.utcoffset() or timedelta()
    if form.startswith("Z") and not offset:
        return "Z"
    minutes = int(abs(offset).total_seconds()) // 60
    sign, colon = "-" if offset < timedelta() else "+", ":" if ":" in form else ""
    rest = "" if form.endswith("07") else f"{colon}{minutes % 60:02d}"
    return f"{sign}{minutes // 60:02d}{rest}"


def _element(form: str, time: datetime) -> str:
    if form[0] in ".,":
        digits = f"{time.microsecond:06d}000"[: len(form) - 1]
        shown = digits.rstrip("0") if form[1] == "9" else digits
        return form[0] + shown if shown else ""
    return _ELEMENTS[form](time)


_ELEMENTS: Final[dict[str, Callable[[datetime], str]]] = {
    "January": lambda time: time.strftime("%B"),
    "Monday": lambda time: time.strftime("%A"),
    "Z07:00": lambda time: _offset(time, "Z07:00"),
    "-07:00": lambda time: _offset(time, "-07:00"),
    "Z0700": lambda time: _offset(time, "Z0700"),
    "-0700": lambda time: _offset(time, "-0700"),
    "2006": lambda time: f"{time.year:04d}",
    "Jan": lambda time: time.strftime("%b"),
    "Mon": lambda time: time.strftime("%a"),
    "MST": lambda time: time.tzname() or _offset(time, "-07"),
    "-07": lambda time: _offset(time, "-07"),
    "002": lambda time: f"{time.timetuple().tm_yday:03d}",
    "PM": lambda time: "PM" if time.hour >= 12 else "AM",
    "pm": lambda time: "pm" if time.hour >= 12 else "am",
    "01": lambda time: f"{time.month:02d}",
    "02": lambda time: f"{time.day:02d}",
    "_2": lambda time: f"{time.day:2d}",
    "03": lambda time: f"{(time.hour + 11) % 12 + 1:02d}",
    "04": lambda time: f"{time.minute:02d}",
    "05": lambda time: f"{time.second:02d}",
    "06": lambda time: f"{time.year % 100:02d}",
    "15": lambda time: f"{time.hour:02d}",
    "1": lambda time: str(time.month),
    "2": lambda time: str(time.day),
    "3": lambda time: str((time.hour + 11) % 12 + 1),
    "4": lambda time: str(time.minute),
    "5": lambda time: str(time.second),
}  # longest first: the first that fits is taken
_LAYOUT: Final = re.compile(r"[.,](?:0+|9+)(?!\d)|" + "|".join(_ELEMENTS))
