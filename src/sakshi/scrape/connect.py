"""Opens connections: a name looked up, its addresses tried one after the other, TLS, a tunnel.

The lookup is awaited here, and not by the event loop within `create_connection`: a lookup that is
given up leaves nothing behind that could fail later, and be logged by nobody's doing.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import SplitResult

from sakshi.scrape.connection import Connection
from sakshi.scrape.proxy import ProxyConfig, TunnelProtocol, as_transport
from sakshi.scrape.redirect import PORTS

P = TypeVar("P", bound=asyncio.Protocol)


async def connect(
    url: SplitResult,
    body_bytes_max: int,
    make_tls: Callable[[], ssl.SSLContext],
    server_name: str = "",
    proxy: ProxyConfig | None = None,
) -> Connection:
    """Return a connection on which the server of a URL can be asked.

    Args:
        url: `http` or `https`.
        body_bytes_max: of a response.
        make_tls: called for `https`.
        server_name: by which the certificate must be; empty: the URL's host.
        proxy: None: the server is asked directly.

    Raises:
        OSError: nobody answers, or the certificate is not accepted.
        ScrapeError: the proxy refused.
    """
    host, port = url.hostname or "", url.port or PORTS[url.scheme]
    tls = make_tls() if url.scheme == "https" else None
    name = (server_name or host) if tls is not None else None

    def make() -> Connection:
        return Connection(body_bytes_max)

    if proxy is None:
        return await _open(host, port, make, tls, name)
    if tls is None:
        return await _open(*proxy.address, make)
    return await _open_tunnel(proxy, host, port, make(), tls, name)


async def _open(
    host: str,
    port: int,
    make: Callable[[], P],
    tls: ssl.SSLContext | None = None,
    server_name: str | None = None,
) -> P:
    """Return the protocol of a connection to the first address that takes one."""
    loop = asyncio.get_running_loop()
    failures: list[OSError] = []
    for family, _, _, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        try:
            _, protocol = await loop.create_connection(
                make, str(address[0]), port, family=family, ssl=tls, server_hostname=server_name
            )
        except ssl.SSLError:
            raise
        except OSError as error:
            failures.append(error)
        else:
            return protocol
    if len(failures) == 1:
        raise failures[0]
    raise OSError("; ".join(map(str, failures)) or "no address")


async def _open_tunnel(
    proxy: ProxyConfig,
    host: str,
    port: int,
    connection: Connection,
    tls: ssl.SSLContext,
    server_name: str | None,
) -> Connection:
    """Return a connection whose TLS goes through a tunnel of a proxy."""
    tunnel = await _open(*proxy.address, TunnelProtocol)
    try:
        await tunnel.open(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", proxy)
        secured = await asyncio.get_running_loop().start_tls(
            tunnel.transport, connection, tls, server_hostname=server_name
        )
    except BaseException:
        tunnel.transport.abort()
        raise
    connection.connection_made(as_transport(secured))
    return connection
