"""The rules that KPIs become: their values recorded, and alerts on limits and missing data.

    kpi_values   sakshi_kpi_value{kpi}        the expression, where it may be judged
    kpi_alerts   OverallResponseTime          critical, warning; info: the target is missed
                 OverallResponseTimeNoData    where the KPI's policy is `alert`

An alert that fires is held by the limit's recovery value: `ALERTS` tells the rule that it fires. It
is plain PromQL: any Prometheus evaluates it to the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from sakshi.alerting import InhibitRule
from sakshi.kpi.expression import guards, value_query
from sakshi.kpi.kpi import (
    VALUE_SERIES,
    Kpi,
    LimitName,
    NoDataPolicy,
)
from sakshi.kpi.limit import Limit, LimitOperator
from sakshi.kpi.verdict import find_recovery
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.promql import parse_query
from sakshi.rules import AlertingRule, RecordingRule, Rule, RuleGroup

VALUES_GROUP: Final = "kpi_values"
ALERTS_GROUP: Final = "kpi_alerts"
SEVERITIES: Final = {
    LimitName.CRITICAL: "critical",
    LimitName.WARNING: "warning",
    LimitName.TARGET: "info",
}
NO_DATA_SEVERITY: Final = "warning"
NO_DATA_SUFFIX: Final = "NoData"
KEPT_FOR: Final = "1d"  # how old the last value may be that an alert is kept firing by

_WORDS: Final = {
    LimitName.CRITICAL: "beyond its critical limit",
    LimitName.WARNING: "beyond its warning limit",
    LimitName.TARGET: "off its target",
}


def generate_groups(
    kpis: Sequence[Kpi], file: str, interval_ms: int, rule_groups: Sequence[RuleGroup] = ()
) -> Sequence[RuleGroup]:
    """Return the rule groups that KPIs become; none where there are no KPIs.

    Args:
        kpis: their windows filled in.
        file: that the KPIs stand in: the name of the groups' file.
        interval_ms: from evaluation to evaluation.
        rule_groups: with the alerts that KPIs name as covering them.
    """
    covering = find_alerts(rule_groups)
    values = [_value_rule(kpi) for kpi in kpis]
    alerts = [rule for kpi in kpis for rule in generate_alerts(kpi, covering)]
    groups: Sequence[tuple[str, Sequence[Rule]]] = (
        (VALUES_GROUP, values),
        (ALERTS_GROUP, alerts),
    )
    return [RuleGroup(name, file, interval_ms, rules) for name, rules in groups if rules]


def generate_alerts(
    kpi: Kpi, covering: Mapping[str, Sequence[AlertingRule]]
) -> Sequence[AlertingRule]:
    """Return the alerting rules on a KPI: one for each limit that no other alert covers."""
    covered = find_covered_limits(kpi, covering.get(kpi.alert, ()))
    rules = [_limit_alert(kpi, name) for name in kpi.limits if name not in covered]
    if kpi.no_data is NoDataPolicy.ALERT:
        rules.append(_no_data_alert(kpi))
    return rules


def find_alerts(groups: Sequence[RuleGroup]) -> Mapping[str, Sequence[AlertingRule]]:
    """Return all alerting rules by their name."""
    found: dict[str, list[AlertingRule]] = {}
    for group in groups:
        for rule in group.rules:
            if isinstance(rule, AlertingRule):
                found.setdefault(rule.alert, []).append(rule)
    return found


def find_covered_limits(kpi: Kpi, rules: Sequence[AlertingRule]) -> frozenset[LimitName]:
    """Return the limits that the alert which a KPI names covers: those of its severity.

    An alert whose severity is none of `critical`, `warning`, `info` covers all of them.
    """
    severities = {rule.labels.get("severity", "") for rule in rules}
    if severities - set(SEVERITIES.values()):
        return frozenset(kpi.limits)
    return frozenset(name for name in kpi.limits if SEVERITIES[name] in severities)


def generate_inhibit_rules(kpis: Sequence[Kpi]) -> Sequence[InhibitRule]:
    """Return what keeps one KPI from being told twice: critical mutes warning, both mute info."""
    if not kpis:
        return []
    any_kpi = Matcher("kpi", MatchOperator.NOT_EQUAL, "")
    rules = [
        InhibitRule([_severity(source), any_kpi], [_severity(target), any_kpi], ["kpi"])
        for source, target in (("critical", "warning|info"), ("warning", "info"))
    ]
    for kpi in kpis:
        if kpi.alert:
            rules += _covering_inhibit_rules(kpi)
    return rules


def alert_name(kpi: Kpi) -> str:
    """Return the name of the alerts on a KPI's limits.

    Example:
        >>> alert_name(Kpi("aiModelResponseTime.openai", "g", "t", "m", "x"))
        'AiModelResponseTimeOpenai'
    """
    words = re.split(r"[^A-Za-z0-9]+", kpi.name)
    return "".join(word[:1].upper() + word[1:] for word in words)


def _value_rule(kpi: Kpi) -> RecordingRule:
    query = value_query(kpi)
    return RecordingRule(VALUE_SERIES, query, parse_query(query), {"kpi": kpi.name})


def _limit_alert(kpi: Kpi, name: LimitName) -> AlertingRule:
    limit, severity, alert = kpi.limits[name], SEVERITIES[name], alert_name(kpi)
    is_target = name is LimitName.TARGET
    operator = f"{limit.operator.opposite}=" if is_target else str(limit.operator)
    query = f"{kpi.value_selector} {operator} {limit.value:.15g}"
    is_kept = kpi.no_data is NoDataPolicy.KEEP
    if kpi.recovery or is_kept:
        # The side that is nearly always empty stands first: then the other one is not evaluated.
        held = (
            f"last_over_time({kpi.value_selector}[{KEPT_FOR}])" if is_kept else kpi.value_selector
        )
        held += f" {operator} {find_recovery(kpi, name):.15g}"
        query = f"{held} and on (kpi) ({query} or on (kpi) {_firing(kpi, alert, severity)})"
    unit = "" if kpi.unit == "ratio" else kpi.unit.replace("%", "%%")
    value = f'{{{{ printf "%.4g{unit}" $value }}}}'
    hold_ms = getattr(kpi.holds, name)
    return _alert(
        kpi, alert, query, hold_ms, severity,
        f"{kpi.title} is {_WORDS[name]}",
        f"{kpi.title} is {value}; {_describe_limit(name, limit)}.",
    )  # fmt: skip


def _firing(kpi: Kpi, alert: str, severity: str) -> str:
    """Return what yields a series while an alert fires."""
    names = {"alertname": alert, "alertstate": "firing", "severity": severity}
    matchers = ",".join(f'{label}="{value}"' for label, value in names.items())
    return f'ALERTS{{kpi="{kpi.name}",{matchers}}}'


def _no_data_alert(kpi: Kpi) -> AlertingRule:
    query = " and on () ".join([f"absent({kpi.value_selector})", *guards(kpi)])
    return _alert(
        kpi, f"{alert_name(kpi)}{NO_DATA_SUFFIX}", query, kpi.holds.no_data, NO_DATA_SEVERITY,
        f"{kpi.title} has no data",
        f"{kpi.title} could not be judged: there is no value.",
    )  # fmt: skip


def _alert(
    kpi: Kpi, alert: str, query: str, hold_ms: int, severity: str, summary: str, description: str
) -> AlertingRule:
    return AlertingRule(
        alert,
        query,
        parse_query(query),
        hold_ms=hold_ms,
        labels={"severity": severity, "kpi": kpi.name},
        annotations={"summary": summary, "description": description},
    )


def _describe_limit(name: LimitName, limit: Limit) -> str:
    side = "below" if limit.operator is LimitOperator.BELOW else "above"
    if name is LimitName.TARGET:
        return f"it should be {side} {limit.quantity}"
    return f"{side} {limit.quantity} is {name}"


def _covering_inhibit_rules(kpi: Kpi) -> list[InhibitRule]:
    named = Matcher("alertname", MatchOperator.EQUAL, kpi.alert)
    own = Matcher("kpi", MatchOperator.EQUAL, kpi.name)
    return [
        InhibitRule([_severity("critical"), own], [named, _severity("warning|info")]),
        InhibitRule([named], [own, _severity("info")]),
    ]


def _severity(severities: str) -> Matcher:
    operator = MatchOperator.REGEX if "|" in severities else MatchOperator.EQUAL
    return Matcher("severity", operator, severities)
