"""`/api/v1/targets`, as Prometheus answers it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from sakshi.model.duration import format_duration
from sakshi.scrape.target import TargetStatus
from sakshi.web.answer import success
from sakshi.web.parameter import invalid_parameter, read_parameters
from sakshi.web.rule import format_moment
from sakshi.web.services import Services

_STATES: Final = ("", "any", "active", "dropped")


async def targets(services: Services, request: Request) -> Response:
    """Answer the scrape targets: `state=active|dropped|any`, `scrapePool`."""
    parameters = await read_parameters(request)
    state = parameters.text("state").lower()
    if state not in _STATES:
        raise invalid_parameter("state", f'not supported value "{state}"')
    pool = parameters.text("scrapePool")
    active = [
        _target(status)
        for status in (services.targets() if state != "dropped" else ())
        if pool in ("", status.job_name)
    ]
    dropped = [
        {"discoveredLabels": dict(target.discovered_labels.pairs), "scrapePool": target.job_name}
        for target in (services.dropped_targets() if state != "active" else ())
        if pool in ("", target.job_name)
    ]
    return success(
        {
            "activeTargets": active,
            "droppedTargets": dropped,
            "droppedTargetCounts": dict(services.dropped_target_counts()),
        }
    )


def _target(status: TargetStatus) -> Mapping[str, object]:
    return {
        "discoveredLabels": dict(status.discovered_labels.pairs),
        "labels": dict(status.labels.pairs),
        "scrapePool": status.job_name,
        "scrapeUrl": status.url,
        "globalUrl": status.url,
        "lastError": status.last_error,
        "lastScrape": format_moment(status.last_scrape_ms),
        "lastScrapeDuration": status.last_duration_seconds,
        "health": str(status.health),
        "scrapeInterval": format_duration(status.interval_ms),
        "scrapeTimeout": format_duration(status.timeout_ms),
    }
