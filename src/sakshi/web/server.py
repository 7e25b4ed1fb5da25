"""The server: uvicorn on an event loop that is somebody else's.

`listen` takes the address before anything else of sakshi starts, and says so if it is taken;
`serve` answers there until it is cancelled. Signals stay with the owner of the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from sakshi.web.connection import DEFAULT_LIMITS, ConnectionLimits, bounded_connection
from sakshi.web.errors import AddressInUseError, ListenError, format_address

BACKLOG: Final = 1024
MESSAGE_BYTES_MAX: Final = 64 << 10  # of what a WebSocket client sends, all of which is ignored
SHUTDOWN_SECONDS: Final = 2  # for requests that are being answered
UNREAD_MS_MAX: Final = 60_000  # a peer that reads nothing for so long loses its connection


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at the address; what connects waits until `serve` runs.

    Args:
        host: a name or an address; of a name with several addresses, the first.
        port: 0: any free one, see `getsockname`.

    Raises:
        AddressInUseError: another process listens there.
        ListenError: the address cannot be had for another reason: not this machine's, not allowed.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _listen_error(host, port, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _bound_unread(listener)
        listener.bind(address)
        listener.listen(BACKLOG)  # at once: two sockets may be bound to a port, not listen at it
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise _listen_error(host, port, error) from error
    return listener


async def serve(
    app: ASGIApp,
    listener: socket.socket,
    ready: asyncio.Event,
    *,
    before_shutdown: Callable[[], Awaitable[None]],
    limits: ConnectionLimits = DEFAULT_LIMITS,
) -> None:
    """Answer at the listener until cancelled, then stop within some four seconds; closes it.

    Args:
        app: an ASGI application without lifespan.
        listener: from `listen`.
        ready: set once connections are accepted.
        before_shutdown: `Hub.close`: lets WebSocket clients leave before connections are closed.
        limits: of connections.
    """
    config = uvicorn.Config(
        app,
        http=bounded_connection(limits),
        ws="websockets-sansio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        limit_concurrency=limits.connections_max,
        ws_max_size=MESSAGE_BYTES_MAX,
        ws_per_message_deflate=False,  # compressing for each client apart costs more than it saves
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    server = _Server(config, ready, before_shutdown)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        server.should_exit = True
        await running
        raise
    finally:
        listener.close()


class _Server(uvicorn.Server):
    """uvicorn's server, less its signal handlers, with a word before it shuts down."""

    def __init__(
        self,
        config: uvicorn.Config,
        ready: asyncio.Event,
        before_shutdown: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._before_shutdown = before_shutdown

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none: they belong to the owner of the loop."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self._ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let clients leave, close connections, and cut off those that do not read what is left."""
        await self._before_shutdown()
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def _bound_unread(listener: socket.socket) -> None:
    """Have accepted connections end when the peer reads nothing for UNREAD_MS_MAX (Linux)."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS_MAX)


def _listen_error(host: str, port: int, error: OSError) -> ListenError:
    if error.errno == errno.EADDRINUSE:
        return AddressInUseError(host, port)
    reason = error.strerror or str(error)
    return ListenError(f"cannot listen at {format_address(host, port)}: {reason}")
