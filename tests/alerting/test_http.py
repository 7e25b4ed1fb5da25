from __future__ import annotations

import httpx2
import pytest
from tests.alerting.loopback import HttpReceiver, Reply

from sakshi.alerting import RefusedError, RetryableError, Secret
from sakshi.alerting.http import ANSWER_BYTES_MAX, post_json


@pytest.mark.parametrize(
    ("reply", "error", "reason", "after_seconds"),
    [
        pytest.param(Reply(408, ""), RetryableError, "status 408", None, id="timeout"),
        pytest.param(
            Reply(429, "later", [("Retry-After", "30")]),
            RetryableError,
            "status 429: later",
            30.0,
            id="too many requests, with a time",
        ),
        pytest.param(
            Reply(429, "", [("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT")]),
            RetryableError,
            "status 429",
            None,
            id="too many requests, with a date",
        ),
        pytest.param(
            Reply(429, "", [("Retry-After", "-1")]),
            RetryableError,
            "status 429",
            None,
            id="nonsense",
        ),
        pytest.param(
            Reply(503, "a\r\n\x07b", [("Retry-After", "5")]),
            RetryableError,
            "status 503: a b",
            5.0,
            id="unavailable, with control characters",
        ),
        pytest.param(Reply(400, "no"), RefusedError, "status 400: no", None, id="bad request"),
        pytest.param(Reply(404, ""), RefusedError, "status 404", None, id="not found"),
        pytest.param(Reply(413, ""), RefusedError, "status 413", None, id="too large"),
        pytest.param(
            Reply(307, "", [("Location", "/")]), RefusedError, "status 307", None, id="a redirect"
        ),
    ],
)
async def test_a_status_says_whether_to_try_again(
    http: HttpReceiver,
    transport: httpx2.AsyncHTTPTransport,
    reply: Reply,
    error: type[RetryableError | RefusedError],
    reason: str,
    after_seconds: float | None,
) -> None:
    """Later, perhaps: 408, 425, 429, 5xx. Never: everything else but 2xx."""
    http.script.append(reply)

    with pytest.raises(error) as failure:
        await post_json(transport, Secret(f"{http.url}/hook"), {})

    assert str(failure.value) == reason
    assert getattr(failure.value, "after_seconds", None) == after_seconds


async def test_an_answer_without_end_is_read_to_its_limit(
    http: HttpReceiver, transport: httpx2.AsyncHTTPTransport
) -> None:
    """A receiver cannot fill our memory."""
    http.script.append(Reply(200, "x" * 10_000_000))

    answer = await post_json(transport, Secret(http.url), {})

    assert len(answer.body) == ANSWER_BYTES_MAX


async def test_secrets_that_a_receiver_repeats_are_hidden(
    http: HttpReceiver, transport: httpx2.AsyncHTTPTransport
) -> None:
    """The URL, the parts of its path, and what else is secret."""
    url = f"{http.url}/services/T0/XXXXYYYYZZZZ"
    http.script.append(Reply(400, f"{url} XXXXYYYYZZZZ the-key"))

    with pytest.raises(RefusedError) as refusal:
        await post_json(transport, Secret(url), {}, secrets=(Secret("the-key"),))

    assert str(refusal.value) == "status 400: <secret> <secret> <secret>"
