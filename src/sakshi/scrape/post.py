"""Posts documents to one URL, again and again, over a connection that is kept.

A document may arrive twice (the server took it and hung up before it answered): whoever posts here
sends what may be repeated. Whatever goes wrong below HTTP becomes a `ScrapeError` whose message is
one sentence for people.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import SplitResult

from sakshi.scrape.caller import Caller
from sakshi.scrape.client import HTTP_DEFAULT, HttpConfig
from sakshi.scrape.connection import HttpResponse
from sakshi.scrape.oauth2 import TokenSource

ANSWER_BYTES_MAX: Final = 4 << 20  # a complaint about each of hundreds of things


class Poster:
    """Posts to one URL; keeps its connection in between. One post at a time.

    Args:
        url: `http` or `https`, every part escaped.
        timeout_ms: of a whole post, with connecting, redirects and a retry.
        make_tls: called when an `https` URL is met.
        http: credentials, headers, proxy and the like. Credentials and headers go to the server of
            the URL alone, wherever it redirects to.
        headers: beside those that every request has: `Content-Type`.
        tokens: has the token that the server wants to see; None: it wants none.
    """

    def __init__(
        self,
        url: str,
        timeout_ms: int,
        make_tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
        *,
        http: HttpConfig = HTTP_DEFAULT,
        headers: Mapping[str, str],
        tokens: TokenSource | None = None,
    ) -> None:
        self._headers = headers
        self._caller = Caller(
            "POST", url, timeout_ms, ANSWER_BYTES_MAX, make_tls, http, self._header_lines, tokens
        )

    async def post(self, body: bytes) -> HttpResponse:
        """Return the answer to a document, whatever its status.

        A redirect is followed with the document, where the configuration allows: a server that
        answers a question at the new place would have taken nothing.

        Raises:
            ScrapeError: there was no answer, not in time, or a redirect to nowhere.
        """
        return await self._caller.ask(body)

    def close(self) -> None:
        """Close the connection; a later post opens another."""
        self._caller.close()

    def _header_lines(self, _: SplitResult) -> Sequence[str]:
        lines = (f"{name}: {value}" for name, value in self._headers.items())
        return [*lines, "Accept-Encoding: identity"]
