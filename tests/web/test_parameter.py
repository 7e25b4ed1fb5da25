from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.types import Message

from sakshi.web import ApiError, ErrorKind
from sakshi.web.parameter import parse_step, parse_time, read_parameters

FORM = [(b"content-type", b"application/x-www-form-urlencoded")]


def make_request(query: bytes, *messages: Message) -> Request:
    """Return a form request whose body comes in these messages."""
    waiting = iter(messages)

    async def receive() -> Message:
        return next(waiting)

    scope = {"type": "http", "method": "POST", "headers": FORM, "query_string": query}
    return Request(scope, receive)


def part(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_parameters_come_from_body_and_url() -> None:
    """The body's come first; an escape that is no UTF-8 is replaced, never an error."""
    request = make_request(b"a=3&c=%ff", part(b"a=1&", more=True), part(b"a=2&b="))

    parameters = await read_parameters(request)

    assert list(parameters.texts("a")) == ["1", "2", "3"]
    assert [parameters.text(name) for name in "abcd"] == ["1", "", "\N{REPLACEMENT CHARACTER}", ""]


async def test_url_of_more_than_a_megabyte_is_refused() -> None:
    """A URL is bounded as a body is."""
    with pytest.raises(ApiError) as caught:
        await read_parameters(make_request(b"x" * (1 << 20) + b"x", part(b"")))

    assert caught.value.kind is ErrorKind.TOO_LARGE


async def test_client_that_leaves_early_is_no_defect() -> None:
    """Half a body is no parameter."""
    request = make_request(b"", part(b"a=1", more=True), {"type": "http.disconnect"})

    with pytest.raises(ApiError, match="the client left before its body was complete"):
        await read_parameters(request)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0", 0),
        ("1700000000", 1_700_000_000_000),
        ("1700000000.1234", 1_700_000_000_123),
        ("1.7e9", 1_700_000_000_000),
        ("-1.5", -1500),
        ("2023-11-14T22:13:20Z", 1_700_000_000_000),
        ("2023-11-14T22:13:20.123456789Z", 1_700_000_000_123),
        ("2023-11-15T03:43:20+05:30", 1_700_000_000_000),
        ("1969-12-31T23:59:59.999z", -1),
    ],
)
def test_moment_is_seconds_or_rfc_3339(text: str, milliseconds: int) -> None:
    """Both notations give milliseconds since the epoch."""
    assert parse_time(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "nan",
        "inf",
        "1e300",
        "1_000",
        " 1",
        "0x10",
        "\N{ARABIC-INDIC DIGIT ONE}",
        "2023-11-14",
        "2023-11-14T22:13:20",
        "2023-13-14T22:13:20Z",
        "0000-01-01T00:00:00Z",
        "2023-11-14T22:13:20+99:99",
    ],
)
def test_other_moments_are_refused(text: str) -> None:
    """What Python would read, but Prometheus would not, is refused too."""
    with pytest.raises(ValueError, match="to a valid timestamp") as caught:
        parse_time(text)

    assert str(caught.value) == f'cannot parse "{text}" to a valid timestamp'


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("15", 15_000.0), ("0.5", 500.0), ("1m30s", 90_000.0), ("-1", -1000)]
)
def test_duration_is_seconds_or_prometheus_notation(text: str, milliseconds: float) -> None:
    """Both notations give milliseconds."""
    assert parse_step(text) == milliseconds


@pytest.mark.parametrize("text", ["", "x", "1 m", "m1", "nan", "30s1m"])
def test_other_durations_are_refused(text: str) -> None:
    """A text that is no duration is named."""
    with pytest.raises(ValueError, match="to a valid duration") as caught:
        parse_step(text)

    assert str(caught.value) == f'cannot parse "{text}" to a valid duration'


def test_duration_without_end_is_refused() -> None:
    """A number of seconds that no clock reaches is an error of its own, as in Prometheus."""
    with pytest.raises(ValueError, match="overflows"):
        parse_step("1e300")
