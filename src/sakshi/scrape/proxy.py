"""Which requests go through a proxy, and the tunnel that TLS needs through it."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import SplitResult, unquote, urlsplit

from sakshi.model.secret import Secret
from sakshi.scrape.credentials import ExtraHeader, header_lines
from sakshi.scrape.errors import ScrapeError
from sakshi.scrape.redirect import PORTS

ANSWER_BYTES_MAX: Final = 16 << 10  # of a proxy's answer to CONNECT


@dataclass(frozen=True)
class ProxyConfig:
    """A proxy of HTTP.

    Args:
        url: `http://host:port`, with `user:password@` where it wants one; a secret for that.
        no_proxy: hosts that are asked directly: names (with those below them), addresses, networks
            like `10.0.0.0/8`, each with or without a port; `*`: all. Where it names any, this
            machine is asked directly, too.
        connect_headers: sent with the wish for a tunnel.
    """

    url: Secret
    no_proxy: Sequence[str] = ()
    connect_headers: Sequence[ExtraHeader] = ()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the proxy."""
        parts = urlsplit(self.url.reveal())
        return parts.hostname or "", parts.port or PORTS["http"]

    @property
    def authorization(self) -> str:
        """The value of the header `Proxy-Authorization`; empty where there is no user."""
        parts = urlsplit(self.url.reveal())
        if parts.username is None:
            return ""
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    def covers(self, url: SplitResult) -> bool:
        """Tell whether a request of this URL goes through the proxy."""
        host, port = (url.hostname or "").rstrip("."), url.port or PORTS[url.scheme]
        if self.no_proxy and is_loopback(host):
            return False
        return not any(_matches(entry.strip().lower(), host, port) for entry in self.no_proxy)

    def serving(self, url: SplitResult) -> ProxyConfig | None:
        """Return the proxy through which a URL is asked; None where it is asked directly."""
        return self if self.covers(url) else None


@dataclass(frozen=True)
class EnvironmentProxies:
    """The proxies that environment variables name; this machine is asked directly.

    Args:
        by_scheme: pairs of `http` or `https`, and its proxy.
    """

    by_scheme: Sequence[tuple[str, ProxyConfig]]

    def serving(self, url: SplitResult) -> ProxyConfig | None:
        """Return the proxy through which a URL is asked; None where it is asked directly."""
        if is_loopback((url.hostname or "").rstrip(".")):
            return None
        proxy = dict(self.by_scheme).get(url.scheme)
        return None if proxy is None else proxy.serving(url)


Proxies = ProxyConfig | EnvironmentProxies


def proxy_lines(proxy: ProxyConfig | None) -> list[str]:
    """Return the headers of a request that a proxy relays."""
    if proxy is None or not proxy.authorization:
        return []
    return [f"Proxy-Authorization: {proxy.authorization}"]


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, by its name or address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _matches(entry: str, host: str, port: int) -> bool:
    """Tell whether an entry of `no_proxy` names a host.

    Source:
        golang/net http/httpproxy/proxy.go
    """
    if entry == "*":
        return True
    name, separator, digits = entry.rpartition(":")
    if separator and digits.isdigit() and "]" not in digits and (":" not in name or "]" in name):
        if int(digits) != port:
            return False
        entry = name
    entry = entry.strip("[]")
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        pass
    name = entry.removeprefix("*").removeprefix(".")
    is_below = bool(name) and host.endswith(f".{name}")
    return is_below or (host == name and not entry.startswith((".", "*.")))


class TunnelProtocol(asyncio.Protocol):
    """Waits for a proxy's answer to CONNECT."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, for the TLS that comes."""
        self.transport = as_transport(transport)

    async def open(self, host: str, proxy: ProxyConfig) -> None:
        """Ask for a tunnel, and return once it is there.

        Args:
            host: with its port.
            proxy: at the other end.

        Raises:
            ScrapeError: the proxy refused.
        """
        lines = [f"CONNECT {host} HTTP/1.1", f"Host: {host}", *proxy_lines(proxy)]
        lines += header_lines(proxy.connect_headers)
        self.transport.write("\r\n".join((*lines, "", "")).encode())
        status = (await self._answer).split(b"\r\n", 1)[0].split(b" ", 2)[1:]
        if status[:1] != [b"200"]:
            said = b" ".join(status).decode("latin-1")
            raise ScrapeError(f"proxy refused a tunnel: {said}".rstrip(": "))

    def data_received(self, data: bytes) -> None:
        """Keep the answer, until its header is complete."""
        self._received += data
        if self._answer.done():
            return
        if b"\r\n\r\n" in self._received:
            self._answer.set_result(self._received)
        elif len(self._received) > ANSWER_BYTES_MAX:
            self._answer.set_exception(ScrapeError("proxy's answer is too large"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        if not self._answer.done():
            self._answer.set_exception(ScrapeError("proxy closed the connection"))


def as_transport(transport: asyncio.BaseTransport | None) -> asyncio.Transport:
    """Return a transport as what it is; uvloop's is none by inheritance."""
    return cast(asyncio.Transport, transport)
