"""Posting JSON to a receiver, and what its answer means.

The transport is used without a client around it: it follows no redirect, keeps no cookie, takes no
proxy from the environment, and writes no log line with the URL, which for a webhook is the secret.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import orjson

from sakshi.alerting.errors import RefusedError, RetryableError
from sakshi.alerting.plain import cut, one_line
from sakshi.alerting.secret import HIDDEN, Secret

ANSWER_BYTES_MAX: Final = 4096
"""Read of an answer; the rest is left."""

PHASE_TIMEOUT_SECONDS: Final = 10.0
"""To connect, to write, to read the next bytes. The dispatcher limits the whole."""

SECRET_CHARACTERS_MIN: Final = 8
"""A part of a URL's path or query that is shorter is no secret: `hook`, `v2`."""

_RETRYABLE: Final = frozenset({408, 425, 429})


@dataclass(frozen=True)
class Answer:
    """What a receiver said.

    Args:
        text: the beginning of the body, on one line; secrets are hidden.
        is_json: whether the receiver calls it JSON.
        body: the beginning of the body, as it came.
    """

    status: int
    text: str
    is_json: bool
    body: bytes


async def post_json(
    transport: httpx2.AsyncBaseTransport,
    url: Secret,
    payload: Any,
    *,
    headers: Mapping[str, str] | None = None,
    secrets: tuple[Secret, ...] = (),
) -> Answer:
    """Send a JSON document, and return the answer of a receiver that accepted it.

    Args:
        transport: owned by the caller.
        url: whole or in part a secret; a user and password in it become basic authentication.
        payload: what `encode_json` takes, or bytes that are JSON.
        headers: beside those that every request has.
        secrets: values beside the URL that an error must not show.

    Raises:
        RetryableError: no connection, no answer, 408, 425, 429 (with its Retry-After), 5xx.
        RefusedError: any other status than 2xx, and a URL that is none.
    """
    request = _request(url, payload, headers or {})
    try:
        response = await transport.handle_async_request(request)
        try:
            body = await _read_beginning(response)
        finally:
            await response.aclose()
    except httpx2.TransportError as error:
        reason = _hide(f"{type(error).__name__}: {error}", url, *secrets)
        raise RetryableError(reason.removesuffix(": ")) from None
    text = _hide(cut(one_line(body.decode("utf-8", "replace")), 300), url, *secrets)
    is_json = response.headers.get("content-type", "").startswith("application/json")
    if not response.is_success:
        raise _refusal(response, text)
    return Answer(response.status_code, text, is_json, body)


def encode_json(payload: Any) -> bytes:
    r"""Return a document of mappings, lists, texts and numbers as JSON.

    Example:
        >>> encode_json({"a": "\u00fc"}), encode_json({"a": "\ud800"})
        (b'{"a":"\xc3\xbc"}', b'{"a": "\\ud800"}')
    """
    try:
        return orjson.dumps(payload)
    except orjson.JSONEncodeError:  # half a surrogate pair, which is no UTF-8 but can be escaped
        return json.dumps(payload).encode()


def _request(url: Secret, payload: Any, headers: Mapping[str, str]) -> httpx2.Request:
    try:
        target = httpx2.URL(url.reveal())
    except (httpx2.InvalidURL, ValueError):
        raise RefusedError("the URL is none") from None
    if target.scheme not in ("http", "https") or not target.host:
        raise RefusedError("the URL is none of http or https")
    timeout = httpx2.Timeout(PHASE_TIMEOUT_SECONDS)
    return httpx2.Request(
        "POST",
        target,
        content=payload if isinstance(payload, bytes) else encode_json(payload),
        headers={
            "Content-Type": "application/json",
            "Accept": "application/json, text/plain",
            "Accept-Encoding": "identity",
            "User-Agent": "sakshi",
            **_authorization(target),
            **headers,
        },
        extensions={"timeout": timeout.as_dict()},
    )


def _authorization(url: httpx2.URL) -> dict[str, str]:
    if not url.userinfo:
        return {}
    credentials = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    return {"Authorization": f"Basic {credentials}"}


async def _read_beginning(response: httpx2.Response) -> bytes:
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    body = b""
    async for part in response.stream:
        body += part
        if len(body) >= ANSWER_BYTES_MAX:
            break
    return body[:ANSWER_BYTES_MAX]


def _refusal(response: httpx2.Response, text: str) -> RetryableError | RefusedError:
    status = response.status_code
    reason = f"status {status}" + (f": {text}" if text else "")
    if status in _RETRYABLE or status >= 500:
        return RetryableError(reason, _retry_after_seconds(response))
    return RefusedError(reason)


def _retry_after_seconds(response: httpx2.Response) -> float | None:
    """Return the header's seconds; a date is not honoured, as it needs the receiver's clock."""
    value = response.headers.get("retry-after", "").strip()
    return float(value) if value.isascii() and value.isdecimal() else None


def _hide(text: str, url: Secret, *secrets: Secret) -> str:
    """Return a text without the URL, the longer parts of its path, and the other secrets."""
    for secret in (url, *secrets):
        text = secret.hide_in(text)
    _, _, path = url.reveal().partition("://")[2].partition("/")
    for part in re.split(r"[/?&=]", path):
        if len(part) >= SECRET_CHARACTERS_MIN:
            text = text.replace(part, HIDDEN)
    return text
