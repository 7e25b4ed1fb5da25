"""A dispatcher on a real ledger, in virtual time, with receivers that do as they are told."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry
from tests.conftest import FakeClock
from tests.ledger.incident import RULE_ID

from sakshi.alerting import (
    AlertRouter,
    Dispatcher,
    Inhibitor,
    InhibitRule,
    Notification,
    NotificationConfig,
    NotificationMetrics,
    Receiver,
    RouteConfig,
    Secret,
    WebhookConfig,
)
from sakshi.ledger import AggregationGroup, DueGroup, FlushResult, SqliteLedger
from sakshi.model.alert import Alert, AlertState, Transition

Value = TypeVar("Value")
Step = Exception | str  # an error to raise, or "hang"

HOUR = 3600.0


def configuration(
    *receivers: str,
    send_resolved: bool = True,
    inhibit_rules: Sequence[InhibitRule] = (),
    **route: Any,
) -> NotificationConfig:
    """Return one webhook for each receiver, each told of everything; groups by alert name."""
    names = receivers or ("team",)
    options = {"group_by": ("alertname",), "group_wait_ms": 30_000, **route}
    routes = [RouteConfig(name, continue_=True) for name in names]
    webhook = WebhookConfig(url=Secret("http://127.0.0.1:9/"), send_resolved=send_resolved)
    return NotificationConfig(
        route=RouteConfig(names[0], routes=routes, **options),
        receivers=[Receiver(name, webhook_configs=(webhook,)) for name in names],
        inhibit_rules=inhibit_rules,
    )


@dataclass(frozen=True)
class Message:
    """One that a receiver accepted; at seconds since the test began."""

    at: float
    receiver: str
    firing: frozenset[str]
    resolved: frozenset[str]
    key: str = field(compare=False)
    is_plain: bool = False


@dataclass
class ScriptedNotifier:
    """A receiver: fails by its script, then accepts; keeps what was tried and what it took."""

    clock: FakeClock
    messages: list[Message]
    script: deque[Step] = field(default_factory=deque)
    tried: list[Message] = field(default_factory=list)

    async def notify(self, notification: Notification) -> None:
        message = Message(
            at=self.clock.elapsed_ms / 1000,
            receiver=notification.destination.receiver,
            firing=frozenset(map(short_name, notification.firing)),
            resolved=frozenset(map(short_name, notification.resolved)),
            key=notification.key,
            is_plain=notification.is_plain,
        )
        self.tried.append(message)
        step = self.script.popleft() if self.script else None
        if step == "hang":
            await asyncio.Event().wait()
        if isinstance(step, Exception):
            raise step
        self.messages.append(message)


def short_name(alert: Alert) -> str:
    return f"{alert.name}{alert.labels.get('session', '')}"


class FailingLedger(SqliteLedger):
    """A ledger of which each method fails as often as it is told to."""

    failures: Mapping[str, deque[Exception]]

    def due_groups(self, now_ms: int, horizon_ms: int) -> Sequence[DueGroup]:
        self._fail("due_groups")
        return super().due_groups(now_ms, horizon_ms)

    def load_group(self, group_id: int) -> AggregationGroup:
        self._fail("load_group")
        return super().load_group(group_id)

    def settle(self, result: FlushResult) -> None:
        self._fail("settle")
        super().settle(result)

    def prune(self, now_ms: int) -> int:
        self._fail("prune")
        return super().prune(now_ms)

    def _fail(self, method: str) -> None:
        if self.failures[method]:
            raise self.failures[method].popleft()


async def inline(function: Callable[..., Value], /, *arguments: Any) -> Value:
    """Call at once: virtual time does not wait for threads."""
    return function(*arguments)


class Station:
    """Starts, kills and restarts a dispatcher; fires and resolves alerts."""

    def __init__(self, path: Path, clock: FakeClock, config: NotificationConfig) -> None:
        self.path, self.clock, self.config = path, clock, config
        self.messages: list[Message] = []
        self.notifiers: dict[str, ScriptedNotifier] = {}
        self.ledger_failures: defaultdict[str, deque[Exception]] = defaultdict(deque)
        self.registry = CollectorRegistry()
        self._metrics = NotificationMetrics(self.registry)
        self._alerts: dict[str, Alert] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self, config: NotificationConfig | None = None) -> None:
        self.config = config or self.config
        router = AlertRouter(self.config)
        self.ledger = FailingLedger(self.path, router, self.clock)
        self.ledger.failures = self.ledger_failures
        for receiver in self.config.receivers:
            self.notifiers.setdefault(receiver.name, ScriptedNotifier(self.clock, self.messages))
        dispatcher = Dispatcher(
            self.ledger,
            router,
            {key: self.notifiers[key[0]] for key in self.config.integrations},
            [Inhibitor(self.config.inhibit_rules, self.ledger.alerts)],
            self.clock,
            lambda: 0.0,
            self._metrics,
            inline,
        )
        self._task = asyncio.ensure_future(dispatcher.run())
        await self.clock.advance(0)

    async def stop(self) -> None:
        """End the dispatcher as a kill does: nothing more is written."""
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self.ledger.close()

    async def restart(self, config: NotificationConfig | None = None) -> None:
        await self.stop()
        await self.start(config)

    def fire(self, *alerts: Alert) -> None:
        """Let alerts fire now, in one evaluation."""
        now_ms = self.clock.now_ms()
        changed = [
            replace(alert, state=AlertState.FIRING, fired_at_ms=now_ms, resolved_at_ms=None)
            for alert in alerts
        ]
        self._record(changed, AlertState.PENDING)

    def resolve(self, *alerts: Alert) -> None:
        """Resolve alerts now, in one evaluation."""
        now_ms = self.clock.now_ms()
        changed = [
            replace(
                self._alerts[alert.fingerprint],
                state=AlertState.RESOLVED,
                resolved_at_ms=now_ms,
            )
            for alert in alerts
        ]
        self._record(changed, AlertState.FIRING)

    def deliveries(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """Return for each alert what was to be told and what became of it, oldest first."""
        found: dict[str, list[tuple[str, str]]] = {}
        for item in reversed(self.ledger.deliveries(10_000)):
            name = item.alert_labels["alertname"] + item.alert_labels.get("session", "")
            found.setdefault(name, []).append((item.told_state, item.delivery_state.value))
        return {name: tuple(items) for name, items in found.items()}

    def errors(self) -> list[str]:
        """Return the reasons of all deliveries, oldest first."""
        return [item.last_error for item in reversed(self.ledger.deliveries(10_000))]

    def told(self) -> list[tuple[float, str]]:
        """Return when what was told: `+a +b -c`: a and b fire, c is resolved."""
        return [(message.at, describe(message)) for message in self.messages]

    def count(self, outcome: str) -> float:
        """Return how many messages had an outcome, by the metric."""
        labels = {"integration": "webhook", "outcome": outcome}
        return self.registry.get_sample_value("sakshi_notifications_total", labels) or 0.0

    def _record(self, changed: Iterable[Alert], previous: AlertState) -> None:
        now_ms = self.clock.now_ms()
        alerts = list(changed)
        self._alerts |= {alert.fingerprint: alert for alert in alerts}
        transitions = [Transition(alert, previous, now_ms) for alert in alerts]
        self.ledger.record(RULE_ID, list(self._alerts.values()), transitions, now_ms)


def describe(message: Message) -> str:
    parts = [f"+{name}" for name in sorted(message.firing)]
    return " ".join(parts + [f"-{name}" for name in sorted(message.resolved)])
