"""Asks one server the same kind of question, again and again, over a connection that is kept.

Whatever goes wrong below HTTP becomes a `ScrapeError` whose message is one sentence for people.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import SplitResult, urlsplit

from sakshi import __version__
from sakshi.scrape.client import HttpConfig
from sakshi.scrape.connect import connect
from sakshi.scrape.connection import Connection, HttpResponse
from sakshi.scrape.credentials import header_line
from sakshi.scrape.errors import ClosedConnectionError, ScrapeError
from sakshi.scrape.failure import describe_failure
from sakshi.scrape.oauth2 import TokenSource
from sakshi.scrape.proxy import proxy_lines
from sakshi.scrape.redirect import REDIRECTS_MAX, is_link_local, is_redirect, redirect_target

SEE_OTHER: Final = 303  # the one redirect that asks for no second post

HeaderLines = Callable[[SplitResult], Sequence[str]]
"""Returns the headers, beside those that every request has, of a request to a URL."""


class Caller:
    """Asks one URL; keeps its connection in between. One question at a time.

    A question may arrive twice (the server took it and hung up before it answered): whoever asks
    here asks what may be repeated.

    Args:
        method: `GET` or `POST`.
        url: `http` or `https`, every part escaped.
        timeout_ms: of a whole question, with connecting, redirects and a retry.
        answer_bytes_max: of an answer's body.
        make_tls: called when an `https` URL is met; loading the certificates takes a while.
        http: credentials, headers, proxy and the like. Credentials and headers go to the server of
            the URL alone, wherever it redirects to.
        header_lines: those of this kind of question.
        tokens: has the token that the server wants to see; None: it wants none.
    """

    def __init__(
        self,
        method: str,
        url: str,
        timeout_ms: int,
        answer_bytes_max: int,
        make_tls: Callable[[], ssl.SSLContext],
        http: HttpConfig,
        header_lines: HeaderLines,
        tokens: TokenSource | None = None,
    ) -> None:
        self._method = method
        self._url = urlsplit(url)
        self._timeout_seconds = timeout_ms / 1000
        self._answer_bytes_max = answer_bytes_max
        self._make_tls = make_tls
        self._http = http
        self._header_lines = header_lines
        self._tokens = tokens
        self._token = ""
        self._connection: Connection | None = None
        is_fixed = method == "GET" and not http.has_secrets
        self.fixed_request = self._render(self._url, b"") if is_fixed else None
        """What is sent each time, where that is always the same."""

    async def ask(self, body: bytes = b"") -> HttpResponse:
        """Return the answer, whatever its status.

        A redirect is followed, with the body, where the configuration allows.

        Raises:
            ScrapeError: there was no answer, not in time, or a redirect to nowhere.
        """
        try:
            async with asyncio.timeout(self._timeout_seconds) as deadline:
                if self._tokens is not None:
                    self._token = await self._tokens.get()
                return await self._ask_redirected(body)
        except TimeoutError as error:
            if deadline.expired():
                message = f"timed out after {self._timeout_seconds:g} s"
                raise ScrapeError(message) from error
            raise ScrapeError(describe_failure(error)) from error
        except OSError as error:
            raise ScrapeError(describe_failure(error)) from error
        except UnicodeError as error:  # a label of more than 63 characters
            raise ScrapeError("host name is not resolved: not a host name") from error

    def close(self) -> None:
        """Close the connection; a later question opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _ask_redirected(self, body: bytes) -> HttpResponse:
        url, response = self._url, await self._ask_kept(body)
        if not self._http.follow_redirects:
            return response
        for _ in range(REDIRECTS_MAX):
            if not self._is_followed(response):
                return response
            url = redirect_target(url, response)
            response = await self._ask_once(url, body)
        if is_redirect(response):
            raise ScrapeError(f"more than {REDIRECTS_MAX} redirects")
        return response

    def _is_followed(self, response: HttpResponse) -> bool:
        """Tell whether to go where a response points; not with what the server says is done."""
        is_done = self._method == "POST" and response.status == SEE_OTHER
        return is_redirect(response) and not is_done

    async def _ask_kept(self, body: bytes) -> HttpResponse:
        """Exchange on the kept connection; once more where the server closed it in between."""
        request = self.fixed_request or self._render(self._url, body)
        if self._connection is not None and self._connection.is_open:
            try:
                return await self._connection.exchange(request)
            except ClosedConnectionError:
                self.close()
        self._connection = await self._connect(self._url)
        return await self._connection.exchange(request)

    async def _ask_once(self, url: SplitResult, body: bytes) -> HttpResponse:
        """Exchange on a connection of its own, where a redirect points to."""
        if is_link_local(url.hostname or ""):
            raise ScrapeError("redirect to a link-local address")
        connection = await self._connect(url)
        try:
            if is_link_local(connection.peer):
                raise ScrapeError("redirect to a link-local address")
            return await connection.exchange(self._render(url, body))
        finally:
            connection.close()

    async def _connect(self, url: SplitResult) -> Connection:
        return await connect(
            url,
            self._answer_bytes_max,
            self._make_tls,
            self._http.tls.server_name,
            self._http.proxy_for(url),
        )

    def _render(self, url: SplitResult, body: bytes) -> bytes:
        proxy = self._http.proxy_for(url) if url.scheme == "http" else None
        host = url.netloc.rpartition("@")[2]
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        lines = [
            f"{self._method} {f'http://{host}' if proxy else ''}{path} HTTP/1.1",
            f"Host: {host}",
            *self._header_lines(url),
            *([f"Content-Length: {len(body)}"] if self._method == "POST" else ()),
            f"User-Agent: sakshi/{__version__}",
            *proxy_lines(proxy),
        ]
        if (url.scheme, url.netloc) == (self._url.scheme, self._url.netloc):
            lines += self._http.private_lines()
            if self._token:
                lines.append(header_line("Authorization", self._token))
        return "\r\n".join((*lines, "", "")).encode() + body
