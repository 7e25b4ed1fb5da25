"""Alerts after a restart: what was recorded goes on as if nothing had happened.

After a short stop (a restart, a kill -9) the alerts are simply those that were recorded. After a
long one, two things are not as before, and both are Prometheus' choices too:

- The time without sakshi does not count towards `for`: a pending alert's start is moved by it.
- Expressions that look back (`rate`, `for`'s recorded series) have no data at first. Until two
  evaluations have passed, a condition that is not there is not taken for gone: nobody is told
  RESOLVED of what merely could not be seen.

Source:
    prometheus/prometheus rules/group.go, RestoreForState.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sakshi.model.alert import Alert, AlertState
from sakshi.model.labels import quote_value
from sakshi.promql.engine import QueryEngine, Vector
from sakshi.promql.errors import QueryError
from sakshi.rules.state import is_active

SETTLING_EVALUATIONS: Final = 2  # a rate needs two scrapes; Prometheus waits for as many
SHORT_STOP_INTERVALS: Final = 3  # of the group: a stop in which hardly anything was missed


@dataclass(frozen=True)
class Restored:
    """A rule's alerts at its first evaluation.

    Args:
        alerts: as recorded, moved where the stop was long.
        settling: evaluations during which a condition's absence is not trusted.
    """

    alerts: Sequence[Alert]
    settling: int = 0


def restore_alerts(
    alerts: Sequence[Alert], last_seen_ms: int | None, interval_ms: int, at_ms: int
) -> Restored:
    """Return a rule's recorded alerts, ready for the first evaluation.

    Args:
        alerts: as recorded.
        last_seen_ms: when the rule was last evaluated, as far as its series tell; None: unknown.
        interval_ms: the group's.
        at_ms: the first evaluation, milliseconds since the epoch.
    """
    moments = [moment for alert in alerts for moment in _evaluations(alert)]
    seen_ms = max([*moments, last_seen_ms or 0], default=0)
    stop_ms = at_ms - seen_ms
    if not any(map(is_active, alerts)) or stop_ms <= SHORT_STOP_INTERVALS * interval_ms:
        return Restored(alerts)
    missed_ms = stop_ms if last_seen_ms is not None else 0
    return Restored([_moved(alert, missed_ms, at_ms) for alert in alerts], SETTLING_EVALUATIONS)


def find_last_seen_ms(engine: QueryEngine, alert_name: str, at_ms: int) -> int | None:
    """Return when an alert's series were last written, within the engine's lookback."""
    query = f"max(timestamp(ALERTS_FOR_STATE{{alertname={quote_value(alert_name)}}}))"
    try:
        value = engine.instant(query, at_ms).value
    except QueryError:
        return None
    rows = value.at() if isinstance(value, Vector) else []
    return round(rows[0][1] * 1000) if rows else None


def _evaluations(alert: Alert) -> list[int]:
    """Return the evaluations that an alert bears witness to."""
    since, fired, resolved = alert.active_at_ms, alert.fired_at_ms, alert.resolved_at_ms
    known = (since, fired, resolved, alert.keep_firing_since_ms)
    return [moment for moment in known if moment is not None]


def _moved(alert: Alert, missed_ms: int, at_ms: int) -> Alert:
    """Return a pending alert with the stop taken off; of unknown length, it begins anew."""
    if alert.state is not AlertState.PENDING:
        return alert
    return replace(alert, active_at_ms=alert.active_at_ms + missed_ms if missed_ms else at_ms)
