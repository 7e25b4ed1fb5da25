"""One kept-alive HTTP/1.1 connection: a request out, a bounded response in.

    connect ──▶ idle ──exchange──▶ waiting ──complete──▶ idle, or closed where it is not kept alive
                 │                    │
                 └── bytes or EOF ──▶ closed ◀── error, too large, cut short, cancelled

Only `exchange` waits. A response is complete when its last byte is there and nothing came after it:
bytes beyond the Content-Length mean that the body was cut, and a cut number is a wrong number.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final, cast

import httptools

from sakshi.scrape.body import too_large
from sakshi.scrape.errors import ClosedConnectionError, ScrapeError

HEADER_BYTES_MAX: Final = 64 << 10  # eight times what nginx sends at most by default
_BODILESS: Final = frozenset({204, 304})


@dataclass
class HttpResponse:
    """A response, complete once `exchange` returns it.

    Args:
        headers: names in small letters; of a repeated one the last.
        body: still in its Content-Encoding.
    """

    status: int = 0
    reason: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Connection(asyncio.Protocol):
    """The client's end of one connection, for one request at a time.

    Args:
        body_bytes_max: a larger body, before decoding, fails the exchange.
    """

    def __init__(self, body_bytes_max: int) -> None:
        self._body_bytes_max = body_bytes_max
        self._transport: asyncio.Transport | None = None
        self._response: asyncio.Future[HttpResponse] | None = None

    @property
    def is_open(self) -> bool:
        """Whether another exchange can be tried."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def peer(self) -> str:
        """The other end's IP address; empty once closed."""
        name = self._transport.get_extra_info("peername") if self._transport else None
        return str(name[0]) if name else ""

    async def exchange(self, request: bytes) -> HttpResponse:
        """Return the response to a request; the connection is closed where it cannot be kept.

        Raises:
            ClosedConnectionError: hung up before the first byte.
            ScrapeError: no HTTP, too large, cut short, or reset.
        """
        assert self._response is None, "one exchange at a time"
        if self._transport is None:
            raise ClosedConnectionError("connection closed before a response")
        self._begin_response()
        self._received_bytes = 0
        self._response = asyncio.get_running_loop().create_future()
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(request)
        try:
            return await self._response
        except BaseException:
            self.close()
            raise
        finally:
            self._response = None

    def close(self) -> None:
        """Close at once; harmless where it is closed."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        """Feed the parser; settle the response once nothing is left to feed."""
        if self._response is None or self._response.done():
            self.close()  # an answer to nothing
            return
        self._received_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(
                "body is longer than its Content-Length"
                if self._is_complete
                else "response is not HTTP/1.1"
            )
            return
        if self._is_complete:
            self._settle(self._keeps_alive)
        elif not self._has_headers and self._received_bytes > HEADER_BYTES_MAX:
            self._fail(f"response header is larger than {HEADER_BYTES_MAX} bytes")

    def connection_lost(self, exc: Exception | None) -> None:
        """Settle what was waited for: a body that ends with its connection, or a failure."""
        self._transport = None
        if self._response is None or self._response.done():
            return
        if exc is None and self._has_headers and self._ends_with_connection:
            self._settle(keep_alive=False)
        elif self._received_bytes == 0:
            reason = "closed" if exc is None else "reset"
            error = ClosedConnectionError(f"connection {reason} before a response")
            self._response.set_exception(error)
        else:
            reason = "closed" if exc is None else "reset"
            self._fail(f"connection {reason} in the middle of the response")

    # What httptools calls.

    def on_message_begin(self) -> None:
        """Take a second message for what it is: bytes after the body."""
        if self._is_complete:
            self._fail("body is longer than its Content-Length")

    def on_status(self, status: bytes) -> None:
        """Keep the reason phrase; it may come in parts."""
        self._head.reason += status.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self._head.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Learn how the body will end."""
        self._head.status = self._parser.get_status_code()
        self._has_headers = self._head.status >= 200
        framing = self._head.headers.keys() & {"content-length", "transfer-encoding"}
        self._ends_with_connection = not framing and self._head.status not in _BODILESS
        declared = self._head.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._body_bytes_max:
            self._fail(too_large(self._body_bytes_max))

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body, within the bound."""
        self._body_bytes += len(body)
        if self._body_bytes > self._body_bytes_max:
            self._fail(too_large(self._body_bytes_max))
        else:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """Note the end; a 1xx response only announces the real one."""
        if self._has_headers:
            self._is_complete = True
            self._keeps_alive = (
                self._parser.should_keep_alive()
            )  # forgotten by the parser hereafter
        else:
            self._begin_response()

    def _begin_response(self) -> None:
        self._head = HttpResponse()
        self._parts: list[bytes] = []
        self._body_bytes = 0
        self._has_headers = self._ends_with_connection = self._is_complete = False
        self._keeps_alive = False

    def _settle(self, keep_alive: bool) -> None:
        if not keep_alive:
            self.close()
        if self._response is not None and not self._response.done():
            self._head.body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._response.set_result(self._head)

    def _fail(self, reason: str | ScrapeError) -> None:
        self.close()
        if self._response is not None and not self._response.done():
            error = reason if isinstance(reason, ScrapeError) else ScrapeError(reason)
            self._response.set_exception(error)
