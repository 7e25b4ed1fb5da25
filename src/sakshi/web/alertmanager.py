"""Whom alerts are handed to, and where their links lead: `/api/v1/alertmanagers`, `/graph`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sakshi.alerting.alertmanager import AlertmanagerStatus
from sakshi.model.clock import format_timestamp
from sakshi.promql.printer import print_expr
from sakshi.web.answer import success
from sakshi.web.services import Services


async def alertmanagers(services: Services, request: Request) -> Response:
    """Answer the Alertmanagers that are told of alerts, and those that relabelling dropped."""
    return success(
        {
            "activeAlertmanagers": [{"url": status.url} for status in services.alertmanagers()],
            "droppedAlertmanagers": [{"url": url} for url in services.dropped_alertmanagers()],
        }
    )


async def alertmanager_states(services: Services, request: Request) -> Response:
    """Answer how it stands with each Alertmanager that is told of alerts."""
    return success({"alertmanagers": [_view(status) for status in services.alertmanagers()]})


async def graph(services: Services, request: Request) -> Response:
    """Lead from an alert's `generatorURL` to the page: to a card of the rule's, if it is active."""
    fingerprint = _find_alert(services, request.query_params.get("g0.expr", ""))
    return RedirectResponse(f"./#alert={fingerprint}" if fingerprint else "./")


def _view(status: AlertmanagerStatus) -> dict[str, object]:
    accepted_ms = status.accepted_ms
    return {
        "url": status.url,
        "waiting": status.waiting,
        "refused": status.refused,
        "accepted_at": None if accepted_ms is None else format_timestamp(accepted_ms),
        "last_error": status.last_error,
    }


def _find_alert(services: Services, query: str) -> str | None:
    """Return the fingerprint of the first alert of the rule with this expression."""
    for group in services.rule_groups():
        for rule in group.rules:
            if rule.alerts and query in (rule.rule.query, print_expr(rule.rule.expr)):
                return rule.alerts[0].fingerprint
    return None
