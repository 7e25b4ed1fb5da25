from __future__ import annotations

import asyncio

import pytest
from tests.scrape.conftest import FakeService, StartService, response

from sakshi.scrape.connection import Connection
from sakshi.scrape.errors import ClosedConnectionError

REQUEST = b"GET / HTTP/1.1\r\n\r\n"


class WatchedConnection(Connection):
    """Says when it is closed."""

    def __init__(self) -> None:
        super().__init__(body_bytes_max=1000)
        self.lost = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.lost.set()


async def connect(service: FakeService) -> WatchedConnection:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(WatchedConnection, service.host, service.port)
    return connection


async def test_connection_is_kept_for_the_next_exchange(start_service: StartService) -> None:
    """A connection serves one exchange after the other, and knows its peer."""
    connection = await connect(await start_service(b"up 1\n"))

    for _ in range(3):
        answer = await connection.exchange(REQUEST)
        assert (answer.status, answer.reason, answer.body) == (200, "OK", b"up 1\n")
        assert answer.headers["content-type"] == "text/plain; version=0.0.4"

    assert connection.peer == "127.0.0.1"
    connection.close()
    connection.close()
    assert not connection.is_open
    assert connection.peer == ""


async def test_connection_notices_that_it_was_closed(start_service: StartService) -> None:
    """A connection that its target closed while idle is not open, and says so at once."""
    service = await start_service(b"up 1\n")
    connection = await connect(service)
    await connection.exchange(REQUEST)

    await service.stop()
    await connection.lost.wait()

    assert not connection.is_open
    with pytest.raises(ClosedConnectionError, match=r"^connection closed before a response$"):
        await connection.exchange(REQUEST)


async def test_connection_takes_no_answer_to_nothing(start_service: StartService) -> None:
    """Bytes that nobody asked for could pass as the next response, so the connection is closed."""
    service = await start_service()
    go_on = asyncio.Event()

    async def answer_twice(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(response(b"up 1\n"))
        await go_on.wait()
        writer.write(response(b"up 2\n"))

    service.answer = answer_twice
    connection = await connect(service)
    assert (await connection.exchange(REQUEST)).body == b"up 1\n"

    go_on.set()
    await connection.lost.wait()

    assert not connection.is_open


async def test_connection_is_closed_when_its_exchange_is_cancelled(
    start_service: StartService,
) -> None:
    """Half a response never meets the next request."""
    service = await start_service()
    asked = asyncio.Event()

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await asyncio.Event().wait()

    service.answer = hang
    connection = await connect(service)
    exchange = asyncio.create_task(connection.exchange(REQUEST))
    await asked.wait()
    exchange.cancel()

    with pytest.raises(asyncio.CancelledError):
        await exchange
    assert not connection.is_open
