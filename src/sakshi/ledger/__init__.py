"""What must not be forgotten about alerts: their state, their history, and whom to tell.

In go the alerts and transitions of each rule evaluation; each is written in one transaction with
the outbox rows that its transitions cause, so nobody is ever told of what did not happen, nor left
untold. Out come what to restore after a restart, what to send, and what was sent. Read `record.py`
first (the rules' side), then `group.py` (the dispatcher's), `resolution.py` (the Alertmanagers'),
then `sqlite.py`.
"""

from sakshi.ledger.errors import LedgerError, LedgerFileError, LedgerWriteError
from sakshi.ledger.group import (
    AggregationGroup,
    Attempt,
    DeliveryRecorder,
    DueGroup,
    FlushResult,
    Member,
    OutboxRow,
    Settlement,
    Told,
)
from sakshi.ledger.record import AlertRecorder, Delivery, DeliveryState, Destination, Router
from sakshi.ledger.resolution import OwedResolution, OwedResolutions, ResolutionRecorder
from sakshi.ledger.sqlite import SqliteLedger

__all__ = [
    "AggregationGroup",
    "AlertRecorder",
    "Attempt",
    "Delivery",
    "DeliveryRecorder",
    "DeliveryState",
    "Destination",
    "DueGroup",
    "FlushResult",
    "LedgerError",
    "LedgerFileError",
    "LedgerWriteError",
    "Member",
    "OutboxRow",
    "OwedResolution",
    "OwedResolutions",
    "ResolutionRecorder",
    "Router",
    "Settlement",
    "SqliteLedger",
    "Told",
]
