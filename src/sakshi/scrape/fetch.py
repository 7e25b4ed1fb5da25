"""Fetches one target's exposition, again and again, over a connection that is kept.

Whatever goes wrong becomes a `ScrapeError` whose message is one sentence for people.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import SplitResult

from sakshi.scrape.body import decode_body
from sakshi.scrape.caller import Caller
from sakshi.scrape.client import HTTP_DEFAULT, HttpConfig
from sakshi.scrape.errors import ScrapeError
from sakshi.scrape.negotiate import PROTOCOLS_DEFAULT, accept_header
from sakshi.scrape.oauth2 import TokenSource
from sakshi.scrape.proxy import is_loopback

ACCEPT: Final = accept_header(PROTOCOLS_DEFAULT)


@dataclass(frozen=True)
class Fetched:
    """What a target answered with status 200.

    Args:
        body: decoded, at most the configured bytes.
        content_type: the header, empty where there is none.
    """

    body: bytes
    content_type: str


class Fetcher:
    """Fetches one URL; keeps its connection between fetches.

    Args:
        url: `http` or `https`, every part escaped, as `resolve_targets` makes it.
        timeout_ms: of a whole fetch, with connecting, redirects and a retry.
        body_bytes_max: of a body, before and after decoding.
        make_tls: called when an `https` URL is met; loading the certificates takes a while.
        http: credentials, headers, proxy and the like. Credentials and headers go to the server of
            the URL alone, wherever it redirects to.
        headers: beside those that every request has.
        is_compressed: whether a body may come compressed.
        tokens: has the token that the server wants to see; None: it wants none.
    """

    def __init__(
        self,
        url: str,
        timeout_ms: int,
        body_bytes_max: int,
        make_tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
        *,
        http: HttpConfig = HTTP_DEFAULT,
        headers: Mapping[str, str] = MappingProxyType({"Accept": ACCEPT}),
        is_compressed: bool = True,
        tokens: TokenSource | None = None,
    ) -> None:
        self._body_bytes_max = body_bytes_max
        self._headers = headers
        self._timeout_seconds = timeout_ms / 1000
        self._is_compressed = is_compressed
        self.caller = Caller(
            "GET", url, timeout_ms, body_bytes_max, make_tls, http, self._header_lines, tokens
        )

    async def fetch(self) -> Fetched:
        """Return the exposition.

        Raises:
            ScrapeError: it did not come, not in time, not whole, or with another status than 200.
        """
        response = await self.caller.ask()
        if response.status != 200:
            raise ScrapeError(f"HTTP status {response.status} {response.reason}".rstrip())
        encoding = response.headers.get("content-encoding", "")
        body = decode_body(response.body, encoding, self._body_bytes_max)
        return Fetched(body, response.headers.get("content-type", ""))

    def close(self) -> None:
        """Close the connection; a later fetch opens another."""
        self.caller.close()

    def _header_lines(self, url: SplitResult) -> Sequence[str]:
        is_plain = not self._is_compressed or is_loopback(url.hostname or "")
        return [
            *(f"{name}: {value}" for name, value in self._headers.items()),
            f"Accept-Encoding: {'identity' if is_plain else 'gzip'}",
            f"X-Prometheus-Scrape-Timeout-Seconds: {self._timeout_seconds:g}",
        ]
