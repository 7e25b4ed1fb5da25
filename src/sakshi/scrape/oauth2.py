"""Tokens by OAuth 2.0's client credentials: asked for once, and used until shortly before they end.

    Fetcher ──get──▶ TokenSource ──POST grant_type=client_credentials──▶ token server
                         └── all targets of a job share one

Source:
    RFC 6749, section 4.4
    golang.org/x/oauth2 clientcredentials, internal/token.go
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote_plus, urlencode, urlsplit

import orjson

from sakshi import __version__
from sakshi.model.clock import Clock
from sakshi.model.secret import Secret
from sakshi.scrape.connect import connect
from sakshi.scrape.connection import HttpResponse
from sakshi.scrape.credentials import SecretSource
from sakshi.scrape.errors import ScrapeError
from sakshi.scrape.failure import describe_failure
from sakshi.scrape.proxy import Proxies, proxy_lines
from sakshi.scrape.tls import TlsConfig

TOKEN_BYTES_MAX: Final = 1 << 20  # of an answer; as golang.org/x/oauth2
EARLY_SECONDS: Final = 10.0  # a token is renewed before it ends, as golang.org/x/oauth2 does
FAILURE_SECONDS: Final = 1.0  # many targets share a failure, and the server is asked once


@dataclass(frozen=True)
class OAuth2Config:
    """Prometheus' `oauth2`.

    Args:
        client_id: who asks.
        client_secret: the empty one where there is none.
        token_url: `http` or `https`.
        scopes: what the token shall be good for.
        endpoint_params: fields of the request beside those that it has.
        tls: towards the token server.
        proxy: on the way there; None: it is asked directly.
    """

    client_id: str
    client_secret: SecretSource
    token_url: Secret
    scopes: tuple[str, ...] = ()
    endpoint_params: tuple[tuple[str, str], ...] = ()
    tls: TlsConfig = field(default_factory=TlsConfig)
    proxy: Proxies | None = None


class TokenSource:
    """Has a token for whoever asks; belongs to one event loop.

    Args:
        config: where tokens come from.
        make_tls: called where the server speaks TLS.
        clock: tells when a token ends.
    """

    def __init__(
        self, config: OAuth2Config, make_tls: Callable[[], ssl.SSLContext], clock: Clock
    ) -> None:
        self._config = config
        self._make_tls = make_tls
        self._clock = clock
        self._asking = asyncio.Lock()
        self._in_header = True
        self._value = ""
        self._secret = ""
        self._ends = 0.0
        self._failure = ""
        self._failed_until = 0.0

    async def get(self) -> str:
        """Return the value of the header `Authorization`.

        Raises:
            ScrapeError: there is no token.
        """
        secret = self._config.client_secret.reveal()
        async with self._asking:
            now = self._clock.monotonic()
            if self._value and self._secret == secret and now < self._ends:
                return self._value
            if now < self._failed_until:
                raise ScrapeError(self._failure)
            try:
                await self._renew(secret)
            except (ScrapeError, OSError) as error:
                self._failure = f"no token from {self._server}: {describe_failure(error)}"
                self._failed_until = self._clock.monotonic() + FAILURE_SECONDS
                raise ScrapeError(self._failure) from None
            return self._value

    @property
    def _server(self) -> str:
        """The server's address, without what may be secret in it."""
        url = urlsplit(self._config.token_url.reveal())
        return f"{url.scheme}://{url.netloc.rpartition('@')[2]}{url.path}"

    async def _renew(self, secret: str) -> None:
        asked = self._clock.monotonic()
        response = await self._ask(secret)
        if response.status != 200:  # some servers want the secret among the fields
            self._in_header = not self._in_header
            other = await self._ask(secret)
            if other.status != 200:
                self._in_header = not self._in_header
                status = f"HTTP status {response.status} {response.reason}".rstrip()
                raise ScrapeError(status)
            response = other
        self._value, seconds = _read_token(response.body)
        self._secret = secret
        self._ends = asked + seconds - EARLY_SECONDS

    async def _ask(self, secret: str) -> HttpResponse:
        config, url = self._config, urlsplit(self._config.token_url.reveal())
        proxy = config.proxy.serving(url) if config.proxy is not None else None
        fields = [("grant_type", "client_credentials"), *config.endpoint_params]
        if config.scopes:
            fields.append(("scope", " ".join(config.scopes)))
        if not self._in_header:
            fields += [("client_id", config.client_id), ("client_secret", secret)]
        body = urlencode(fields).encode()
        host = url.netloc.rpartition("@")[2]
        is_relayed = proxy is not None and url.scheme == "http"
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        lines = [
            f"POST {f'http://{host}' if is_relayed else ''}{path} HTTP/1.1",
            f"Host: {host}",
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
            "Accept: application/json",
            "Accept-Encoding: identity",
            f"User-Agent: sakshi/{__version__}",
            *(proxy_lines(proxy) if is_relayed else ()),
        ]
        if self._in_header:
            pair = f"{quote_plus(config.client_id)}:{quote_plus(secret)}"
            lines.append(f"Authorization: Basic {base64.b64encode(pair.encode()).decode()}")
        connection = await connect(
            url, TOKEN_BYTES_MAX, self._make_tls, config.tls.server_name, proxy
        )
        try:
            return await connection.exchange("\r\n".join((*lines, "", "")).encode() + body)
        finally:
            connection.close()


def _read_token(body: bytes) -> tuple[str, float]:
    """Return type and token, and how many seconds it lasts.

    Raises:
        ScrapeError: the answer has none.

    Example:
        >>> _read_token(b'{"access_token": "a", "token_type": "bearer", "expires_in": 60}')
        ('Bearer a', 60.0)
    """
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if not isinstance(token, str) or not token:
        raise ScrapeError("the answer has no access_token")
    kind = str(answer.get("token_type") or "Bearer")
    try:
        seconds = float(answer.get("expires_in") or 0)  # some servers send a text
    except (TypeError, ValueError):
        raise ScrapeError("the answer's expires_in is no number") from None
    return f"{'Bearer' if kind.lower() == 'bearer' else kind} {token}", seconds or float("inf")
