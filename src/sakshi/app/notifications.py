"""Notifications connected: from the ledger, through routes and templates, to receivers."""

from __future__ import annotations

import random

import httpx2
from prometheus_client import CollectorRegistry

from sakshi.alerting import (
    AlertRouter,
    Dispatcher,
    Inhibitor,
    NotificationMetrics,
    Surroundings,
    TemplateSet,
    build_notifiers,
)
from sakshi.config import Configuration
from sakshi.kpi import generate_inhibit_rules
from sakshi.ledger import SqliteLedger
from sakshi.model.clock import Clock


def build_dispatcher(
    configuration: Configuration,
    router: AlertRouter,
    ledger: SqliteLedger,
    transport: httpx2.AsyncBaseTransport,
    clock: Clock,
    registry: CollectorRegistry,
    external_url: str,
) -> Dispatcher:
    """Return what tells people; the configuration has notifications."""
    notifications = configuration.notifications
    assert notifications is not None
    templates = TemplateSet(notifications.templates, clock, external_url)
    inhibit_rules = [*notifications.inhibit_rules, *generate_inhibit_rules(configuration.kpis)]
    return Dispatcher(
        ledger,
        router,
        build_notifiers(notifications, Surroundings(templates, transport, clock)),
        [Inhibitor(inhibit_rules, ledger.alerts)],
        clock,
        random.random,
        NotificationMetrics(registry),
    )
