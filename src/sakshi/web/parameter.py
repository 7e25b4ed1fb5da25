"""Request parameters: read from URL and form body, parsed as Prometheus parses them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from sakshi.model.duration import InvalidDurationError, parse_duration
from sakshi.web.body import read_body
from sakshi.web.errors import ApiError, ErrorKind

PARAMETER_BYTES_MAX: Final = 1 << 20  # a query is at most 10 KB; selectors may be many
FIELDS_MAX: Final = 10_000
TIME_MS_MAX: Final = 1 << 53  # 285,000 years: beyond, a JSON number loses milliseconds
TIMEOUT_SECONDS_MAX: Final = 120.0  # Prometheus' --query.timeout

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_RFC3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


class Parameters:
    """The parameters of one request, by name; unknown ones are nobody's concern."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def text(self, name: str) -> str:
        """Return the first value of a parameter; empty where there is none."""
        return self._values.get(name, [""])[0]

    def texts(self, name: str) -> Sequence[str]:
        """Return all values of a repeated parameter, such as `match[]`."""
        return self._values.get(name, ())

    def time_ms(self, name: str, default_ms: int | None = None) -> int:
        """Return a moment in milliseconds since the epoch.

        Raises:
            ApiError: it is no moment, or absent where there is no default.
        """
        text = self.text(name)
        if not text and default_ms is not None:
            return default_ms
        try:
            return parse_time(text)
        except ValueError as error:
            raise invalid_parameter(name, str(error)) from None

    def duration_ms(self, name: str) -> float:
        """Return a duration in milliseconds; may be zero or negative.

        Raises:
            ApiError: it is no duration, or absent.
        """
        try:
            return parse_step(self.text(name))
        except ValueError as error:
            raise invalid_parameter(name, str(error)) from None

    def timeout_seconds(self) -> float:
        """Return the deadline that `timeout` asks for, at most 120 s.

        Raises:
            ApiError: it is no duration.
        """
        if not self.text("timeout"):
            return TIMEOUT_SECONDS_MAX
        return min(self.duration_ms("timeout") / 1000, TIMEOUT_SECONDS_MAX)

    def limit(self, name: str = "limit") -> int:
        """Return how many results `limit` allows; 0: as many as there are.

        Raises:
            ApiError: it is no whole number, or negative.
        """
        number = self._whole(name, 0)
        if number < 0:
            raise invalid_parameter(name, f"{name} must be non-negative")
        return number

    def bound(self, name: str) -> int | None:
        """Return how many results a parameter allows, none for 0; None: as many as there are.

        Raises:
            ApiError: it is no whole number.
        """
        number = self._whole(name, -1)
        return None if number < 0 else number

    def _whole(self, name: str, default: int) -> int:
        text = self.text(name)
        if not text:
            return default
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
            raise invalid_parameter(name, f'cannot parse "{text}" to a whole number')
        return int(text)


async def read_parameters(request: Request) -> Parameters:
    """Return the parameters of a request: those of a form body first, then those of the URL.

    Raises:
        ApiError: too many, or more than 1 MB of them.
    """
    query: bytes = request.scope["query_string"]
    form = b""
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form = await read_body(request, PARAMETER_BYTES_MAX)
    if len(query) > PARAMETER_BYTES_MAX:
        raise ApiError(ErrorKind.TOO_LARGE, f"more than {PARAMETER_BYTES_MAX} bytes of parameters")
    try:
        pairs = [
            pair
            for part in (form, query)
            for pair in parse_qsl(
                part.decode(errors="replace"), keep_blank_values=True, max_num_fields=FIELDS_MAX
            )
        ]
    except ValueError:
        raise ApiError(ErrorKind.BAD_DATA, f"more than {FIELDS_MAX} parameters") from None
    return Parameters(pairs)


def required_query(parameters: Parameters) -> str:
    """Return `query`.

    Raises:
        ApiError: there is none.
    """
    query = parameters.text("query")
    if not query.strip():
        raise invalid_parameter("query", "expected a PromQL expression, found nothing")
    return query


def invalid_parameter(name: str, reason: str) -> ApiError:
    """Return the error for a parameter that cannot be used."""
    return ApiError(ErrorKind.BAD_DATA, f'invalid parameter "{name}": {reason}')


def parse_time(text: str) -> int:
    """Return a moment, given as seconds since the epoch or as RFC 3339, in milliseconds.

    Raises:
        ValueError: it is neither, or lies more than 285,000 years away.

    Source:
        prometheus/prometheus web/api/v1/api.go, parseTime.

    Example:
        >>> parse_time("1700000000.123"), parse_time("2023-11-14T23:13:20.5+01:00")
        (1700000000123, 1700000000500)
    """
    refusal = ValueError(f'cannot parse "{text}" to a valid timestamp')
    if _NUMBER.fullmatch(text):
        milliseconds = float(text) * 1000
        if not abs(milliseconds) <= TIME_MS_MAX:
            raise refusal
        return round(milliseconds)
    if not _RFC3339.fullmatch(text):
        raise refusal
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise refusal from None
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def parse_step(text: str) -> float:
    """Return a duration, given in seconds or as Prometheus writes it, in milliseconds.

    Raises:
        ValueError: it is neither, or longer than 292 years.

    Source:
        prometheus/prometheus web/api/v1/api.go, parseDuration.

    Example:
        >>> parse_step("0.5"), parse_step("1m30s")
        (500.0, 90000.0)
    """
    if _NUMBER.fullmatch(text):
        milliseconds = float(text) * 1000
        if not abs(milliseconds) <= TIME_MS_MAX:
            raise ValueError(f'cannot parse "{text}" to a valid duration. It overflows int64')
        return milliseconds
    try:
        return float(parse_duration(text))
    except InvalidDurationError:
        raise ValueError(f'cannot parse "{text}" to a valid duration') from None
