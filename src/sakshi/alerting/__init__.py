"""Who is told of an alert, with which others, how often, and through what: Alertmanager's model.

In go `NotificationConfig` and the groups that the ledger holds; out go e-mails, Slack messages,
PagerDuty events and webhooks, and back into the ledger what became of them. Read `route.py` first
(where an alert goes), then `flush.py` (what must be told), then `dispatch.py` (the loop); the
integrations are one file each, registered in `integration.py`.
"""

from sakshi.alerting.check import check_templates
from sakshi.alerting.configuration import NotificationConfig, Unconfigured
from sakshi.alerting.dispatch import Dispatcher
from sakshi.alerting.errors import (
    InvalidMatcherError,
    NotificationError,
    RefusedError,
    RetryableError,
)
from sakshi.alerting.inhibition import Inhibitor, InhibitRule
from sakshi.alerting.integration import Surroundings, build_notifiers
from sakshi.alerting.matcher import parse_matchers
from sakshi.alerting.metrics import NotificationMetrics
from sakshi.alerting.notification import Muter, Notification, Notifier
from sakshi.alerting.receiver import (
    EmailConfig,
    GlobalConfig,
    IntegrationConfig,
    PagerDutyConfig,
    Receiver,
    SlackConfig,
    WebhookConfig,
)
from sakshi.alerting.rendering import TemplateSet
from sakshi.alerting.route import Route, RouteConfig
from sakshi.alerting.router import AlertRouter
from sakshi.alerting.secret import Secret

__all__ = [
    "AlertRouter",
    "Dispatcher",
    "EmailConfig",
    "GlobalConfig",
    "InhibitRule",
    "Inhibitor",
    "IntegrationConfig",
    "InvalidMatcherError",
    "Muter",
    "Notification",
    "NotificationConfig",
    "NotificationError",
    "NotificationMetrics",
    "Notifier",
    "PagerDutyConfig",
    "Receiver",
    "RefusedError",
    "RetryableError",
    "Route",
    "RouteConfig",
    "Secret",
    "SlackConfig",
    "Surroundings",
    "TemplateSet",
    "Unconfigured",
    "WebhookConfig",
    "build_notifiers",
    "check_templates",
    "parse_matchers",
]
