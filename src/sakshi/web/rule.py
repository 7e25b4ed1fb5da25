"""`/api/v1/rules` and `/api/v1/alerts`, as Prometheus answers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from sakshi.model.alert import Alert, AlertState
from sakshi.model.clock import format_timestamp
from sakshi.rules.rule import AlertingRule, RecordingRule, Rule, RuleGroupStatus, RuleStatus
from sakshi.web.alert_view import with_newest_values
from sakshi.web.answer import success
from sakshi.web.parameter import Parameters, invalid_parameter, read_parameters
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
    with_alerts: bool

    def keeps_group(self, status: RuleGroupStatus) -> bool:
        group = status.group
        return (not self.groups or group.name in self.groups) and (
            not self.files or group.file in self.files
        )

    def keeps_rule(self, status: RuleStatus) -> bool:
        return isinstance(status.rule, self.types) and (
            not self.names or status.rule.name in self.names
        )


async def rules(services: Services, request: Request) -> Response:
    """Answer the rule groups.

    Parameters: `type=alert|record`, `rule_name[]`, `rule_group[]`, `file[]`, `exclude_alerts`.
    """
    chosen = _rule_filter(await read_parameters(request))
    groups = []
    for status in services.rule_groups():
        kept = [rule for rule in status.rules if chosen.keeps_rule(rule)]
        if kept and chosen.keeps_group(status):
            groups.append(_group(status, [_rule(rule, chosen.with_alerts) for rule in kept]))
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
        exclude not in ("true", "1"),
    )


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


def _rule(status: RuleStatus, with_alerts: bool) -> Mapping[str, object]:
    rule = status.rule
    common: dict[str, object] = {
        "name": rule.name,
        "query": rule.query,
        "labels": dict(rule.labels),
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
        "alerts": [_alert(alert) for alert in status.alerts] if with_alerts else [],
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
