"""Pure ASGI middleware: times each HTTP response to its last byte and counts open WebSockets.

Idea: a streamed answer is as long as its stream, so the clock stops when the last body message was
handed over, not when the headers were; a WebSocket is no request, so it is a gauge and not an
endless duration. The label is the route's template, which the router writes into the scope while
the request runs, so labels are few whatever the paths are.

    status    what `http.response.start` said; 500 where the application raised before the last
              byte or answered nothing; 499 where it was cancelled before it answered
    endpoint  the template, `/users/{id}`; `__unmatched__` where no route matched
    method    one of HTTP's; `__other__` for the rest
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

from sakshi.instrument.family import OTHER
from sakshi.instrument.metrics import Metrics

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

UNMATCHED = "__unmatched__"
METHODS = {  # RFC 9110, RFC 5789
    method: method
    for method in (
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
    )
}  # fmt: skip
STATUSES = {code: str(code) for code in range(100, 600)}
CLIENT_GONE = 499  # nginx's code for a request that was given up before its answer


class MetricsMiddleware:
    """Watches an ASGI application without touching what passes between it and the server.

    Args:
        app: the application, whatever its framework.
        metrics: where durations and connections are recorded.
        skip: paths that are not recorded.
        endpoint_of: returns the label for a scope after the application ran, or None.
    """

    def __init__(
        self,
        app: App,
        metrics: Metrics,
        *,
        skip: Collection[str] = ("/metrics",),
        endpoint_of: Callable[[Scope, str], str | None] | None = None,
    ) -> None:
        self.app = app
        self._metrics = metrics
        self._skip = frozenset(skip)
        self._endpoint_of = endpoint_of or route_template

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on to the application and record what it did."""
        kind = scope.get("type")
        if kind == "http" and scope.get("path") not in self._skip:
            await self._http(scope, receive, send)
        elif kind == "websocket":
            await self._websocket(scope, receive, send)
        elif kind == "lifespan":
            await self._lifespan(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        metrics = self._metrics
        root_path = scope.get("root_path", "")
        status = 0
        ended: float | None = None
        started = metrics.now()

        async def watched_send(message: Message) -> None:
            nonlocal status, ended
            await send(message)
            try:
                kind = message["type"]
                if kind == "http.response.start":
                    status = message["status"]
                elif kind == "http.response.body" and not message.get("more_body"):
                    ended = metrics.now()
            except Exception:
                metrics.shield.failed("asgi_send")

        try:
            await self.app(scope, receive, watched_send)
        except Exception:
            status = status if ended is not None else 500
            raise
        except BaseException:
            status = status or CLIENT_GONE
            raise
        finally:
            seconds = (metrics.now() if ended is None else ended) - started
            self._record(scope, root_path, status or 500, seconds)

    def _record(self, scope: Scope, root_path: str, status: int, seconds: float) -> None:
        metrics = self._metrics
        try:
            endpoint = self._endpoint_of(scope, root_path) or UNMATCHED
            method = METHODS.get(scope["method"], OTHER)
            code = STATUSES.get(status, OTHER)
        except Exception:
            metrics.shield.failed("asgi_labels")
            return
        metrics.observe(seconds, metrics.response_time_histogram, endpoint, method, code)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        metrics = self._metrics
        is_open = False

        def closed() -> None:
            nonlocal is_open
            if is_open:
                is_open = False
                metrics.websocket_closed()

        async def watched_receive() -> Message:
            message = await receive()
            if _type_of(message) == "websocket.disconnect":
                closed()
            return message

        async def watched_send(message: Message) -> None:
            nonlocal is_open
            await send(message)
            kind = _type_of(message)
            if kind == "websocket.accept" and not is_open:
                is_open = True
                metrics.websocket_opened()
            elif kind == "websocket.close":
                closed()

        try:
            await self.app(scope, watched_receive, watched_send)
        finally:
            closed()

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        watch = self._metrics.watch_event_loop()
        try:
            await self.app(scope, receive, send)
        finally:
            watch.stop()


def route_template(scope: Scope, root_path: str) -> str | None:
    """Return the template of the route that Starlette or FastAPI matched; None where none did.

    Below a mount the router has lengthened `root_path`; what it added is put before the template,
    with the mount's own parameters written as their names.

    Args:
        scope: the request's, after the application ran.
        root_path: what `scope["root_path"]` was before it ran.
    """
    route = scope.get("route")
    template = getattr(route, "path", None)
    if not isinstance(template, str):
        return None
    mounted = scope.get("root_path", "")[len(root_path) :]
    if not mounted:
        return template
    if _is_mount(route):
        template = ""
    names = {str(value): f"{{{name}}}" for name, value in scope.get("path_params", {}).items()}
    prefix = "/".join(names.get(part, part) for part in mounted.split("/"))
    return prefix + template


def _is_mount(route: object) -> bool:
    return not hasattr(route, "endpoint")


def _type_of(message: Message) -> object:
    """Return a message's type; None where it is no message: the server will say so."""
    try:
        return message["type"]
    except Exception:
        return None
