"""Posts requests to one remote, over connections that are kept.

Whatever goes wrong before there is an answer becomes a `ScrapeError`, whose message is one sentence
for people. Redirects are not followed: an answer is an answer.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

from sakshi import __version__
from sakshi.remote_write.config import RemoteWriteConfig
from sakshi.scrape.connect import connect
from sakshi.scrape.connection import Connection, HttpResponse
from sakshi.scrape.credentials import header_line
from sakshi.scrape.errors import ClosedConnectionError, ScrapeError
from sakshi.scrape.failure import describe_failure
from sakshi.scrape.oauth2 import TokenSource

ANSWER_BYTES_MAX: Final = 1 << 20
WORDS_MAX: Final = 256  # of an answer that are logged; Prometheus' bound
RETRY_AFTER_MAX_SECONDS: Final = 3600.0  # a remote that asks for longer is asked again by then

_FIXED: Final = (
    "Content-Type: application/x-protobuf",
    "Content-Encoding: snappy",
    "X-Prometheus-Remote-Write-Version: 0.1.0",
    f"User-Agent: sakshi/{__version__}",
)


@dataclass(frozen=True)
class Answer:
    """What a remote said.

    Args:
        words: the beginning of the body, on one line.
        retry_after_seconds: when to ask again; None where it does not say.
    """

    status: int
    words: str = ""
    retry_after_seconds: float | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether the samples are there."""
        return 200 <= self.status < 300

    def is_refused(self, *, retries_429: bool) -> bool:
        """Tell whether a repetition is of no use."""
        if self.status == 429:
            return not retries_429 and self.retry_after_seconds is None
        return 400 <= self.status < 500

    def __str__(self) -> str:
        return f"status {self.status}" + (f": {self.words}" if self.words else "")


class Poster(Protocol):
    """Posts bodies to one remote."""

    async def post(self, body: bytes) -> Answer:
        """Return the answer to a body.

        Raises:
            ScrapeError: there was none.
        """

    def close(self) -> None:
        """Close all connections; a later request opens another."""


class WriteClient:
    """A `Poster` over HTTP/1.1.

    Args:
        config: of the remote.
        make_tls: called for `https`.
        tokens: has the token that the remote wants to see; None: it wants none.
    """

    def __init__(
        self,
        config: RemoteWriteConfig,
        make_tls: Callable[[], ssl.SSLContext],
        tokens: TokenSource | None = None,
    ) -> None:
        self._config = config
        self._tokens = tokens
        self._url = urlsplit(config.url)
        self._make_tls = make_tls
        self._timeout_seconds = config.timeout_ms / 1000
        self._idle: list[Connection] = []

    async def post(self, body: bytes) -> Answer:
        """Return the answer to a body: see `Poster`."""
        try:
            async with asyncio.timeout(self._timeout_seconds) as deadline:
                token = await self._tokens.get() if self._tokens is not None else ""
                response = await self._exchange(self._render(len(body), token) + body)
        except TimeoutError as error:
            if deadline.expired():
                raise ScrapeError(f"timed out after {self._timeout_seconds:g} s") from error
            raise ScrapeError(describe_failure(error)) from error
        except OSError as error:
            raise ScrapeError(describe_failure(error)) from error
        except UnicodeError as error:  # a label of more than 63 characters
            raise ScrapeError("host name is not resolved: not a host name") from error
        text = response.body[: 4 * WORDS_MAX].decode("utf-8", "replace")
        words = " ".join(text.split())[:WORDS_MAX]
        return Answer(response.status, words, _retry_after(response))

    def close(self) -> None:
        """Close all connections that are not in use."""
        for connection in self._idle:
            connection.close()
        self._idle = []

    async def _exchange(self, request: bytes) -> HttpResponse:
        """Exchange on a kept connection; once more where the remote closed it in between."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                try:
                    return self._keep(connection, await connection.exchange(request))
                except ClosedConnectionError:
                    break
        connection = await connect(
            self._url,
            ANSWER_BYTES_MAX,
            self._make_tls,
            self._config.http.tls.server_name,
            self._config.http.proxy_for(self._url),
        )
        return self._keep(connection, await connection.exchange(request))

    def _keep(self, connection: Connection, response: HttpResponse) -> HttpResponse:
        if connection.is_open:
            self._idle.append(connection)
        return response

    def _render(self, size: int, token: str) -> bytes:
        """Return the head of a request."""
        url = self._url
        proxy = self._config.http.proxy_for(url) if url.scheme == "http" else None
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        lines = [
            f"POST {f'http://{url.netloc}' if proxy else ''}{path} HTTP/1.1",
            f"Host: {url.netloc}",
            *_FIXED,
            f"Content-Length: {size}",
            *(f"{name}: {value}" for name, value in self._config.headers),
            *self._config.http.private_lines(),
            *([header_line("Authorization", token)] if token else ()),
            *_authorize(proxy.authorization if proxy else ""),
        ]
        return "\r\n".join((*lines, "", "")).encode()


def _authorize(authorization: str) -> Sequence[str]:
    return [f"Proxy-Authorization: {authorization}"] if authorization else []


def _retry_after(response: HttpResponse) -> float | None:
    """Return the header's seconds; a date is not honoured, as it needs the remote's clock."""
    value = response.headers.get("retry-after", "").strip()
    is_number = value.isascii() and value.isdecimal()
    return min(float(value), RETRY_AFTER_MAX_SECONDS) if is_number else None
