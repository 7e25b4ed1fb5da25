"""The real server on the loopback: uvicorn, sockets, WebSockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from prometheus_client import CollectorRegistry
from tests.web.conftest import World, make_alert
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus

from sakshi.model.alert import AlertState
from sakshi.web import (
    AddressInUseError,
    Hub,
    ListenError,
    Services,
    build_app,
    build_hub,
    listen,
    serve,
)

if TYPE_CHECKING:
    from tests.conftest import FakeClock

MEGABYTE = 1 << 20


@contextlib.asynccontextmanager
async def serving(services: Services, hub: Hub) -> AsyncIterator[int]:
    """Serve on a free port; stop at the end."""
    listener = listen("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    ready = asyncio.Event()
    server = asyncio.create_task(
        serve(build_app(services, hub), listener, ready, before_shutdown=hub.close)
    )
    await asyncio.wait_for(ready.wait(), 5)
    try:
        yield port
    finally:
        server.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await server


class LargeSource:
    """Makes messages of a megabyte, numbered: more than a connection's buffers hold."""

    def __init__(self) -> None:
        self.made = 0

    def metrics_update(self) -> str:
        self.made += 1
        return f"{self.made} ".ljust(MEGABYTE, "x")

    def alerts_update(self) -> str:
        return self.metrics_update()


async def read_json(socket: Any) -> Any:
    return json.loads(await asyncio.wait_for(socket.recv(), 5))


@pytest.mark.parametrize("path", ["/ws", "/"])
async def test_websocket_is_sent_metrics_at_once_and_alerts_when_they_change(
    services: Services, world: World, path: str
) -> None:
    """Both paths are the live side; a change in another thread arrives without the interval."""
    world.load({"__name__": "consciousness_messages_per_second"}, [19.8], 1000)
    hub = build_hub(services)

    async with (
        serving(services, hub) as port,
        connect(f"ws://127.0.0.1:{port}{path}") as websocket,
    ):
        first = await read_json(websocket)
        world.alerts = [make_alert(AlertState.FIRING)]
        await asyncio.to_thread(hub.alerts_changed)
        second = await read_json(websocket)

    assert first["type"] == "metrics_update"
    assert first["metrics"] == {"consciousness_messages_per_second": 19.8}
    assert second["type"] == "alerts_update"
    assert second["summary"] == {"pending": 0, "firing": 1}


async def test_periodic_message_comes_every_interval(services: Services, clock: FakeClock) -> None:
    """All of them carry the moment at which they were made."""
    async with (
        serving(services, build_hub(services)) as port,
        connect(f"ws://localhost:{port}/ws") as websocket,
    ):
        messages = [await read_json(websocket)]
        for _ in range(2):
            await clock.advance(5)
            messages.append(await read_json(websocket))

    assert [message["timestamp"] for message in messages] == [
        "2023-11-14T22:13:20.000Z",
        "2023-11-14T22:13:25.000Z",
        "2023-11-14T22:13:30.000Z",
    ]


async def test_silent_client_slows_nobody(
    services: Services, clock: FakeClock, registry: CollectorRegistry
) -> None:
    """One reads nothing while twenty messages of a megabyte go to another, who gets each."""
    hub = Hub(LargeSource(), clock, registry, interval_seconds=1)

    async with serving(services, hub) as port:
        silent = await open_silent(port)
        async with connect(f"ws://127.0.0.1:{port}/ws", max_size=None) as reader:
            read = [await asyncio.wait_for(reader.recv(), 5)]
            for _ in range(20):
                await clock.advance(1)
                read.append(await asyncio.wait_for(reader.recv(), 5))
            lost = registry.get_sample_value(
                "sakshi_live_messages_conflated_total", {"type": "metrics_update"}
            )
        silent.close()

    numbers = [int(message[:10].split()[0]) for message in read]
    assert numbers == list(range(numbers[0], numbers[0] + 21))
    assert lost is not None
    assert lost >= 10  # the kernel's buffers hold a few


@pytest.mark.slow
async def test_shutdown_closes_readers_with_1001_and_does_not_wait_for_the_silent(
    services: Services, clock: FakeClock, registry: CollectorRegistry
) -> None:
    """A client learns that it may come back; one that does not read is cut off in bounded time."""
    hub = Hub(LargeSource(), clock, registry, interval_seconds=1)

    async with asyncio.timeout(10):
        async with contextlib.AsyncExitStack() as stack:
            server = await stack.enter_async_context(contextlib.AsyncExitStack())
            port = await server.enter_async_context(serving(services, hub))
            silent = await open_silent(port)
            stack.callback(silent.close)
            reader = await stack.enter_async_context(
                connect(f"ws://127.0.0.1:{port}/ws", max_size=None)
            )
            for _ in range(10):
                await asyncio.wait_for(reader.recv(), 5)
                await clock.advance(1)
            await server.aclose()
            rest = [len(message) async for message in reader]  # ends where the server says 1001

    assert len(rest) <= 2
    assert reader.close_code == 1001


async def test_websocket_of_another_site_is_refused(services: Services) -> None:
    """No upgrade for a foreign Origin or Host, on either path; programs send no Origin."""
    async with serving(services, build_hub(services)) as port:
        own, other = f"127.0.0.1:{port}", f"evil.example.com:{port}"
        cases: list[tuple[dict[str, str], int]] = [
            ({"Host": own}, 101),
            ({"Host": own, "Origin": f"http://{own}"}, 101),
            ({"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"}, 101),
            ({"Host": own, "Origin": f"http://localhost:{port}"}, 403),
            ({"Host": own, "Origin": f"http://{other}"}, 403),
            ({"Host": own, "Origin": "http://127.0.0.1:1"}, 403),
            ({"Host": own, "Origin": "null"}, 403),
            ({"Host": other}, 403),
            ({"Host": other, "Origin": f"http://{other}"}, 403),
        ]
        answered = [
            (headers, await upgrade(port, path, headers))
            for headers, _ in cases
            for path in ("/ws", "/")
        ]

    assert answered == [case for case in cases for _ in range(2)]


async def test_more_clients_than_may_listen_are_told_to_come_back(
    services: Services, clock: FakeClock, registry: CollectorRegistry
) -> None:
    """Accepted, then closed with 1013: a browser sees the code of an accepted connection only."""
    hub = Hub(LargeSource(), clock, registry, clients_max=1)

    async with (
        serving(services, hub) as port,
        connect(f"ws://127.0.0.1:{port}/ws", max_size=None),
        connect(f"ws://127.0.0.1:{port}/ws") as refused,
    ):
        with pytest.raises(ConnectionClosed):
            await refused.recv()

    assert refused.close_code == 1013


async def test_what_a_client_says_is_ignored_up_to_a_bound(services: Services) -> None:
    """Text and bytes are read and dropped; 64 KB at once are too much."""
    async with (
        serving(services, build_hub(services)) as port,
        connect(f"ws://127.0.0.1:{port}/ws") as websocket,
    ):
        await read_json(websocket)
        for _ in range(100):
            await websocket.send("hello")
            await websocket.send(b"hello")
        await (await websocket.ping())
        await websocket.send("x" * (65 << 10))
        with pytest.raises(ConnectionClosedError):
            await websocket.recv()

    assert websocket.close_code == 1009


async def test_unknown_websocket_path_is_refused(services: Services) -> None:
    """Only the two paths are live."""
    async with serving(services, build_hub(services)) as port:
        with pytest.raises(InvalidStatus):
            await connect(f"ws://127.0.0.1:{port}/api/v1/query")


async def test_client_that_leaves_is_forgotten(services: Services) -> None:
    """Leaving by closing, or without a word, ends the work for it."""
    hub = build_hub(services)
    async with serving(services, hub) as port:
        async with connect(f"ws://127.0.0.1:{port}/ws") as websocket:
            await read_json(websocket)
        (await open_silent(port)).close()
        async with httpx2.AsyncClient() as client, asyncio.timeout(5):
            url = f"http://127.0.0.1:{port}/metrics"
            while "sakshi_live_clients 0.0" not in (await client.get(url)).text:
                pass


async def test_http_is_answered_over_a_socket(services: Services, world: World) -> None:
    """The API over the wire, without a word about the software that serves it."""
    world.load({"__name__": "up"}, [1.0], 1000)

    async with serving(services, build_hub(services)) as port, httpx2.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/api/v1/query?query=up")

    assert answer.json()["data"]["result"][0]["value"][1] == "1"
    assert "server" not in answer.headers


async def test_signals_stay_with_the_owner_of_the_loop(services: Services) -> None:
    """Serving installs no signal handler."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    async with serving(services, build_hub(services)):
        during = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    assert during == before


def test_taken_port_is_an_error_that_names_the_address() -> None:
    """Found before anything is served; also where the other listens without accepting."""
    with contextlib.closing(listen("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressInUseError) as caught:
            listen("127.0.0.1", port)

    assert (caught.value.host, caught.value.port) == ("127.0.0.1", port)
    assert str(caught.value) == f"127.0.0.1:{port} is in use by another process"


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("192.0.2.1", "cannot listen at 192.0.2.1:9090: "),
        ("no such host", "cannot listen at no such host:9090: "),
        ("2001:db8::1", "cannot listen at [2001:db8::1]:9090: "),
    ],
)
def test_address_that_is_not_ours_is_an_error_with_the_reason(host: str, message: str) -> None:
    """What the system says stands beside the address."""
    with pytest.raises(ListenError) as caught:
        listen(host, 9090)

    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) > len(message)


async def open_silent(port: int) -> socket.socket:
    """Return a WebSocket that was opened and is never read from."""
    silent = socket.socket()
    silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    silent.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(silent, ("127.0.0.1", port))
    await loop.sock_sendall(silent, handshake("/ws", {"Host": f"127.0.0.1:{port}"}))
    assert (await loop.sock_recv(silent, 12)).endswith(b" 101")
    return silent


async def upgrade(port: int, path: str, headers: dict[str, str]) -> int:
    """Return the status that a WebSocket's handshake is answered with."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(handshake(path, headers))
        line = await asyncio.wait_for(reader.readline(), 5)
        return int(line.split()[1])
    finally:
        writer.close()
        await writer.wait_closed()


def handshake(path: str, headers: dict[str, str]) -> bytes:
    lines = {
        **headers,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"GET {path} HTTP/1.1\r\n{text}\r\n".encode()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()
