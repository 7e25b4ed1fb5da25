"""Is sakshi alive, ready, and what is it: `/-/healthy`, `/-/ready`, `/metrics`, buildinfo."""

from __future__ import annotations

import asyncio
import platform
from typing import Final

from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sakshi.web.answer import success
from sakshi.web.services import Services

API_VERSION: Final = (
    "3.0.0"  # of Prometheus, whose HTTP API this is: Grafana chooses features by it
)


async def healthy(services: Services, request: Request) -> Response:
    """Answer that the process answers."""
    return PlainTextResponse("sakshi is healthy.\n")


async def ready(services: Services, request: Request) -> Response:
    """Answer whether sakshi is ready, and if not, what it waits for."""
    if waiting_for := services.readiness():
        return PlainTextResponse(f"sakshi is not ready: {waiting_for}\n", 503)
    return PlainTextResponse("sakshi is ready.\n")


async def metrics(services: Services, request: Request) -> Response:
    """Answer sakshi's own metrics, as text or OpenMetrics, whichever is asked for."""
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    body = await asyncio.to_thread(encode, services.registry)
    return Response(body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})


async def build_information(services: Services, request: Request) -> Response:
    """Answer the version of Prometheus' API that this is, and of sakshi."""
    return success(
        {
            "application": "sakshi",
            "applicationVersion": services.version,
            "version": API_VERSION,
            "revision": "",
            "branch": "",
            "buildUser": "",
            "buildDate": "",
            "goVersion": "",
            "pythonVersion": platform.python_version(),
        }
    )
