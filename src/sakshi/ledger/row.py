"""Alerts and destinations as SQLite rows, and back. Pure."""

from __future__ import annotations

import json
import math
import sqlite3
from typing import Final

from sakshi.ledger.record import Destination
from sakshi.model.alert import Alert, AlertState
from sakshi.model.labels import Labels

ALERT_COLUMNS: Final = (
    "rule_id, fingerprint, labels, annotations, state, value,"
    " active_at_ms, fired_at_ms, resolved_at_ms, keep_firing_since_ms"
)

AlertRow = tuple[
    str, str, str, str, str, float | None, int, int | None, int | None, int | None
]  # in the order of ALERT_COLUMNS


def encode_labels(labels: Labels) -> str:
    """Return a label set as a JSON object, equal for equal label sets, in ASCII."""
    return json.dumps(dict(labels.pairs), separators=(",", ":"))


def decode_labels(text: str) -> Labels:
    """Return the label set that `encode_labels` wrote."""
    return Labels(json.loads(text))


def encode_alert(alert: Alert) -> AlertRow:
    """Return an alert's values in the order of ALERT_COLUMNS."""
    return (
        alert.rule_id,
        alert.fingerprint,
        encode_labels(alert.labels),
        encode_labels(alert.annotations),
        alert.state.value,
        None if math.isnan(alert.value) else alert.value,
        alert.active_at_ms,
        alert.fired_at_ms,
        alert.resolved_at_ms,
        alert.keep_firing_since_ms,
    )


def decode_alert(row: sqlite3.Row) -> Alert:
    """Return the alert of a row that has the columns ALERT_COLUMNS."""
    return Alert(
        rule_id=row["rule_id"],
        labels=decode_labels(row["labels"]),
        annotations=decode_labels(row["annotations"]),
        state=AlertState(row["state"]),
        value=math.nan if row["value"] is None else row["value"],
        active_at_ms=row["active_at_ms"],
        fired_at_ms=row["fired_at_ms"],
        resolved_at_ms=row["resolved_at_ms"],
        keep_firing_since_ms=row["keep_firing_since_ms"],
    )


def decode_destination(row: sqlite3.Row) -> Destination:
    """Return the destination of a row of `aggregation_group`."""
    return Destination(
        receiver=row["receiver"],
        integration=row["integration"],
        route_id=row["route_id"],
        group_labels=decode_labels(row["group_labels"]),
    )
