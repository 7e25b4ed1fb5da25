"""From the rules' thread to real receivers: threads, sockets and the machine's clock."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import httpx2
from prometheus_client import CollectorRegistry
from tests.alerting.loopback import HttpReceiver, MailReceiver
from tests.ledger.incident import RULE_ID, change, firing

from sakshi.alerting import (
    AlertRouter,
    Dispatcher,
    EmailConfig,
    GlobalConfig,
    Inhibitor,
    NotificationConfig,
    NotificationMetrics,
    PagerDutyConfig,
    Receiver,
    RouteConfig,
    Secret,
    SlackConfig,
    Surroundings,
    TemplateSet,
    WebhookConfig,
    build_notifiers,
)
from sakshi.ledger import DeliveryState, SqliteLedger
from sakshi.model.clock import SystemClock


async def test_an_alert_reaches_all_four_integrations(
    tmp_path: Path, http: HttpReceiver, mail: MailReceiver, transport: httpx2.AsyncHTTPTransport
) -> None:
    """Recorded in a thread, told by e-mail, Slack, PagerDuty and webhook, and marked so."""
    clock, registry = SystemClock(), CollectorRegistry()
    config = NotificationConfig(
        route=RouteConfig("all", group_by=("alertname",), group_wait_ms=0),
        receivers=[
            Receiver(
                "all",
                email_configs=[EmailConfig(["on-call@example.org"])],
                slack_configs=[SlackConfig(api_url=Secret(f"{http.url}/slack"))],
                pagerduty_configs=[PagerDutyConfig(routing_key=Secret("key"))],
                webhook_configs=[WebhookConfig(url=Secret(f"{http.url}/webhook"))],
            )
        ],
        global_=GlobalConfig(
            smtp_from="sakshi@example.org",
            smtp_smarthost=mail.address,
            smtp_require_tls=False,
            pagerduty_url=f"{http.url}/pagerduty",
        ),
    )
    router = AlertRouter(config)
    templates = TemplateSet(config.templates, clock, "http://localhost:9090")
    all_told = asyncio.Event()
    loop = asyncio.get_running_loop()
    with SqliteLedger(tmp_path / "alerts.db", router, clock) as ledger:

        def look() -> None:
            states = {item.delivery_state for item in ledger.deliveries(10)}
            if states == {DeliveryState.DELIVERED}:
                loop.call_soon_threadsafe(all_told.set)

        ledger.subscribe(look)
        dispatcher = Dispatcher(
            ledger,
            router,
            build_notifiers(config, Surroundings(templates, transport, clock)),
            [Inhibitor(config.inhibit_rules, ledger.alerts)],
            clock,
            random.random,
            NotificationMetrics(registry),
        )
        running = asyncio.ensure_future(dispatcher.run())
        alert = firing()
        await asyncio.to_thread(ledger.record, RULE_ID, [alert], [change(alert)], clock.now_ms())
        await asyncio.wait_for(all_told.wait(), 10)
        running.cancel()
        await asyncio.wait([running])

    assert sorted(request.path for request in http.requests) == ["/pagerduty", "/slack", "/webhook"]
    assert len(mail.mails) == 1
    for kind in ("email", "slack", "pagerduty", "webhook"):
        labels = {"integration": kind}
        counted = registry.get_sample_value(
            "sakshi_notifications_total", labels | {"outcome": "delivered"}
        )
        timed = registry.get_sample_value("sakshi_notification_latency_seconds_count", labels)
        assert (counted, timed) == (1, 1)
