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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import SplitResult, urlsplit

from sakshi import __version__
from sakshi.scrape.body import decode_body
from sakshi.scrape.client import HTTP_DEFAULT, HttpConfig
from sakshi.scrape.connect import connect
from sakshi.scrape.connection import Connection, HttpResponse
from sakshi.scrape.errors import ClosedConnectionError, ScrapeError
from sakshi.scrape.negotiate import PROTOCOLS_DEFAULT, accept_header
from sakshi.scrape.proxy import ProxyConfig
from sakshi.scrape.redirect import (
    REDIRECTS_MAX,
    is_link_local,
    is_redirect,
    redirect_target,
)

ACCEPT: Final = accept_header(PROTOCOLS_DEFAULT)
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
        http: credentials, headers, proxy and the like. Credentials and headers go to the server of
            the URL alone, wherever it redirects to.
        headers: beside those that every request has.
        is_compressed: whether a body may come compressed.
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
    ) -> None:
        self._url = urlsplit(url)
        self._timeout_seconds = timeout_ms / 1000
        self._body_bytes_max = body_bytes_max
        self._make_tls = make_tls
        self._http = http
        self._headers = headers
        self._is_compressed = is_compressed
        self._request = None if http.has_secrets else self._render_request(self._url)
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
            raise ScrapeError(failure_sentence(error)) from error
        except OSError as error:
            raise ScrapeError(failure_sentence(error)) from error
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
        follows = self._http.follow_redirects
        for _ in range(REDIRECTS_MAX if follows else 0):
            if not is_redirect(response):
                break
            url = redirect_target(url, response)
            response = await self._fetch_once(url)
        if follows and is_redirect(response):
            raise ScrapeError(f"more than {REDIRECTS_MAX} redirects")
        if response.status != 200:
            raise ScrapeError(f"HTTP status {response.status} {response.reason}".rstrip())
        return response

    async def _fetch_kept(self) -> HttpResponse:
        """Exchange on the kept connection; once more where the target closed it in between."""
        request = self._request or self._render_request(self._url)
        if self._connection is not None and self._connection.is_open:
            try:
                return await self._connection.exchange(request)
            except ClosedConnectionError:
                self.close()
        self._connection = await self._connect(self._url)
        return await self._connection.exchange(request)

    async def _fetch_once(self, url: SplitResult) -> HttpResponse:
        """Exchange on a connection of its own, where a redirect points to."""
        if is_link_local(url.hostname or ""):
            raise ScrapeError("redirect to a link-local address")
        connection = await self._connect(url)
        try:
            if is_link_local(connection.peer):
                raise ScrapeError("redirect to a link-local address")
            return await connection.exchange(self._render_request(url))
        finally:
            connection.close()

    async def _connect(self, url: SplitResult) -> Connection:
        return await connect(
            url,
            self._body_bytes_max,
            self._make_tls,
            self._http.tls.server_name,
            self._http.proxy_for(url),
        )

    def _render_request(self, url: SplitResult) -> bytes:
        proxy = self._http.proxy_for(url) if url.scheme == "http" else None
        host = url.netloc.rpartition("@")[2]
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        is_plain = not self._is_compressed or _is_loopback(url.hostname or "")
        lines = [
            f"GET {f'http://{host}' if proxy else ''}{path} HTTP/1.1",
            f"Host: {host}",
            *(f"{name}: {value}" for name, value in self._headers.items()),
            f"Accept-Encoding: {'identity' if is_plain else 'gzip'}",
            f"User-Agent: sakshi/{__version__}",
            f"X-Prometheus-Scrape-Timeout-Seconds: {self._timeout_seconds:g}",
            *_proxy_lines(proxy),
        ]
        if (url.scheme, url.netloc) == (self._url.scheme, self._url.netloc):
            lines += self._http.private_lines()
        return "\r\n".join((*lines, "", "")).encode()


def _proxy_lines(proxy: ProxyConfig | None) -> list[str]:
    is_known = proxy is not None and proxy.authorization
    return [f"Proxy-Authorization: {proxy.authorization}"] if proxy and is_known else []


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def failure_sentence(error: OSError) -> str:
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
