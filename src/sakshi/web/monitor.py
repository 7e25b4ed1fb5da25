"""sakshi's own part of the API: dashboard definition, KPI readings, deliveries, transitions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from sakshi.kpi import Judgement, worst
from sakshi.model.clock import format_timestamp
from sakshi.web.alert_view import view_delivery, view_transition
from sakshi.web.answer import success
from sakshi.web.baseline_view import find_indicators
from sakshi.web.dashboard import define_dashboard
from sakshi.web.parameter import Parameters, invalid_parameter, read_parameters
from sakshi.web.services import Services

ROWS_DEFAULT: Final = 100
ROWS_MAX: Final = 1000


async def dashboard(services: Services, request: Request) -> Response:
    """Answer what the page shows: groups, KPIs, panels."""
    groups = [status.group for status in services.rule_groups()]
    indicators = find_indicators(services.baselines.indicators)
    return success(
        define_dashboard(services.dashboard, services.kpis, services.version, groups, indicators)
    )


async def kpis(services: Services, request: Request) -> Response:
    """Answer the newest judgement of each KPI, and the verdict on all of them."""
    judgements = services.judgements()
    at_ms = judgements[0].at_ms if judgements else services.clock.now_ms()
    return success(
        {
            "at": format_timestamp(at_ms),
            "verdict": str(worst(judgement.counts_as for judgement in judgements)),
            "kpis": [view_judgement(judgement) for judgement in judgements],
        }
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


def view_judgement(judgement: Judgement) -> Mapping[str, object]:
    """Return a judgement as the live message and `/api/v1/sakshi/kpis` show it."""
    since_ms = judgement.since_ms
    return {
        "name": judgement.kpi.name,
        "value": judgement.value,
        "verdict": str(judgement.verdict),
        "since": None if since_ms is None else format_timestamp(since_ms),
        "observations": judgement.observations,
        "distances": {str(name): value for name, value in judgement.distances.items()},
        "counts_as": str(judgement.counts_as),
        "reason": judgement.ruling.reason,
        "warning": judgement.ruling.warning,
    }


def _rows(parameters: Parameters) -> int:
    limit = parameters.limit() or ROWS_DEFAULT
    if limit > ROWS_MAX:
        raise invalid_parameter("limit", f"expected at most {ROWS_MAX}, found {limit}")
    return limit
