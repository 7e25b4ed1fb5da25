"""`/api/v1/rules` and `/api/v1/alerts`, as Prometheus answers them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from sakshi.model.alert import Alert, AlertState
from sakshi.model.clock import format_timestamp
from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, matches_all
from sakshi.rules.rule import (
    AlertingRule,
    RecordingRule,
    Rule,
    RuleGroup,
    RuleGroupStatus,
    RuleStatus,
)
from sakshi.web.alert_view import with_newest_values
from sakshi.web.answer import success
from sakshi.web.parameter import Parameters, invalid_parameter, read_parameters
from sakshi.web.series import parse_selectors
from sakshi.web.services import Services

NEVER: Final = "0001-01-01T00:00:00Z"  # Go's zero time: not evaluated, not scraped yet

_RULE_TYPES: Final[Mapping[str, tuple[type[Rule], ...]]] = {
    "": (AlertingRule, RecordingRule),
    "alert": (AlertingRule,),
    "record": (RecordingRule,),
}
_FROM_WORST: Final = (AlertState.FIRING, AlertState.PENDING)


@dataclass(frozen=True)
class _RuleFilter:
    types: tuple[type[Rule], ...]
    names: Sequence[str]
    groups: Sequence[str]
    files: Sequence[str]
    selectors: Sequence[Sequence[Matcher]]
    with_alerts: bool

    def keeps_group(self, status: RuleGroupStatus) -> bool:
        group = status.group
        return (not self.groups or group.name in self.groups) and (
            not self.files or group.file in self.files
        )

    def keeps_rule(self, status: RuleStatus, group: RuleGroup) -> bool:
        labels = Labels({**group.labels, **status.rule.labels})
        return (
            isinstance(status.rule, self.types)
            and (not self.names or status.rule.name in self.names)
            and (not self.selectors or any(matches_all(one, labels) for one in self.selectors))
        )


@dataclass(frozen=True)
class _Page:
    """Which groups are wanted of those that are there.

    Args:
        limit: so many at most; 0: all.
        token: of the first; empty: from the beginning.
    """

    limit: int
    token: str


async def rules(services: Services, request: Request) -> Response:
    """Answer the rule groups.

    Parameters: `type=alert|record`, `rule_name[]`, `rule_group[]`, `file[]`, `match[]`,
    `exclude_alerts`, `group_limit`, `group_next_token`.
    """
    parameters = await read_parameters(request)
    chosen, page = _rule_filter(parameters), _read_page(parameters)
    statuses = _from_token(services.rule_groups(), page.token)
    groups: list[object] = []
    for status in statuses:
        rules = [rule for rule in status.rules if chosen.keeps_rule(rule, status.group)]
        if not rules or not chosen.keeps_group(status):
            continue
        if page.limit and len(groups) == page.limit:
            return success({"groups": groups, "groupNextToken": _token(status.group)})
        shown = [_rule(rule, status.group, chosen.with_alerts) for rule in rules]
        groups.append(_group(status, shown))
    return success({"groups": groups})


async def alerts(services: Services, request: Request) -> Response:
    """Answer the alerts that are pending or firing."""
    known = (alert for alert in services.alerts() if alert.state in _FROM_WORST)
    active = with_newest_values(known, services.rule_groups())
    return success({"alerts": [_alert(alert) for alert in active]})


def _rule_filter(parameters: Parameters) -> _RuleFilter:
    kind = parameters.text("type").lower()
    if kind not in _RULE_TYPES:
        raise invalid_parameter("type", f'not supported value "{kind}"')
    exclude = parameters.text("exclude_alerts").lower()
    if exclude not in ("", "true", "false", "1", "0"):
        raise invalid_parameter("exclude_alerts", f'not supported value "{exclude}"')
    return _RuleFilter(
        _RULE_TYPES[kind],
        parameters.texts("rule_name[]"),
        parameters.texts("rule_group[]"),
        parameters.texts("file[]"),
        parse_selectors(parameters.texts("match[]")),
        exclude not in ("true", "1"),
    )


def _read_page(parameters: Parameters) -> _Page:
    token = parameters.text("group_next_token")
    if not parameters.text("group_limit"):
        if token:
            raise invalid_parameter(
                "group_limit",
                "group_limit needs to be present in order to paginate over the groups",
            )
        return _Page(0, "")
    limit = parameters.limit("group_limit")
    if not limit:
        raise invalid_parameter("group_limit", "group_limit needs to be greater than 0")
    return _Page(limit, token)


def _from_token(statuses: Sequence[RuleGroupStatus], token: str) -> Sequence[RuleGroupStatus]:
    """Return the groups from the one with this token on."""
    if not token:
        return statuses
    for index, status in enumerate(statuses):
        if _token(status.group) == token:
            return statuses[index:]
    raise invalid_parameter(
        "group_next_token", f"invalid group_next_token '{token}'. were rule groups changed?"
    )


def _token(group: RuleGroup) -> str:
    """Return what names a group as the first of a page."""
    name = f"{group.file};{group.name}".encode()
    return hashlib.sha1(name, usedforsecurity=False).hexdigest()


def _group(status: RuleGroupStatus, rules: Sequence[object]) -> Mapping[str, object]:
    return {
        "name": status.group.name,
        "file": status.group.file,
        "rules": rules,
        "interval": status.group.interval_ms / 1000,
        "limit": status.group.limit,
        "evaluationTime": status.last_duration_seconds,
        "lastEvaluation": format_moment(status.last_evaluation_ms),
    }


def _rule(status: RuleStatus, group: RuleGroup, with_alerts: bool) -> Mapping[str, object]:
    rule = status.rule
    common: dict[str, object] = {
        "name": rule.name,
        "query": rule.query,
        "labels": {**group.labels, **rule.labels},
        "health": str(status.health),
        "evaluationTime": status.last_duration_seconds,
        "lastEvaluation": format_moment(status.last_evaluation_ms),
    }
    if status.last_error:
        common["lastError"] = status.last_error
    if isinstance(rule, RecordingRule):
        return {**common, "type": "recording"}
    states = {alert.state for alert in status.alerts}
    state = next((state for state in _FROM_WORST if state in states), AlertState.INACTIVE)
    return {
        "state": str(state),
        **common,
        "duration": rule.hold_ms / 1000,
        "keepFiringFor": rule.keep_firing_ms / 1000,
        "annotations": dict(rule.annotations),
        "alerts": [_alert(alert) for alert in status.alerts] if with_alerts else None,
        "type": "alerting",
    }


def _alert(alert: Alert) -> Mapping[str, object]:
    answer: dict[str, object] = {
        "labels": dict(alert.labels.pairs),
        "annotations": dict(alert.annotations.pairs),
        "state": str(alert.state),
        "activeAt": format_moment(alert.active_at_ms),
        "value": format_scientific(alert.value),
    }
    if alert.keep_firing_since_ms is not None:
        answer["keepFiringSince"] = format_moment(alert.keep_firing_since_ms)
    return answer


def format_moment(timestamp_ms: int | None) -> str:
    """Return a moment as RFC 3339; Go's zero time where it never came."""
    return NEVER if timestamp_ms is None else format_timestamp(timestamp_ms)


def format_scientific(value: float) -> str:
    """Return a number as Go writes it with `'e', -1`, as Prometheus does for alerts.

    Example:
        >>> format_scientific(1.0), format_scientific(0.0123), format_scientific(float("inf"))
        ('1e+00', '1.23e-02', '+Inf')
    """
    if not np.isfinite(value):
        return "NaN" if np.isnan(value) else ("+Inf" if value > 0 else "-Inf")
    return np.format_float_scientific(value, trim="-", exp_digits=2)
