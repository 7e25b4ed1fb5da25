"""Promise S1: nothing raised inside the SDK reaches the application."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from sakshi.instrument import Kinds, Metrics, MetricsMiddleware, ResourceReader
from sakshi.instrument.asgi import App, Message, Scope


class Sabotage(Exception):
    """What every broken part raises."""


def broken(*args: object, **kwargs: object) -> NoReturn:
    raise Sabotage


class BrokenRegistry(CollectorRegistry):
    def register(self, collector: Collector) -> None:
        raise Sabotage


class CounterWithoutLabels(Counter):
    labels = broken
    inc = broken


class GaugeWithoutValue(Gauge):
    labels = inc = dec = set = broken


class HistogramWithoutLabels(Histogram):
    labels = broken


class HistogramWithoutObserve(Histogram):
    observe = broken


class CounterThatIsNotBuilt(Counter):
    __init__ = broken


class GaugeThatIsNotBuilt(Gauge):
    __init__ = broken


class HistogramThatIsNotBuilt(Histogram):
    __init__ = broken


def broken_endpoint(scope: Scope, root_path: str) -> str:
    raise Sabotage


SABOTAGES: dict[str, Callable[[], Metrics]] = {
    "nothing is broken": lambda: Metrics(CollectorRegistry()),
    "the registry": lambda: Metrics(BrokenRegistry()),
    "the timer": lambda: Metrics(CollectorRegistry(), timer=broken),
    "the resources": lambda: Metrics(CollectorRegistry(), resources=ResourceReader(timer=broken)),
    "the budget": lambda: Metrics(CollectorRegistry(), label_sets_max="many"),  # type: ignore[arg-type] # a wrong type is one way to break
    "two in one registry": lambda: (r := CollectorRegistry(), Metrics(r), Metrics(r))[-1],
    **{
        f"the kind {kind.__name__}": lambda field=field, kind=kind: Metrics(  # type: ignore[misc] # the defaults bind the loop's values
            CollectorRegistry(), kinds=Kinds(**{field: kind})
        )
        for field, kind in [
            ("counter", CounterWithoutLabels),
            ("counter", CounterThatIsNotBuilt),
            ("gauge", GaugeWithoutValue),
            ("gauge", GaugeThatIsNotBuilt),
            ("histogram", HistogramWithoutLabels),
            ("histogram", HistogramWithoutObserve),
            ("histogram", HistogramThatIsNotBuilt),
        ]
    },
}


class UnprintableId:
    def __str__(self) -> str:
        raise Sabotage


def application(metrics: Metrics | None) -> Starlette:
    """Return an app that uses every part of the SDK, or the same app without it."""
    ids: list[Any] = ["ada", UnprintableId(), None, ["unhashable"]]

    async def think(request: Request) -> JSONResponse:
        if metrics is None:
            return JSONResponse({"thought": request.path_params["id"]})
        metrics.register_component("memory", "heap", broken)
        metrics.register_database_pool(broken)
        for user in ids:
            with metrics.pipeline_run(user), metrics.layer("memory", user):
                pass
            with metrics.provider_call("openai", user), metrics.database_attempt():
                metrics.count_message(user)
        metrics.layer("memory").end()
        return JSONResponse({"thought": request.path_params["id"]})

    async def stream(request: Request) -> StreamingResponse:
        async def chunks() -> Any:
            for number in range(3):
                yield f"data: {number}\n\n"

        return StreamingResponse(chunks(), headers={"x-a": "b"})

    async def fail(request: Request) -> JSONResponse:
        raise LookupError("the application's own")

    async def chat(websocket: WebSocket) -> None:
        await websocket.accept()
        if metrics is None:
            await websocket.send_text("hello " + await websocket.receive_text())
            return
        with metrics.websocket_turn() as turn:
            with turn.away():
                text = await websocket.receive_text()
            await websocket.send_text("hello " + text)

    return Starlette(
        routes=[
            Route("/think/{id}", think),
            Route("/stream", stream),
            Route("/fail", fail),
            WebSocketRoute("/chat", chat),
        ]
    )


async def transcript(app: App) -> list[object]:
    """Return everything that a server would see of the app, errors included."""
    seen: list[object] = []

    async def send(message: Message) -> None:
        seen.append(dict(message))

    def inbox(*messages: Message) -> Any:
        queue = iter(messages)

        async def receive() -> Message:
            return next(queue)

        return receive

    for method, path in itertools.product(
        ["GET", "BREW"], ["/think/7", "/stream", "/fail", "/gone"]
    ):
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": [],
            "query_string": b"",
            "asgi": {"spec_version": "2.4"},
        }
        try:
            await app(scope, inbox({"type": "http.request", "body": b""}), send)
        except Exception as error:
            seen.append(repr(error))
    hello = {"type": "websocket.receive", "text": "witness"}
    await app(
        {"type": "websocket", "path": "/chat", "headers": [], "query_string": b""},
        inbox({"type": "websocket.connect"}, hello, {"type": "websocket.disconnect"}),
        send,
    )
    lifespan = inbox({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    await app({"type": "lifespan", "asgi": {}}, lifespan, send)
    return seen


@pytest.mark.parametrize("sabotage", SABOTAGES)
async def test_responses_are_byte_identical_with_the_sdk_on_off_or_broken(sabotage: str) -> None:
    """Whatever part of the SDK raises, the application's every message and error is the same."""
    expected = await transcript(application(None))
    metrics = SABOTAGES[sabotage]()

    watched = await transcript(MetricsMiddleware(application(metrics), metrics))

    assert watched == expected
    assert len(watched) > 15


async def test_a_broken_endpoint_function_loses_the_record_and_nothing_else() -> None:
    """The one callback of the middleware may raise as well."""
    metrics = Metrics(CollectorRegistry())
    expected = await transcript(application(None))

    app = MetricsMiddleware(application(metrics), metrics, endpoint_of=broken_endpoint)

    assert await transcript(app) == expected
    assert metrics.shield.failures["asgi_labels"] == 8


@pytest.mark.parametrize("sabotage", [name for name in SABOTAGES if name != "nothing is broken"])
async def test_every_sabotage_is_counted(sabotage: str) -> None:
    """What was kept away is not hidden: the SDK says what failed in it."""
    metrics = SABOTAGES[sabotage]()

    await transcript(MetricsMiddleware(application(metrics), metrics))

    exposed = [sample for family in metrics.shield.collect() for sample in family.samples]
    assert sum(sample.value for sample in exposed) >= 1


def test_the_failures_of_the_sdk_are_exposed() -> None:
    """`sakshi_instrument_errors_total{site}` is on the same page."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)

    metrics.observe(1.0, metrics.ai_model_response_time, "one label too few")

    labels = {"site": "observe"}
    assert registry.get_sample_value("sakshi_instrument_errors_total", labels) == 1
