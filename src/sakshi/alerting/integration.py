"""The integrations by kind: a new one is a configuration, a notifier, and a line here."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx2

from sakshi.alerting.configuration import NotificationConfig
from sakshi.alerting.email import EmailNotifier
from sakshi.alerting.notification import Notifier
from sakshi.alerting.pagerduty import PagerDutyNotifier
from sakshi.alerting.rendering import TemplateSet
from sakshi.alerting.slack import SlackNotifier
from sakshi.alerting.webhook import WebhookNotifier
from sakshi.model.clock import Clock


@dataclass(frozen=True)
class Surroundings:
    """What integrations need of the world; one of each for all of them.

    Args:
        templates: the shipped and the user's.
        transport: for HTTP; owned and closed by whoever made it.
        clock: the hour.
        tls_context: for SMTP; None: the system's certificates.
    """

    templates: TemplateSet
    transport: httpx2.AsyncBaseTransport
    clock: Clock
    tls_context: ssl.SSLContext | None = None


NOTIFIERS: Final[Mapping[str, Callable[[Any, Surroundings], Notifier]]] = {
    "email": lambda config, world: EmailNotifier(
        config, world.templates, world.clock, world.tls_context
    ),
    "slack": lambda config, world: SlackNotifier(config, world.transport, world.templates),
    "pagerduty": lambda config, world: PagerDutyNotifier(config, world.transport, world.templates),
    "webhook": lambda config, world: WebhookNotifier(
        config, world.transport, world.templates.external_url
    ),
}
"""By `IntegrationConfig.kind`. The configuration's type is the kind's own (hence Any)."""


def build_notifiers(
    config: NotificationConfig, world: Surroundings
) -> dict[tuple[str, str], Notifier]:
    """Return a notifier for each integration that can send, by receiver and `email[0]`."""
    return {
        key: NOTIFIERS[integration.kind](integration, world)
        for key, integration in config.integrations.items()
    }
