"""`/api/v1/targets`, as Prometheus answers it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from sakshi.model.duration import format_duration
from sakshi.scrape.target import TargetStatus
from sakshi.web.answer import success
from sakshi.web.parameter import invalid_parameter, read_parameters
from sakshi.web.rule import format_moment
from sakshi.web.services import Services

EXTERNAL_URL: Final = "web.external-url"

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_STATES: Final = ("", "any", "active", "dropped")


async def targets(services: Services, request: Request) -> Response:
    """Answer the scrape targets: `state=active|dropped|any`, `scrapePool`."""
    parameters = await read_parameters(request)
    state = parameters.text("state").lower()
    if state not in _STATES:
        raise invalid_parameter("state", f'not supported value "{state}"')
    pool = parameters.text("scrapePool")
    active = [
        _target(status, services.startup.flags.get(EXTERNAL_URL, ""))
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
            "droppedTargetCounts": (
                dict(services.dropped_target_counts()) if state != "active" else None
            ),
        }
    )


async def scrape_pools(services: Services, request: Request) -> Response:
    """Answer the names of all jobs, sorted."""
    return success({"scrapePools": sorted(services.dropped_target_counts())})


def globalize(url: str, external_url: str) -> str:
    """Return the URL of a target of this machine by the name that others know the machine by.

    Args:
        url: of the target.
        external_url: where people reach sakshi; empty: nobody knows.

    Source:
        prometheus/prometheus web/api/v1/api.go, getGlobalURL

    Example:
        >>> globalize("http://127.0.0.1:9100/metrics", "https://sakshi.example.org")
        'http://sakshi.example.org:9100/metrics'
    """
    parts, external = urlsplit(url), urlsplit(external_url)
    if parts.hostname not in _LOOPBACK or parts.port is None or not external.hostname:
        return url
    name = f"[{external.hostname}]" if ":" in external.hostname else external.hostname
    return parts._replace(netloc=f"{name}:{parts.port}").geturl()


def _target(status: TargetStatus, external_url: str) -> Mapping[str, object]:
    return {
        "discoveredLabels": dict(status.discovered_labels.pairs),
        "labels": dict(status.labels.pairs),
        "scrapePool": status.job_name,
        "scrapeUrl": status.url,
        "globalUrl": globalize(status.url, external_url),
        "lastError": status.last_error,
        "lastScrape": format_moment(status.last_scrape_ms),
        "lastScrapeDuration": status.last_duration_seconds,
        "health": str(status.health),
        "scrapeInterval": format_duration(status.interval_ms),
        "scrapeTimeout": format_duration(status.timeout_ms),
    }
