"""Alertmanagers connected: to the ledger, and to the rules that their alerts come from."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry

from sakshi.alerting.alertmanager import Alertmanagers, AlertSource, FindSource
from sakshi.config import Configuration
from sakshi.ledger import SqliteLedger
from sakshi.model.clock import Clock
from sakshi.promql.printer import print_expr
from sakshi.rules import AlertingRule, RuleGroupStatus, RuleManager, rule_ids


def build_alertmanagers(
    configuration: Configuration,
    ledger: SqliteLedger,
    rules: RuleManager,
    clock: Clock,
    registry: CollectorRegistry,
    external_url: str,
) -> Alertmanagers:
    """Return what tells the Alertmanagers of a configuration; perhaps there are none."""
    return Alertmanagers(
        configuration.alerting,
        ledger,
        find_alert_sources(rules.groups),
        clock,
        random.random,
        registry,
        external_labels=configuration.global_config.external_labels,
        external_url=external_url,
    )


def find_alert_sources(groups: Callable[[], Sequence[RuleGroupStatus]]) -> FindSource:
    """Return what gives the rule of a rule id, with the last evaluation of its group.

    Args:
        groups: gives all groups as they stand; always the same ones, in the same order.
    """
    known = {
        rule_id: (position, AlertSource(print_expr(rule.expr), status.group.interval_ms))
        for position, status in enumerate(groups())
        for rule_id, rule in zip(rule_ids(status.group), status.group.rules, strict=True)
        if isinstance(rule, AlertingRule)
    }

    def find(rule_id: str) -> AlertSource | None:
        if rule_id not in known:
            return None
        position, source = known[rule_id]
        evaluated_ms = groups()[position].last_evaluation_ms
        return AlertSource(source.query, source.interval_ms, evaluated_ms)

    return find
