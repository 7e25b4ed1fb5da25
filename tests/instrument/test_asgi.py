"""The ASGI middleware: streaming, WebSockets, labels."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from sakshi.instrument import OTHER, Metrics, MetricsMiddleware
from sakshi.instrument.asgi import UNMATCHED, App, Message, Receive, Scope, Send

NAME = "consciousness_response_time_seconds"


class Timer:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Service:
    """An application whose handlers move the timer, and what was recorded of it."""

    def __init__(self) -> None:
        self.timer = Timer()
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry, timer=self.timer)
        inner = [Route("/{order}", self.hello)]
        self.routes = Starlette(
            routes=[
                Route("/users/{id:int}", self.hello, methods=["GET", "POST"]),
                Route("/stream", self.stream),
                Route("/broken", self.broken),
                Route("/half", self.half),
                Route("/after", self.after),
                Route("/metrics", self.hello),
                Mount("/shop/{tenant}", routes=inner),
                Mount("/static", app=self.plain),
                WebSocketRoute("/ws", self.chat),
            ]
        )
        self.app = MetricsMiddleware(self.routes, self.metrics)
        self.open_during_chat: float | None = None

    async def hello(self, request: Request) -> PlainTextResponse:
        self.timer.seconds += 0.2
        return PlainTextResponse("hello")

    async def plain(self, scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("file")(scope, receive, send)

    async def stream(self, request: Request) -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(4):
                self.timer.seconds += 1
                yield b"x"

        return StreamingResponse(chunks())

    async def broken(self, request: Request) -> PlainTextResponse:
        raise LookupError("no such thought")

    async def half(self, request: Request) -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"x"
            raise LookupError("lost the thread")

        return StreamingResponse(chunks())

    async def after(self, request: Request) -> PlainTextResponse:
        async def work() -> None:
            self.timer.seconds += 60

        return PlainTextResponse("now", background=BackgroundTask(work))

    async def chat(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.open_during_chat = self.open_sockets()
        await websocket.receive_text()
        await websocket.receive()

    def open_sockets(self) -> float | None:
        return self.registry.get_sample_value("websocket_active_connections")

    def value(self, suffix: str, endpoint: str, method: str = "GET", status: str = "200") -> float:
        labels = {"endpoint": endpoint, "method": method, "status": status}
        return self.registry.get_sample_value(f"{NAME}_{suffix}", labels) or 0.0

    def series(self) -> int:
        return sum(
            sample.name == f"{NAME}_count"
            for family in self.registry.collect()
            for sample in family.samples
        )

    async def request(self, method: str, path: str) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://service") as client:
            return await client.request(method, path)


@pytest.fixture
def service() -> Service:
    return Service()


async def test_the_endpoint_is_the_routes_template(service: Service) -> None:
    """A thousand users are one series."""
    for user in range(1000):
        await service.request("GET", f"/users/{user}")

    assert service.value("count", "/users/{id:int}") == 1000
    assert service.value("sum", "/users/{id:int}") == pytest.approx(200)
    assert service.series() == 1


async def test_paths_without_a_route_are_one_series(service: Service) -> None:
    """Whoever scans for files makes no labels."""
    for number in range(50):
        await service.request("GET", f"/wp-admin/{number}.php")

    assert service.value("count", UNMATCHED, status="404") == 50
    assert service.series() == 1


async def test_methods_that_http_does_not_know_are_one_series(service: Service) -> None:
    """Whoever invents methods makes no labels."""
    for number in range(20):
        await service.request(f"BREW{number}", "/users/1")

    assert service.value("count", "/users/{id:int}", OTHER, "405") == 20


async def test_a_streamed_response_is_timed_to_its_last_byte(service: Service) -> None:
    """Four chunks of one second are four seconds."""
    await service.request("GET", "/stream")

    assert service.value("sum", "/stream") == pytest.approx(4)


async def test_work_after_the_response_is_not_part_of_it(service: Service) -> None:
    """A background task of a minute does not make a response slow."""
    await service.request("GET", "/after")

    assert service.value("sum", "/after") == 0
    assert service.value("count", "/after") == 1


async def test_an_exception_is_a_500_and_passes_unchanged(service: Service) -> None:
    """What the application raises arrives as it was raised."""
    error = LookupError("mine")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    watched = MetricsMiddleware(app, service.metrics)
    with pytest.raises(LookupError) as raised:
        await watched({"type": "http", "method": "GET", "path": "/x"}, no_receive, no_send)

    assert raised.value is error
    assert service.value("count", UNMATCHED, status="500") == 1


async def test_a_stream_that_breaks_is_a_500(service: Service) -> None:
    """The headers said 200, but the answer failed."""
    with pytest.raises(LookupError):
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=service.app), base_url="http://service"
        ) as client:
            await client.get("/half")

    assert service.value("count", "/half", status="500") == 1


async def test_a_cancelled_request_is_a_499(service: Service) -> None:
    """A request that was given up before its answer is no server error."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError

    watched = MetricsMiddleware(app, service.metrics)
    with pytest.raises(asyncio.CancelledError):
        await watched({"type": "http", "method": "GET", "path": "/x"}, no_receive, no_send)

    assert service.value("count", UNMATCHED, status="499") == 1


async def test_the_scrape_is_not_recorded(service: Service) -> None:
    """Watching does not change what is watched."""
    await service.request("GET", "/metrics")

    assert service.series() == 0


async def test_a_mounted_route_keeps_its_prefix_as_a_template(service: Service) -> None:
    """Below a mount the label is the whole template, the mount's parameters included."""
    await service.request("GET", "/shop/acme/17")
    await service.request("GET", "/static/logo.png")

    assert service.value("count", "/shop/{tenant}/{order}") == 1
    assert service.value("count", "/static") == 1


async def test_open_websockets_are_counted_while_they_are_open(service: Service) -> None:
    """One inside, none after; and a WebSocket is no HTTP request."""
    await websocket(service.app, "/ws", [{"type": "websocket.receive", "text": "hi"}])

    assert service.open_during_chat == 1
    assert service.open_sockets() == 0
    assert service.series() == 0


async def test_a_websocket_that_was_refused_was_never_open(service: Service) -> None:
    """Closing before accepting leaves the gauge alone."""
    await websocket(service.app, "/nowhere", [])

    assert service.open_sockets() == 0


async def test_a_websocket_handler_that_raises_is_closed(service: Service) -> None:
    """The gauge does not drift when handlers fail."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        raise LookupError("gone")

    with pytest.raises(LookupError):
        await websocket(MetricsMiddleware(app, service.metrics), "/ws", [])

    assert service.open_sockets() == 0


async def test_a_scope_of_an_unknown_type_passes(service: Service) -> None:
    """What the middleware does not know it hands on."""
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    await MetricsMiddleware(app, service.metrics)({"type": "quic"}, no_receive, no_send)

    assert seen == ["quic"]


@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_what_is_no_message_passes_to_the_server(service: Service, kind: str) -> None:
    """The server complains about it, not the middleware."""
    sent: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(None)  # type: ignore[arg-type] # no message is the point

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": kind, "method": "GET", "path": "/x"}
    await MetricsMiddleware(app, service.metrics)(scope, no_receive, send)

    assert sent == [None]


async def no_receive() -> Message:
    return {"type": "http.request", "body": b""}


async def no_send(message: Message) -> None: ...


async def websocket(app: App, path: str, messages: list[Message]) -> list[Message]:
    """Drive an app through one WebSocket; return what it sent."""
    inbox = [{"type": "websocket.connect"}, *messages, {"type": "websocket.disconnect"}]
    sent: list[Message] = []

    async def receive() -> Message:
        return inbox.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(
        {"type": "websocket", "path": path, "headers": [], "query_string": b"", "subprotocols": []},
        receive,
        send,
    )
    return sent
