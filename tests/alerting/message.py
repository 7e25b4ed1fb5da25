"""Notifications for tests."""

from __future__ import annotations

from tests.ledger.incident import firing

from sakshi.alerting import Notification
from sakshi.ledger import Destination
from sakshi.model.alert import Alert
from sakshi.model.labels import Labels

KEY = "0123456789abcdef" * 2


def notification(*alerts: Alert, receiver: str = "team") -> Notification:
    """Return a message about these alerts, or about one that fires."""
    group_labels = Labels({"alertname": "HighResponseTime"})
    destination = Destination(receiver, "slack[0]", '{}/{severity="warning"}', group_labels)
    return Notification(destination, alerts or (firing(session="1"),), KEY)
