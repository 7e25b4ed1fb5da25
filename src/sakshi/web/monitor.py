"""sakshi's own part of the API: dashboard definition, KPI readings, deliveries, transitions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from sakshi.kpi import Reading, read_kpi
from sakshi.model.clock import format_timestamp
from sakshi.web.alert_view import view_delivery, view_transition
from sakshi.web.answer import success
from sakshi.web.dashboard import define_dashboard
from sakshi.web.parameter import Parameters, invalid_parameter, read_parameters
from sakshi.web.services import Services

ROWS_DEFAULT: Final = 100
ROWS_MAX: Final = 1000


async def dashboard(services: Services, request: Request) -> Response:
    """Answer what the page shows: groups, KPIs, panels."""
    return success(define_dashboard(services.dashboard, services.kpis, services.version))


async def kpis(services: Services, request: Request) -> Response:
    """Answer each KPI's value and verdict now: `timeout`."""
    parameters = await read_parameters(request)
    at_ms = services.clock.now_ms()
    window = services.dashboard.window

    def read(timeout_seconds: float) -> Sequence[Reading]:
        return [
            read_kpi(
                services.engine, kpi.with_window(window), at_ms, timeout_seconds=timeout_seconds
            )
            for kpi in services.kpis
        ]

    readings = await services.queries.run(read, parameters.timeout_seconds())
    return success(
        {"at": format_timestamp(at_ms), "kpis": [view_reading(reading) for reading in readings]}
    )


async def deliveries(services: Services, request: Request) -> Response:
    """Answer the newest deliveries, newest first: `limit` (100, at most 1000)."""
    limit = _rows(await read_parameters(request))
    rows = await asyncio.to_thread(services.ledger.deliveries, limit)
    return success(
        {
            "deliveries": [
                {
                    "fingerprint": row.fingerprint,
                    "labels": dict(row.alert_labels.pairs),
                    "group_key": row.destination.group_key,
                    **view_delivery(row),
                }
                for row in rows
            ]
        }
    )


async def transitions(services: Services, request: Request) -> Response:
    """Answer the newest transitions, newest first: `limit` (100, at most 1000)."""
    limit = _rows(await read_parameters(request))
    rows = await asyncio.to_thread(services.ledger.transitions, limit)
    return success({"transitions": [view_transition(row) for row in rows]})


def view_reading(reading: Reading) -> Mapping[str, object]:
    """Return a KPI's reading as the live message and `/api/v1/sakshi/kpis` show it."""
    return {
        "name": reading.kpi.name,
        "value": reading.value,
        "verdict": str(reading.verdict),
    }


def _rows(parameters: Parameters) -> int:
    limit = parameters.limit() or ROWS_DEFAULT
    if limit > ROWS_MAX:
        raise invalid_parameter("limit", f"expected at most {ROWS_MAX}, found {limit}")
    return limit
