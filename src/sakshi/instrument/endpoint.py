"""The ASGI application behind /metrics.

Rendering 10,000 series takes prometheus_client 110 ms; it runs on a thread, so that the
application's event loop goes on.
"""

from __future__ import annotations

import gzip
import logging
from typing import NamedTuple
from urllib.parse import parse_qs

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.registry import Collector

from sakshi.instrument.asgi import Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

GZIP_LEVEL = 1  # 6 takes four times as long for a tenth less


class _Response(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class MetricsApp:
    """Exposes a registry; an object, so that a route takes it for an application."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; see `metrics_app`."""
        if scope["type"] != "http":
            raise RuntimeError(f"metrics_app serves http, not {scope['type']}")
        if scope["method"] in ("GET", "HEAD"):
            import asyncio  # here, because it doubles the SDK's import time

            response = await asyncio.to_thread(_render, self._registry, scope)
        else:
            response = _Response(405, [(b"allow", b"GET, HEAD")], b"")
        await send(_start(response))
        body = b"" if scope["method"] == "HEAD" else response.body
        await send({"type": "http.response.body", "body": body})


def metrics_app(registry: CollectorRegistry = REGISTRY) -> MetricsApp:
    """Return an ASGI application that exposes a registry at whatever path it is mounted.

    It answers GET and HEAD in the text format or in OpenMetrics, as `Accept` asks; compressed with
    gzip where `Accept-Encoding` names it; and only the families in `name[]` parameters, if any.
    A collector that raises makes a 500 that names the error's type, and is logged.

    Example:
        With Starlette: `Route("/metrics", metrics_app(registry))`.
    """
    return MetricsApp(registry)


def _render(registry: CollectorRegistry, scope: Scope) -> _Response:
    try:
        return _rendered(registry, scope)
    except Exception as error:
        logger.exception("event=exposition_failed")
        text = f"exposition failed: {type(error).__name__}\n".encode()
        return _Response(500, [(b"content-type", b"text/plain; charset=utf-8")], text)


def _rendered(registry: CollectorRegistry, scope: Scope) -> _Response:
    encode, content_type = choose_encoder(_header(scope, b"accept"))
    names = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("name[]")
    source: Collector = registry.restricted_registry(names) if names else registry
    body = encode(source)
    headers = [(b"content-type", content_type.encode()), (b"vary", b"accept-encoding")]
    if gzip_accepted(_header(scope, b"accept-encoding")):
        body = gzip.compress(body, GZIP_LEVEL)
        headers.append((b"content-encoding", b"gzip"))
    return _Response(200, headers, body)


def _header(scope: Scope, name: bytes) -> str:
    """Return a request header's values joined by commas; empty where it is absent."""
    return b",".join(value for key, value in scope["headers"] if key.lower() == name).decode(
        "latin-1"
    )


def _start(response: _Response) -> Message:
    length = (b"content-length", str(len(response.body)).encode())
    return {
        "type": "http.response.start",
        "status": response.status,
        "headers": [*response.headers, length],
    }
