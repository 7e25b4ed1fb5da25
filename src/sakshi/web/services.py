"""What the web package needs from the rest of sakshi, in one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import Response

from sakshi.alerting.alertmanager import AlertmanagerStatus
from sakshi.kpi import Baselines, Judgement, Kpi
from sakshi.ledger.record import Delivery
from sakshi.model.alert import Alert, Transition
from sakshi.model.clock import Clock
from sakshi.promql.engine import QueryEngine
from sakshi.rules.rule import RuleGroupStatus
from sakshi.scrape.target import DroppedTarget, TargetStatus
from sakshi.storage import Querier
from sakshi.web.dashboard import Dashboard
from sakshi.web.description import (
    ExemplarQuerier,
    MetricDescription,
    StoreAdmin,
    no_exemplars,
)
from sakshi.web.guard import LOOPBACK_HOSTS
from sakshi.web.query_pool import QueryPool
from sakshi.web.receiver import Receiver
from sakshi.web.startup import Startup


class LedgerView(Protocol):
    """The page's side of the ledger. Blocking; safe to call from any thread."""

    def deliveries(self, limit: int) -> Sequence[Delivery]:
        """Return the newest deliveries, newest first; at most `limit`."""

    def transitions(self, limit: int) -> Sequence[Transition]:
        """Return the newest transitions, newest first; at most `limit`."""


@dataclass(frozen=True)
class Services:
    """Everything that the routes and the live messages read. All of it is safe on any thread.

    Args:
        rule_groups: gives the rule groups with their last evaluation, in the order of the files.
        alerts: gives the alerts that are pending or firing, and those that were resolved less than
            15 minutes ago; their values are taken from `rule_groups`, which knows newer ones.
        targets: gives the scrape targets with their last scrape.
        kpis: in the order in which they are shown; their windows filled in.
        judgements: gives the newest judgement of each KPI, in the same order.
        descriptions: gives what targets say about their metrics; nothing by default.
        exemplars: gives those that targets exposed; none by default.
        store_admin: deletes and copies samples; None: nobody may ask for it.
        dropped_targets: gives the targets that relabelling dropped, as many as are kept.
        dropped_target_counts: gives how many it dropped, by job.
        alertmanagers: gives those that are told of alerts, and how it stands with each.
        dropped_alertmanagers: gives the URLs of those that relabelling dropped.
        time_bounds: gives the times of the oldest and the newest sample; None where there is none,
            or nobody knows.
        startup: how this sakshi was started.
        baselines: what can be compared, and where what is recorded goes; there is none by default.
        registry: sakshi's own metrics, for `/metrics`; the web package adds its own to it.
        readiness: says what sakshi still waits for; empty when it is ready.
        receiver: takes in what is pushed.
        allowed_hosts: names, without port, by which the Host header may call sakshi, against DNS
            rebinding; None: any (where the app is mounted behind somebody else's check).
        queries: where queries run.
    """

    engine: QueryEngine
    querier: Querier
    rule_groups: Callable[[], Sequence[RuleGroupStatus]]
    alerts: Callable[[], Sequence[Alert]]
    targets: Callable[[], Sequence[TargetStatus]]
    ledger: LedgerView
    kpis: Sequence[Kpi]
    clock: Clock
    registry: CollectorRegistry
    version: str
    readiness: Callable[[], str]
    receiver: Receiver
    judgements: Callable[[], Sequence[Judgement]] = tuple
    descriptions: Callable[[], Sequence[MetricDescription]] = tuple
    exemplars: ExemplarQuerier = no_exemplars
    store_admin: StoreAdmin | None = None
    dropped_targets: Callable[[], Sequence[DroppedTarget]] = tuple
    dropped_target_counts: Callable[[], Mapping[str, int]] = dict
    alertmanagers: Callable[[], Sequence[AlertmanagerStatus]] = tuple
    dropped_alertmanagers: Callable[[], Sequence[str]] = tuple
    time_bounds: Callable[[], tuple[int, int] | None] = lambda: None
    startup: Startup = field(default_factory=Startup)
    baselines: Baselines = field(default_factory=Baselines)
    dashboard: Dashboard = field(default_factory=Dashboard)
    allowed_hosts: frozenset[str] | None = LOOPBACK_HOSTS
    queries: QueryPool = field(default_factory=QueryPool)


class Handler(Protocol):
    """Answers one route: a function of the services and the request."""

    async def __call__(self, services: Services, request: Request) -> Response:
        """Return the answer.

        Raises:
            ApiError: the request cannot be answered.
            QueryError: neither can its query.
        """
