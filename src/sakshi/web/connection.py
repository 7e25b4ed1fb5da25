"""A caller's connection: bounded where uvicorn's is not.

    connected ─┐                       ┌──▶ answering ──▶ answered ─┐
               ├─▶ waiting for a whole │                            │
    answered ──┘   request ────────────┘          ┌── waiting ◀─────┘
                        │                         ▼
                        └──▶ too late, too long, or the oldest of too many: cut off

A connection waits for its caller from its start, and again after each answer, until the last byte
of a request is there. While it waits it may be cut off:

- A request has so many seconds, however its bytes trickle.
- What is no body (request line, headers, trailers) has so many bytes.
- Where there are too many connections, the one that has waited longest goes, so that whoever asks
  for something is served although a thousand others ask for nothing.
- Answers that their callers have not read yet have so many bytes together; beyond it, again, the
  connection that has waited longest goes. Below it, an answer may be read as slowly as one likes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


@dataclass(frozen=True)
class ConnectionLimits:
    """How much callers may ask of the server before they have asked anything.

    Args:
        connections_max: at once, WebSockets included: 500 live clients, and as many requests. One
            more is answered with 503 where all are being served.
        request_seconds: from the start of a connection, or from its last answer, to the last byte
            of a request: a megabyte of parameters at 1 Mbit/s.
        head_bytes_max: request line, headers and trailers; an address has 64 KB at most.
        unread_bytes_max: of all answers that are complete, and that the callers have yet to read:
            a handful of the largest.
    """

    connections_max: int = 1000
    request_seconds: float = 10.0
    head_bytes_max: int = 128 << 10
    unread_bytes_max: int = 512 << 20


DEFAULT_LIMITS: Final = ConnectionLimits()


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's HTTP connection, within limits; made by `bounded_connection`."""

    limits: ClassVar[ConnectionLimits] = DEFAULT_LIMITS

    waiting_since: float | None = None
    """When it began to wait for its caller, by the loop's clock; None while it serves."""

    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _is_receiving = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait, and make room for it."""
        super().connection_made(transport)
        self._wait()
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; refuse what only makes the head longer."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > self.limits.head_bytes_max and not self.transport.is_closing():
            self.transport.write(_HEAD_TOO_LARGE)
            self.transport.close()

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to the WebSocket's protocol, which has bounds of its own."""
        self._stop_waiting()
        super().handle_websocket_upgrade()
        self._head_bytes = 0

    def on_message_begin(self) -> None:
        """Give a request its time."""
        super().on_message_begin()
        self._is_receiving = True
        self._wait()

    def on_body(self, body: bytes) -> None:
        """Take a part of a body, which is no head."""
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop waiting: the rest is up to the server."""
        self._head_bytes = 0
        self._is_receiving = False
        if self.cycle is not None and self.cycle.response_complete:
            self._wait()  # refused before its end came
        else:
            self._stop_waiting()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, unless it has come already."""
        super().on_response_complete()
        if self.cycle.response_complete and not self._is_receiving:
            self._wait()
        if self.unread_bytes:
            self._shed_unread()

    def shutdown(self) -> None:
        """End: at once where it waits, else after the answer."""
        if self.waiting_since is None or self.unread_bytes:
            super().shutdown()
        else:
            self._cut_off()

    @property
    def unread_bytes(self) -> int:
        """How much of its answers waits for the caller."""
        return self.transport.get_write_buffer_size()

    def _wait(self) -> None:
        self._stop_waiting()
        self.waiting_since = self.loop.time()
        self._deadline = self.loop.call_later(self.limits.request_seconds, self._end_wait)

    def _end_wait(self) -> None:
        """Cut off who asks nothing, but not who still reads: the kernel sees to that it is read."""
        if self.unread_bytes:
            self._deadline = self.loop.call_later(self.limits.request_seconds, self._end_wait)
        else:
            self._cut_off()

    def _stop_waiting(self) -> None:
        self.waiting_since = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _make_room(self) -> None:
        """Cut off who has waited longest, where there are as many as there may be."""
        if len(self.connections) >= self.limits.connections_max:
            waiting = self._waiting()
            if waiting:
                waiting[0]._cut_off()

    def _shed_unread(self) -> None:
        """Cut off who has left an answer unread for longest, while there is too much of them."""
        unread = [connection for connection in self._waiting() if connection.unread_bytes]
        total = sum(connection.unread_bytes for connection in unread) + self.unread_bytes
        for connection in unread:
            if total <= self.limits.unread_bytes_max:
                return
            total -= connection.unread_bytes
            connection._cut_off()

    def _waiting(self) -> list[BoundedConnection]:
        """Return the other connections that wait for their callers, longest first."""
        return sorted(
            (
                connection
                for connection in self.connections
                if isinstance(connection, BoundedConnection)
                and connection.waiting_since is not None
                and connection is not self
            ),
            key=lambda connection: connection.waiting_since or 0.0,
        )

    def _cut_off(self) -> None:
        self._stop_waiting()
        self.connections.discard(
            self
        )  # at once: the transport says so only in the loop's next turn
        self.transport.abort()


def bounded_connection(limits: ConnectionLimits) -> type[BoundedConnection]:
    """Return the connections of one server: a `BoundedConnection` with these limits."""
    return type("BoundedConnection", (BoundedConnection,), {"limits": limits})
