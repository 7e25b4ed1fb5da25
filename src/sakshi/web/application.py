"""The application: a table of routes, bound to the services."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from sakshi.web import (
    admin,
    alertmanager,
    baseline,
    expression,
    metadata,
    monitor,
    openapi,
    otlp,
    query,
    remote_write,
    rule,
    runtime,
    series,
    status,
    target,
)
from sakshi.web.answer import ERROR_HANDLERS
from sakshi.web.guard import HostGuard, SecurityHeaders
from sakshi.web.hub import Hub
from sakshi.web.live import LiveSource
from sakshi.web.live_socket import live_socket
from sakshi.web.metrics import RequestMetrics
from sakshi.web.page import Page
from sakshi.web.services import Handler, Services

_GET: Final = ("GET",)
_POST: Final = ("POST",)
_CHANGE: Final = ("POST", "PUT")
_QUERY: Final = ("GET", "POST")  # a long query does not fit into a URL

ROUTES: Final[tuple[tuple[str, tuple[str, ...], Handler], ...]] = (
    ("/api/v1/query", _QUERY, query.instant),
    ("/api/v1/query_range", _QUERY, query.range_),
    ("/api/v1/series", _QUERY, series.series),
    ("/api/v1/labels", _QUERY, series.label_names),
    ("/api/v1/label/{name}/values", _GET, series.label_values),
    ("/api/v1/format_query", _QUERY, expression.format_query),
    ("/api/v1/parse_query", _QUERY, expression.parse_query),
    ("/api/v1/query_exemplars", _QUERY, metadata.query_exemplars),
    ("/api/v1/metadata", _GET, metadata.metadata),
    ("/api/v1/targets/metadata", _GET, metadata.targets_metadata),
    ("/api/v1/write", _POST, remote_write.write),
    ("/api/v1/otlp/v1/metrics", _POST, otlp.metrics),
    ("/api/v1/rules", _GET, rule.rules),
    ("/api/v1/alerts", _GET, rule.alerts),
    ("/api/v1/targets", _GET, target.targets),
    ("/api/v1/scrape_pools", _GET, target.scrape_pools),
    ("/api/v1/alertmanagers", _GET, alertmanager.alertmanagers),
    ("/api/v1/admin/import", _POST, admin.import_samples),
    ("/api/v1/admin/tsdb/delete_series", _CHANGE, admin.delete_series),
    ("/api/v1/admin/tsdb/clean_tombstones", _CHANGE, admin.clean_tombstones),
    ("/api/v1/admin/tsdb/snapshot", _CHANGE, admin.snapshot),
    ("/api/v1/status/config", _GET, runtime.configuration),
    ("/api/v1/status/flags", _GET, runtime.flags),
    ("/api/v1/status/runtimeinfo", _GET, runtime.runtime_information),
    ("/api/v1/status/tsdb", _GET, runtime.tsdb),
    ("/api/v1/status/buildinfo", _GET, status.build_information),
    ("/api/v1/sakshi/dashboard", _GET, monitor.dashboard),
    ("/api/v1/sakshi/kpis", _GET, monitor.kpis),
    ("/api/v1/sakshi/baselines", ("GET", "POST"), baseline.baselines),
    ("/api/v1/sakshi/baselines/{name}", ("GET", "DELETE"), baseline.baseline),
    ("/api/v1/sakshi/baselines/{name}/comparison", _GET, baseline.comparison),
    ("/api/v1/sakshi/alertmanagers", _GET, alertmanager.alertmanager_states),
    ("/api/v1/sakshi/deliveries", _GET, monitor.deliveries),
    ("/api/v1/sakshi/transitions", _GET, monitor.transitions),
    ("/api/v1/sakshi/openapi.json", _GET, openapi.openapi),
    ("/graph", _GET, alertmanager.graph),
    ("/-/healthy", _GET, status.healthy),
    ("/-/ready", _GET, status.ready),
    ("/-/reload", _CHANGE, admin.reload),
    ("/metrics", _GET, status.metrics),
)
"""Path, methods and handler of each route of the API; HEAD comes with GET."""


def build_hub(services: Services) -> Hub:
    """Return the hub of the live messages about these services."""
    return Hub(
        LiveSource(services),
        services.clock,
        services.registry,
        interval_seconds=services.dashboard.interval_seconds,
    )


def build_app(services: Services, hub: Hub | None = None, page: Page | None = None) -> Starlette:
    """Return sakshi's ASGI application: API, WebSocket and page.

    It owns nothing that must be started or closed: it can be mounted in another ASGI application.

    Args:
        services: what the routes read.
        hub: whose messages the WebSocket sends; None: one of its own, told of no alert changes
            (it then sends the periodic message only).
        page: None: the one that ships with sakshi.
    """
    hub = hub or build_hub(services)
    page = page or Page()
    metrics = RequestMetrics(services.registry)
    socket = live_socket(hub)
    routes: list[BaseRoute] = [
        Route(path, _bind(handler, services, metrics, path), methods=methods)
        for path, methods, handler in ROUTES
    ]
    routes += [
        WebSocketRoute("/ws", socket),
        WebSocketRoute("/", socket),
        Route("/", page.index),
        Route("/assets/{name:path}", page.asset),
        Route("/{name}", page.beside),
    ]
    return Starlette(
        routes=routes, middleware=_middleware(services), exception_handlers=dict(ERROR_HANDLERS)
    )


def _middleware(services: Services) -> list[Middleware]:
    guard = (
        [Middleware(HostGuard, hosts=services.allowed_hosts)]
        if services.allowed_hosts is not None
        else []
    )
    return [Middleware(SecurityHeaders), *guard]


def _bind(
    handler: Handler, services: Services, metrics: RequestMetrics, path: str
) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of a handler."""
    duration = metrics.duration.labels(path)
    errors = metrics.errors.labels(path)

    async def endpoint(request: Request) -> Response:
        with duration.time(), errors.count_exceptions():
            return await handler(services, request)

    return endpoint
