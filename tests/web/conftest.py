"""A sakshi in memory, seen from the web: real store and engine, a ledger made of lists."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import httpx2
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from sakshi.kpi import Judgement, Kpi, parse_limit
from sakshi.ledger.record import Delivery, DeliveryState, Destination
from sakshi.model.alert import Alert, AlertState, Transition
from sakshi.model.labels import Labels
from sakshi.promql.local import LocalEngine
from sakshi.promql.parser import parse_query
from sakshi.rules.rule import (
    AlertingRule,
    RecordingRule,
    RuleGroup,
    RuleGroupStatus,
    RuleHealth,
    RuleStatus,
)
from sakshi.scrape.target import TargetHealth, TargetStatus
from sakshi.storage.memory import MemoryStore
from sakshi.web import QueryPool, Receiver, Services, build_app

if TYPE_CHECKING:
    from tests.conftest import FakeClock

NOW_MS = 1_700_000_000_000


@dataclass
class ListedLedger:
    """A ledger view of what it was given."""

    listed_deliveries: Sequence[Delivery] = ()
    listed_transitions: Sequence[Transition] = ()

    def deliveries(self, limit: int) -> Sequence[Delivery]:
        return self.listed_deliveries[:limit]

    def transitions(self, limit: int) -> Sequence[Transition]:
        return self.listed_transitions[:limit]


@dataclass
class World:
    """What stands behind the services; tests change it before they ask."""

    store: MemoryStore = field(default_factory=MemoryStore)
    ledger: ListedLedger = field(default_factory=ListedLedger)
    groups: list[RuleGroupStatus] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    targets: list[TargetStatus] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)
    waiting_for: str = ""

    def load(self, series: Mapping[str, str], values: Sequence[float], step_ms: int) -> None:
        """Append samples of one series; the last one stands at NOW_MS."""
        appender = self.store.target(Labels({"job": series.get("job", "")}))
        columns = appender.columns([Labels(series)])
        for index, value in enumerate(values):
            timestamp_ms = NOW_MS - (len(values) - 1 - index) * step_ms
            appender.append(timestamp_ms, columns, np.array([value], dtype=np.float64))
        self.store.commit()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def services(world: World, clock: FakeClock) -> Services:
    registry = CollectorRegistry()
    return Services(
        engine=LocalEngine(world.store, clock),
        querier=world.store,
        rule_groups=lambda: world.groups,
        alerts=lambda: world.alerts,
        targets=lambda: world.targets,
        ledger=world.ledger,
        kpis=KPIS,
        clock=clock,
        registry=registry,
        receiver=Receiver(world.store, clock, registry),
        version="1.2.3",
        readiness=lambda: world.waiting_for,
        judgements=lambda: world.judgements,
        queries=QueryPool(workers=2),
    )


@pytest.fixture
async def client(services: Services) -> AsyncIterator[httpx2.AsyncClient]:
    async with make_client(services) as client:
        yield client


def make_client(services: Services, *, raise_defects: bool = True) -> httpx2.AsyncClient:
    """Return a client that calls an application without a network; a defect raises in the test."""
    transport = httpx2.ASGITransport(build_app(services), raise_app_exceptions=raise_defects)
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost:9090")


KPIS = (
    Kpi(
        "messagesPerSecond",
        "throughput",
        "Messages",
        "consciousness_messages_per_second",
        "sum(consciousness_messages_per_second)",
        "/s",
        parse_limit(">10", "/s"),
        parse_limit("<5", "/s"),
        parse_limit("<2", "/s"),
    ),
    Kpi(
        "errorRate",
        "responseTime",
        "Errors",
        "errors_total",
        "sum(rate(errors_total[$window]))",
        "/s",
        warning=parse_limit(">1", "/s"),
        alert="ErrorsHigh",
    ).with_window("30s"),
)

ALERTING = AlertingRule(
    "AIIntegrationFailure",
    "ai_response_success_rate < 0.9",
    parse_query("ai_response_success_rate < 0.9"),
    hold_ms=180_000,
    labels={"severity": "critical"},
    annotations={"summary": "AI integration failure rate too high"},
)
RECORDING = RecordingRule("job:up:sum", "sum(up)", parse_query("sum(up)"))
GROUP = RuleGroup("ai", "alert-rules.yml", 15_000, (RECORDING, ALERTING), labels={})


def make_alert(
    state: AlertState, *, name: str = ALERTING.alert, severity: str = "critical"
) -> Alert:
    """Return an alert of ALERTING: pending since a minute, or firing, or resolved."""
    began_ms = NOW_MS - 60_000
    alert = Alert(
        rule_id=f"{GROUP.id};{name}",
        labels=Labels({"alertname": name, "severity": severity}),
        annotations=Labels({"summary": "<b>too high</b>"}),
        state=state,
        value=0.71,
        active_at_ms=began_ms,
    )
    if state is AlertState.FIRING:
        return replace(alert, fired_at_ms=NOW_MS - 1000)
    if state is AlertState.RESOLVED:
        return replace(alert, fired_at_ms=NOW_MS - 30_000, resolved_at_ms=NOW_MS - 1000)
    return alert


def make_group(*alerts: Alert) -> RuleGroupStatus:
    """Return GROUP after an evaluation that left these alerts active."""
    return RuleGroupStatus(
        GROUP,
        (
            RuleStatus(RECORDING, RuleHealth.ERROR, "many-to-many", NOW_MS, 0.001),
            RuleStatus(ALERTING, RuleHealth.OK, "", NOW_MS, 0.002, alerts),
        ),
        NOW_MS,
        0.003,
    )


def make_delivery(alert: Alert, state: DeliveryState, *, number: int = 7) -> Delivery:
    """Return the delivery to Slack of an alert that began to fire a second ago."""
    return Delivery(
        id=number,
        alert_labels=alert.labels,
        fingerprint=alert.fingerprint,
        told_state="firing",
        transition_at_ms=NOW_MS - 1000,
        destination=Destination("critical", "slack[0]", "{}", Labels({"alertname": alert.name})),
        delivery_state=state,
        due_ms=NOW_MS + 5000,
        attempts=1,
        last_error="timed out after 10 s" if state is DeliveryState.WAITING else "",
        delivered_ms=NOW_MS - 500 if state is DeliveryState.DELIVERED else None,
    )


def make_target(instance: str, health: TargetHealth) -> TargetStatus:
    return TargetStatus(
        job_name="chat",
        labels=Labels({"job": "chat", "instance": instance}),
        discovered_labels=Labels({"__address__": instance}),
        url=f"http://{instance}/metrics",
        interval_ms=1000,
        timeout_ms=500,
        health=health,
        last_scrape_ms=None if health is TargetHealth.UNKNOWN else NOW_MS - 300,
        last_duration_seconds=0.004,
        last_samples=312,
        last_error="connection refused" if health is TargetHealth.DOWN else "",
    )
