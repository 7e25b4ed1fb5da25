"""Fetches one target's exposition, again and again, over a connection that is kept.

Whatever goes wrong becomes a `ScrapeError` whose message is one sentence for people.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from sakshi import __version__
from sakshi.scrape.body import decode_body
from sakshi.scrape.connection import Connection, HttpResponse
from sakshi.scrape.errors import ClosedConnectionError, ScrapeError
from sakshi.scrape.redirect import (
    PORTS,
    REDIRECTS_MAX,
    is_link_local,
    is_redirect,
    redirect_target,
)

ACCEPT: Final = (
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
_ERRNO: Final = re.compile(r"\[Errno (\d+)\]")
_SENTENCES: Final = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset before a response",
    errno.ENETUNREACH: "network is unreachable",
    errno.EHOSTUNREACH: "no route to host",
    errno.ETIMEDOUT: "connection timed out",
}


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
    """

    def __init__(
        self,
        url: str,
        timeout_ms: int,
        body_bytes_max: int,
        make_tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self._url = urlsplit(url)
        self._timeout_seconds = timeout_ms / 1000
        self._body_bytes_max = body_bytes_max
        self._make_tls = make_tls
        self._request = self._render_request(self._url)
        self._connection: Connection | None = None

    async def fetch(self) -> Fetched:
        """Return the exposition.

        Raises:
            ScrapeError: it did not come, not in time, not whole, or with another status than 200.
        """
        try:
            async with asyncio.timeout(self._timeout_seconds) as deadline:
                response = await self._fetch_redirected()
        except TimeoutError as error:
            if deadline.expired():
                message = f"timed out after {self._timeout_seconds:g} s"
                raise ScrapeError(message) from error
            raise ScrapeError(_sentence(error)) from error
        except OSError as error:
            raise ScrapeError(_sentence(error)) from error
        except UnicodeError as error:  # a label of more than 63 characters
            raise ScrapeError("host name is not resolved: not a host name") from error
        encoding = response.headers.get("content-encoding", "")
        body = decode_body(response.body, encoding, self._body_bytes_max)
        return Fetched(body, response.headers.get("content-type", ""))

    def close(self) -> None:
        """Close the connection; a later fetch opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _fetch_redirected(self) -> HttpResponse:
        """Return the response with status 200, following redirects."""
        url, response = self._url, await self._fetch_kept()
        for _ in range(REDIRECTS_MAX):
            if not is_redirect(response):
                break
            url = redirect_target(url, response)
            response = await self._fetch_once(url)
        if is_redirect(response):
            raise ScrapeError(f"more than {REDIRECTS_MAX} redirects")
        if response.status != 200:
            raise ScrapeError(f"HTTP status {response.status} {response.reason}".rstrip())
        return response

    async def _fetch_kept(self) -> HttpResponse:
        """Exchange on the kept connection; once more where the target closed it in between."""
        if self._connection is not None and self._connection.is_open:
            try:
                return await self._connection.exchange(self._request)
            except ClosedConnectionError:
                self.close()
        self._connection = await self._connect(self._url)
        return await self._connection.exchange(self._request)

    async def _fetch_once(self, url: SplitResult) -> HttpResponse:
        """Exchange on a connection of its own, where a redirect points to."""
        connection = await self._connect(url)
        try:
            if is_link_local(connection.peer):
                raise ScrapeError("redirect to a link-local address")
            return await connection.exchange(self._render_request(url))
        finally:
            connection.close()

    async def _connect(self, url: SplitResult) -> Connection:
        host = url.hostname or ""
        tls = self._make_tls() if url.scheme == "https" else None
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self._body_bytes_max),
            host,
            url.port or PORTS[url.scheme],
            ssl=tls,
            server_hostname=host if tls else None,
        )
        return connection

    def _render_request(self, url: SplitResult) -> bytes:
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        encoding = "identity" if _is_loopback(url.hostname or "") else "gzip"
        lines = (
            f"GET {path} HTTP/1.1",
            f"Host: {url.netloc.rpartition('@')[2]}",
            f"Accept: {ACCEPT}",
            f"Accept-Encoding: {encoding}",
            f"User-Agent: sakshi/{__version__}",
            f"X-Prometheus-Scrape-Timeout-Seconds: {self._timeout_seconds:g}",
        )
        return "\r\n".join((*lines, "", "")).encode("ascii")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _sentence(error: OSError) -> str:
    """Return what happened to a connection, in a few words."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"TLS certificate is not accepted: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS handshake failed: {error.reason or error}"
        case socket.gaierror():
            return f"host name is not resolved: {error.strerror}"
    # asyncio reports several addresses that failed as one error without a number.
    numbers = {error.errno} if error.errno else set(map(int, _ERRNO.findall(str(error))))
    if len(numbers) == 1 and (sentence := _SENTENCES.get(numbers.pop() or 0)):
        return sentence
    return f"connection failed: {error.strerror or error}"
