"""HTTP API, WebSocket and page.

In go requests, and the state of everything below as `Services`; out come Prometheus' HTTP API, the
live messages (docs/formats/websocket.md), sakshi's own metrics, and the page's files. Read
`application.py` first: the table of routes; then `hub.py`, the live side.

    services = Services(engine=..., querier=..., ...)
    hub, ready = build_hub(services), asyncio.Event()
    app, listener = build_app(services, hub), listen("127.0.0.1", 9090)
    await serve(app, listener, ready, before_shutdown=hub.close)
"""

from sakshi.web.application import build_app, build_hub
from sakshi.web.connection import ConnectionLimits
from sakshi.web.dashboard import STRATEGY_METRICS, Dashboard
from sakshi.web.description import (
    ExemplarQuerier,
    MetricDescription,
    SeriesExemplars,
    StoreAdmin,
)
from sakshi.web.errors import AddressInUseError, ApiError, ErrorKind, ListenError, WebError
from sakshi.web.guard import LOOPBACK_HOSTS, allowed_hosts
from sakshi.web.hub import Hub
from sakshi.web.page import Page
from sakshi.web.panel import DEFAULT_PANELS, Panel, PanelQuery, Threshold
from sakshi.web.query_pool import QueryPool
from sakshi.web.receiver import OnPush, Receiver
from sakshi.web.server import listen, serve
from sakshi.web.services import LedgerView, Services
from sakshi.web.startup import Startup, redact

__all__ = [
    "DEFAULT_PANELS",
    "LOOPBACK_HOSTS",
    "STRATEGY_METRICS",
    "AddressInUseError",
    "ApiError",
    "ConnectionLimits",
    "Dashboard",
    "ErrorKind",
    "ExemplarQuerier",
    "Hub",
    "LedgerView",
    "ListenError",
    "MetricDescription",
    "OnPush",
    "Page",
    "Panel",
    "PanelQuery",
    "QueryPool",
    "Receiver",
    "SeriesExemplars",
    "Services",
    "Startup",
    "StoreAdmin",
    "Threshold",
    "WebError",
    "allowed_hosts",
    "build_app",
    "build_hub",
    "listen",
    "redact",
    "serve",
]
