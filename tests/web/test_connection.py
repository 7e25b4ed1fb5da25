"""Connections that ask slowly, endlessly or nothing at all, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from sakshi.web import ConnectionLimits, Services, build_app, build_hub, listen, serve

HOST = b"Host: localhost\r\n"
HEALTHY = b"GET /-/healthy HTTP/1.1\r\n" + HOST + b"\r\n"
LAST = HEALTHY[:-2] + b"Connection: close\r\n\r\n"
FORM = (
    b"POST /api/v1/query HTTP/1.1\r\n" + HOST + b"Content-Length: 7\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
)
UPGRADE = (
    b"GET /ws HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SHORT = ConnectionLimits(request_seconds=0.1)


@dataclass
class Caller:
    """One connection, written to and read from byte by byte."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def status(self) -> int:
        """Return the status of the next answer, whose body is read too."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await self.reader.readexactly(int(length or b"0"))
        return int(head.split()[1])

    async def trickle(self, data: bytes) -> None:
        """Send a little, and let the server, which shares the event loop, have its turn."""
        self.writer.write(data)
        await self.writer.drain()
        await asyncio.sleep(0)

    async def rest(self) -> bytes:
        """Return what comes until the server ends the connection."""
        try:
            return await asyncio.wait_for(self.reader.read(), 5)
        except ConnectionResetError:
            return b""


class Server:
    """sakshi's server at a free port, and who calls it."""

    def __init__(self, port: int, stack: contextlib.AsyncExitStack) -> None:
        self._port = port
        self._stack = stack

    async def call(self, data: bytes = b"") -> Caller:
        """Return a new connection that has sent this."""
        caller = Caller(*await asyncio.open_connection("127.0.0.1", self._port))
        self._stack.callback(caller.writer.close)
        caller.writer.write(data)
        return caller


@contextlib.asynccontextmanager
async def serving(services: Services, limits: ConnectionLimits) -> AsyncIterator[Server]:
    """Serve on a free port; stop at the end, while the callers are still there."""
    hub = build_hub(services)
    async with answering(build_app(services, hub), limits, hub.close) as server:
        yield server


async def nobody_to_tell() -> None:
    """What is done before a shutdown where no WebSocket can be open."""


@contextlib.asynccontextmanager
async def answering(
    app: ASGIApp,
    limits: ConnectionLimits,
    before_shutdown: Callable[[], Awaitable[None]] = nobody_to_tell,
) -> AsyncIterator[Server]:
    listener = listen("127.0.0.1", 0)
    ready = asyncio.Event()
    serving = serve(app, listener, ready, before_shutdown=before_shutdown, limits=limits)
    task = asyncio.create_task(serving)
    await asyncio.wait_for(ready.wait(), 5)
    async with contextlib.AsyncExitStack() as stack:
        yield Server(listener.getsockname()[1], stack)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET /-/heal", id="half a line"),
        pytest.param(HEALTHY[:-2] + b"X-Header: a\r\n", id="headers without an end"),
        pytest.param(FORM + b"que", id="half a body"),
        pytest.param(HEALTHY + FORM + b"que", id="half a body behind a whole request"),
    ],
)
async def test_request_that_does_not_end_is_cut_off(services: Services, data: bytes) -> None:
    """Whoever connects has so long to say what is wanted, and again after each answer."""
    async with serving(services, SHORT) as server:
        caller = await server.call(data)

        answers = await caller.rest()

    assert answers.count(b"HTTP/1.1 ") == data.count(HEALTHY)


async def test_trickling_buys_no_time(services: Services) -> None:
    """The whole request has a deadline, not each of its bytes."""
    async with serving(services, SHORT) as server, asyncio.timeout(5):
        caller = await server.call(HEALTHY[:-2])
        with contextlib.suppress(ConnectionError):
            while not caller.reader.at_eof():
                await caller.trickle(b"X: a\r\n")

        assert await caller.rest() == b""


async def test_answer_may_take_longer_than_the_request(services: Services) -> None:
    """The deadline ends with the request's last byte; a WebSocket has none."""
    async with serving(services, SHORT) as server:
        live = await server.call(UPGRADE)
        assert await live.status() == 101
        idle = await server.call()
        await idle.rest()  # so long has now passed

        live.writer.write(b"\x8a\x80\0\0\0\0")  # a pong that nobody asked for

        assert await asyncio.wait_for(live.reader.read(1), 5)
        assert not live.reader.at_eof()


@pytest.mark.parametrize(
    "data", [b"GET /-/heal", FORM + b"que"], ids=["half a line", "half a body"]
)
async def test_request_that_does_not_end_delays_no_shutdown(
    services: Services, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is answering it: it is cut off, and no error for the log."""
    async with serving(services, ConnectionLimits()) as server:
        caller = await server.call(data)
        assert await (await server.call(HEALTHY)).status() == 200  # the other is there by now

    assert await caller.rest() == b""
    assert caplog.text == ""


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(HEALTHY[:-2] + b"X-Long: " + b"a" * 2000, id="one header"),
        pytest.param(HEALTHY[:-2] + b"X: a\r\n" * 400, id="many headers"),
        pytest.param(b"GET /" + b"a" * 2000, id="an address"),
    ],
)
async def test_endless_header_is_refused(services: Services, data: bytes) -> None:
    """What stands before a body is bounded; the body has a bound of its own."""
    limits = ConnectionLimits(head_bytes_max=1000)
    async with serving(services, limits) as server:
        caller = await server.call(data)

        assert (await caller.rest()).startswith(b"HTTP/1.1 431 ")


async def test_endless_trailers_are_refused(services: Services) -> None:
    """Headers may stand behind a chunked body, too."""
    chunked = FORM.replace(b"Content-Length: 7", b"Transfer-Encoding: chunked")
    async with (
        serving(services, ConnectionLimits(head_bytes_max=1000)) as server,
        asyncio.timeout(5),
    ):
        caller = await server.call(chunked + b"7\r\nquery=1\r\n0\r\n")
        with contextlib.suppress(ConnectionError):
            while not caller.reader.at_eof():
                await caller.trickle(b"X: a\r\n")

        await caller.rest()  # refused: the connection ends, long before its deadline


async def test_many_small_requests_are_not_one_large_header(services: Services) -> None:
    """The bound is of one request: the same connection may send as many as it likes."""
    async with serving(services, ConnectionLimits(head_bytes_max=1000)) as server:
        caller = await server.call()
        for _ in range(50):
            caller.writer.write(HEALTHY)
            assert await caller.status() == 200
        caller.writer.write(HEALTHY * 50)
        assert [await caller.status() for _ in range(50)] == [200] * 50


async def test_who_asks_nothing_makes_room_for_who_asks(services: Services) -> None:
    """A thousand sockets that only wait do not shut the others out: the oldest of them goes."""
    async with serving(services, ConnectionLimits(connections_max=10)) as server:
        live = await server.call(UPGRADE)
        assert await live.status() == 101
        waiting = []
        for _ in range(5):
            waiting += [await server.call(b"GET /") for _ in range(15)]
            assert await (await server.call(HEALTHY)).status() == 200

        assert await asyncio.gather(*(caller.rest() for caller in waiting[:60])) == [b""] * 60
        assert not live.reader.at_eof()


class PatientApp:
    """Answers `ok` once it may, and reads no body."""

    def __init__(self) -> None:
        self.has_begun = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.has_begun.set()
        await self.may_answer.wait()
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})


async def test_answer_that_has_begun_is_finished_at_the_end() -> None:
    """A server that stops lets go of who only waits, and not of who was promised something."""
    app = PatientApp()

    async def answer_afterwards() -> None:
        asyncio.get_running_loop().call_soon(app.may_answer.set)

    async with answering(app, ConnectionLimits(), answer_afterwards) as server:
        caller, idle = await server.call(HEALTHY), await server.call()
        await asyncio.wait_for(app.has_begun.wait(), 5)

    assert (await caller.rest()).endswith(b"\r\n\r\nok")
    assert await idle.rest() == b""


async def test_answer_before_the_end_of_its_request_gives_the_rest_its_time() -> None:
    """Who is refused early may finish the sentence, and ask again on the same connection."""
    app = PatientApp()
    app.may_answer.set()
    async with answering(app, ConnectionLimits()) as server:
        caller = await server.call(FORM + b"que")
        early = await caller.status()
        caller.writer.write(b"ry=1" + HEALTHY)

        assert (early, await caller.status()) == (200, 200)


async def test_caller_that_says_it_is_the_last_request_is_let_go(services: Services) -> None:
    """`Connection: close` ends the connection with the answer: nobody waits for more."""
    async with serving(services, ConnectionLimits()) as server:
        caller = await server.call(LAST)

        assert (await caller.rest()).startswith(b"HTTP/1.1 200 ")


async def test_nobody_who_is_being_served_makes_room() -> None:
    """Where all connections have a request, one more is told to come back later."""
    app = PatientApp()
    async with answering(app, ConnectionLimits(connections_max=2)) as server:
        served = await server.call(HEALTHY)
        await asyncio.wait_for(app.has_begun.wait(), 5)

        assert await (await server.call(HEALTHY)).status() == 503
        app.may_answer.set()
        assert await served.status() == 200


async def test_large_answer_may_be_read_slowly() -> None:
    """A connection that waits for its caller still owes the rest of the last answer."""
    body = b"x" * (16 << 20)  # far more than the kernel's buffers hold
    async with answering(PlainTextResponse(body), SHORT) as server:
        caller = await server.call(LAST)
        for _ in range(2):
            await (await server.call()).rest()  # so long has now passed, twice

        assert (await caller.rest()).endswith(body)


async def test_answers_that_nobody_reads_are_bounded() -> None:
    """Together they have so many bytes; whoever has not read for longest loses the rest."""
    body = b"x" * (16 << 20)
    limits = ConnectionLimits(unread_bytes_max=3 * len(body))
    async with answering(PlainTextResponse(body), limits) as server:
        callers = []
        for _ in range(6):
            callers.append(await server.call(LAST))
            await callers[-1].reader.readuntil(b"\r\n\r\n")

        assert [await caller.rest() == body for caller in callers] == [False] * 3 + [True] * 3
