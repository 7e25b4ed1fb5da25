"""Alerts handed to Alertmanagers, as Prometheus hands them on, beside sakshi's own notifications.

In go `AlertingConfig` and the alerts that the ledger holds; out go posts to `/api/v2/alerts`, and
back into the ledger how far each Alertmanager has been told. Nothing is queued: what must be told
is computed from the ledger each time. Read `statement.py` first (what is said of an alert), then
`schedule.py` (what must be said when), then `feed.py` (one Alertmanager) and `roster.py` (all).
"""

from sakshi.alerting.alertmanager.address import AlertmanagerAddresses, resolve_alertmanagers
from sakshi.alerting.alertmanager.configuration import AlertingConfig, AlertmanagerConfig
from sakshi.alerting.alertmanager.feed import AlertmanagerStatus
from sakshi.alerting.alertmanager.roster import Alertmanagers
from sakshi.alerting.alertmanager.statement import AlertSource, FindSource

__all__ = [
    "AlertSource",
    "AlertingConfig",
    "AlertmanagerAddresses",
    "AlertmanagerConfig",
    "AlertmanagerStatus",
    "Alertmanagers",
    "FindSource",
    "resolve_alertmanagers",
]
