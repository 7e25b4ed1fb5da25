"""The dashboard: what the page shows, as configuration and as the definition that it reads."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sakshi.kpi import NO_DATA_SUFFIX, SEVERITIES, Kpi, Limit, aggregated_query, fill_window
from sakshi.rules import AlertingRule, RuleGroup
from sakshi.web.panel import DEFAULT_PANELS, Panel

STRATEGY_METRICS: Final = (
    "http_request_duration_seconds",
    "consciousness_response_time_seconds_sum",
    "consciousness_response_time_seconds_count",
    "consciousness_response_time_p95",
    "consciousness_pipeline_duration_seconds_sum",
    "consciousness_pipeline_duration_seconds_count",
    "consciousness_pipeline_duration_ms",
    "consciousness_pipeline_runs_total",
    "consciousness_pipeline_success_rate",
    "consciousness_pipeline_completions_per_second",
    "consciousness_messages_total",
    "consciousness_messages_per_second",
    "consciousness_memory_usage_bytes",
    "consciousness_coherence_score",
    "ai_model_response_time_seconds_sum",
    "ai_model_response_time_seconds_count",
    "ai_requests_total",
    "ai_api_calls_per_second",
    "ai_response_success_rate",
    "websocket_active_connections",
    "websocket_message_processing_ms",
    "database_active_connections",
    "database_connection_success_rate",
    "cpu_usage_percent",
    "memory_usage_percent",
)
"""What `metrics` of the live message holds beside the KPIs' metrics; buckets are for queries."""


@dataclass(frozen=True)
class Dashboard:
    """`dashboard` of sakshi.yml.

    Args:
        interval_seconds: from one periodic message to the next; at least 1.
        window: a duration, put in place of `$window` in the expressions of KPIs and panels.
        metrics: names whose series the periodic message carries.
        panels: in the order in which they are drawn.
        series_max: how many series `metrics` of a message may hold.
    """

    interval_seconds: float = 5.0
    window: str = "5m"
    metrics: Sequence[str] = STRATEGY_METRICS
    panels: Sequence[Panel] = DEFAULT_PANELS
    series_max: int = 2000  # some 150 KB a message

    def __post_init__(self) -> None:
        assert self.interval_seconds >= 1, "dashboard.interval is at least 1 s"


_LIMITS: Final = {severity: str(name) for name, severity in SEVERITIES.items()}


def define_dashboard(
    dashboard: Dashboard,
    kpis: Sequence[Kpi],
    version: str,
    rule_groups: Sequence[RuleGroup] = (),
    indicators: Mapping[str, Sequence[str]] | None = None,
) -> Mapping[str, object]:
    """Return what `/api/v1/sakshi/dashboard` answers; docs/formats/websocket.md describes it.

    Args:
        dashboard: what is shown.
        kpis: their windows filled in.
        version: of sakshi.
        rule_groups: all, with the rules that watch the KPIs.
        indicators: names of the baselines' indicators, by the KPI that they are about.
    """
    groups = dict.fromkeys(kpi.group for kpi in kpis)
    rules = find_kpi_rules(kpis, rule_groups)
    indicators = indicators or {}
    return {
        "version": version,
        "interval_seconds": dashboard.interval_seconds,
        "window": dashboard.window,
        "groups": [{"name": name, "title": group_title(name)} for name in groups],
        "kpis": [
            {
                **_define_kpi(kpi),
                "rules": rules.get(kpi.name, ()),
                "indicators": indicators.get(kpi.name, ()),
            }
            for kpi in kpis
        ],
        "panels": [_define_panel(panel, dashboard.window) for panel in dashboard.panels],
    }


def group_title(name: str) -> str:
    """Return a KPI group's name in words.

    Example:
        >>> group_title("responseTime"), group_title("aiQuality")
        ('Response time', 'AI quality')
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    return re.sub(r"\bAi\b", "AI", words[:1].upper() + words[1:])


def _define_kpi(kpi: Kpi) -> Mapping[str, object]:
    return {
        "name": kpi.name,
        "group": kpi.group,
        "title": kpi.title,
        "metric": kpi.metric,
        "expr": aggregated_query(kpi),
        "series": kpi.value_selector,
        "unit": kpi.unit,
        "statistic": str(kpi.statistic),
        "aggregation": str(kpi.aggregation),
        "window": kpi.window,
        "observations": kpi.observations,
        "min_observations": kpi.min_observations,
        "condition": kpi.condition,
        "covered_by": kpi.covered_by,
        "recovery": kpi.recovery,
        "no_data": str(kpi.no_data),
        "target": _define_limit(kpi.target),
        "warning": _define_limit(kpi.warning),
        "critical": _define_limit(kpi.critical),
    }


def find_kpi_rules(
    kpis: Sequence[Kpi], groups: Sequence[RuleGroup]
) -> Mapping[str, Sequence[Mapping[str, object]]]:
    """Return the alerting rules that watch each KPI: generated ones, and the one that it names."""
    watched_by: dict[str, list[str]] = {}
    for kpi in kpis:
        if kpi.alert:
            watched_by.setdefault(kpi.alert, []).append(kpi.name)
    found: dict[str, list[Mapping[str, object]]] = {}
    for group in groups:
        for rule in group.rules:
            if isinstance(rule, AlertingRule):
                own = rule.labels.get("kpi", "")
                for name in [own] if own else watched_by.get(rule.alert, []):
                    found.setdefault(name, []).append(_define_rule(rule, group))
    return found


def _define_rule(rule: AlertingRule, group: RuleGroup) -> Mapping[str, object]:
    severity = rule.labels.get("severity", "")
    is_no_data = bool(rule.labels.get("kpi")) and rule.alert.endswith(NO_DATA_SUFFIX)
    return {
        "alert": rule.alert,
        "severity": severity,
        "limit": "no_data" if is_no_data else _LIMITS.get(severity, ""),
        "expr": rule.query,
        "hold_seconds": rule.hold_ms / 1000,
        "file": group.file,
        "group": group.name,
    }


def _define_limit(limit: Limit | None) -> Mapping[str, object] | None:
    if limit is None:
        return None
    return {"operator": str(limit.operator), "value": limit.value, "text": str(limit)}


def _define_panel(panel: Panel, window: str) -> Mapping[str, object]:
    return {
        "id": panel.id,
        "title": panel.title,
        "unit": panel.unit,
        "queries": [
            {"legend": query.legend, "expr": fill_window(query.expr, window)}
            for query in panel.queries
        ],
        "thresholds": [
            {"name": threshold.name, "value": float(threshold.value)}
            for threshold in panel.thresholds
        ],
    }
