"""The ledger in its own SQLite file, `alerts.db`, apart from the samples.

Idea: a transition and the outbox rows that it causes are one transaction, so there is no moment at
which an alert has changed and nobody will be told, or somebody will be told of what did not happen.
What has been told is written after the receiver accepted it; a crash in between tells it twice,
with the same key, and never not at all.

Threads: `record` comes from the rules' thread, the dispatcher's side from worker threads, reads
from anywhere. Writers wait for each other; readers wait for nobody. The active alerts are also held
in memory (they are few, and asked for with every page and every inhibition).
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from sakshi.ledger.database import Connect, Database
from sakshi.ledger.flush import select_due, select_group, select_next_due_ms, write_flush
from sakshi.ledger.group import AggregationGroup, DueGroup, FlushResult
from sakshi.ledger.history import (
    HISTORY_RETENTION_MS,
    delete_oldest,
    select_deliveries,
    select_transitions,
)
from sakshi.ledger.outbox import (
    read_memberships,
    remove_members,
    write_alerts,
    write_reroute,
    write_transition,
)
from sakshi.ledger.record import Delivery, Destination, Router
from sakshi.ledger.resolution import (
    OwedResolutions,
    select_owed,
    write_enrolment,
    write_settlement,
)
from sakshi.ledger.row import ALERT_COLUMNS, decode_alert
from sakshi.model.alert import Alert, AlertState, Transition
from sakshi.model.clock import Clock


class SqliteLedger:
    """Alert state, its history and the outbox in one durable file.

    It is the rules' AlertRecorder, the dispatcher's DeliveryRecorder and the Alertmanagers'
    ResolutionRecorder.

    Args:
        path: of the file; made where it does not exist.
        router: where an alert must be told; pure, called on the thread that records.
        clock: group timers start at its hour.
        connect: as `sqlite3.connect`.

    Raises:
        LedgerFileError: the file is damaged, is something else, or is of a later version.
    """

    def __init__(
        self, path: Path, router: Router, clock: Clock, connect: Connect = sqlite3.connect
    ) -> None:
        self._router = router
        self._clock = clock
        self._database = Database(path, connect)
        self._callbacks: tuple[Callable[[], None], ...] = ()
        self._callbacks_lock = threading.Lock()
        self._record_lock = threading.Lock()
        self._alerts: Mapping[str, Mapping[str, Alert]] = {}
        """By rule id, then by fingerprint; replaced, never changed: any thread may read it."""
        self._alert_list: Sequence[Alert] = ()
        try:
            self._remember(self._read_alerts())
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was recorded is on the disk already."""
        self._database.close()

    # The rules' side: AlertRecorder

    def load_alerts(self) -> Sequence[Alert]:
        """Return the alerts that were active, or resolved lately, when last recorded."""
        return self.alerts()

    def record(
        self, rule_id: str, alerts: Sequence[Alert], transitions: Sequence[Transition], at_ms: int
    ) -> None:
        """Replace the active alerts of a rule, and note what changed, in one durable transaction.

        A firing alert that is missing from `alerts` and from `transitions` (its rule was removed)
        is resolved here: it never disappears untold.

        Raises:
            LedgerWriteError: the disk refused; nothing was recorded.
        """
        now_ms = self._clock.now_ms()
        after = {alert.fingerprint: alert for alert in alerts}
        with self._record_lock:
            before = self._alerts.get(rule_id, {})
            changes = [*transitions, *_unannounced(before, after, transitions, at_ms)]
            routed = [(change, self._destinations(change)) for change in changes]
            with self._database.transaction() as connection:
                write_alerts(connection, before.values(), after.values())
                for item in routed:
                    write_transition(connection, item, now_ms)
            self._remember({**self._alerts, rule_id: after})
        self._call_back()

    # The dispatcher's side: DeliveryRecorder

    def reroute(self) -> None:
        """Make the groups agree with the router, as the configuration may have changed.

        A firing alert joins the groups that the router names now; an alert leaves those that it
        does not name any more (what waited there is SKIPPED).
        """
        firing = [alert for alert in self.alerts() if alert.state is AlertState.FIRING]
        routed = [(alert, self._router(alert)) for alert in firing]
        with self._database.transaction() as connection:
            departed = [
                (group_id, alert)
                for group_id, alert, destination in read_memberships(connection)
                if destination not in self._router(alert)
            ]
            remove_members(connection, departed, "the configuration does not send it here any more")
            write_reroute(connection, routed, self._clock.now_ms())
        self._call_back()

    def due_groups(self, now_ms: int, horizon_ms: int) -> Sequence[DueGroup]:
        """Return the groups whose timer has run out, longest ago first."""
        with self._database.reading() as connection:
            return select_due(connection, now_ms, horizon_ms)

    def next_due_ms(self, now_ms: int) -> int | None:
        """Return the earliest timer after `now_ms`; None where there is none."""
        with self._database.reading() as connection:
            return select_next_due_ms(connection, now_ms)

    def load_group(self, group_id: int) -> AggregationGroup:
        """Return a group as it stands."""
        with self._database.reading() as connection:
            return select_group(connection, group_id, self._newest)

    def settle(self, result: FlushResult) -> None:
        """Write what a flush changed, in one durable transaction.

        Raises:
            LedgerWriteError: the disk refused; nothing was written.
        """
        with self._database.transaction() as connection:
            write_flush(connection, result)
        self._call_back()

    def prune(self, now_ms: int) -> int:
        """Delete a bounded number of rows older than HISTORY_RETENTION_MS; return how many."""
        with self._database.transaction() as connection:
            return delete_oldest(connection, now_ms - HISTORY_RETENTION_MS)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called after each commit; return what ends that.

        It is called on the thread that committed (the rules', a worker's), with no lock held: it
        must be quick, must not raise, and reaches an event loop by `call_soon_threadsafe`.
        """
        with self._callbacks_lock:
            self._callbacks = (*self._callbacks, callback)

        def unsubscribe() -> None:
            with self._callbacks_lock:
                self._callbacks = tuple(item for item in self._callbacks if item is not callback)

        return unsubscribe

    # The Alertmanagers' side: ResolutionRecorder. Nobody is called back: nothing here is shown.

    def enrol_alertmanager(self, name: str) -> None:
        """Note that an Alertmanager is there; to a new one, nothing is owed of what was before.

        Raises:
            LedgerWriteError: the disk refused.
        """
        with self._database.transaction() as connection:
            write_enrolment(connection, name, self._clock.now_ms())

    def owed_resolutions(self, name: str) -> OwedResolutions:
        """Return what is owed to an Alertmanager; nothing to one that is not enrolled."""
        with self._database.reading() as connection:
            return select_owed(connection, name)

    def settle_resolutions(self, name: str, through_id: int) -> None:
        """Note that nothing is owed any more up to a transition.

        Raises:
            LedgerWriteError: the disk refused.
        """
        with self._database.transaction() as connection:
            write_settlement(connection, name, through_id, self._clock.now_ms())

    # Reads, for the page and the API

    def alerts(self) -> Sequence[Alert]:
        """Return the alerts that are active, or were resolved lately; from memory.

        It is the same object until one of them changes.
        """
        return self._alert_list

    def transitions(self, limit: int) -> Sequence[Transition]:
        """Return the newest transitions, newest first."""
        with self._database.reading() as connection:
            return select_transitions(connection, limit)

    def deliveries(self, limit: int) -> Sequence[Delivery]:
        """Return the newest deliveries, newest first."""
        with self._database.reading() as connection:
            return select_deliveries(connection, limit)

    def _destinations(self, transition: Transition) -> Sequence[Destination]:
        return self._router(transition.alert) if transition.is_notifiable else ()

    def _call_back(self) -> None:
        for callback in self._callbacks:
            callback()

    def _read_alerts(self) -> dict[str, dict[str, Alert]]:
        alerts: dict[str, dict[str, Alert]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(f"select {ALERT_COLUMNS} from alert"):
                alert = decode_alert(row)
                alerts.setdefault(alert.rule_id, {})[alert.fingerprint] = alert
        return alerts

    def _remember(self, alerts: Mapping[str, Mapping[str, Alert]]) -> None:
        self._alerts = alerts
        self._alert_list = [alert for of_rule in alerts.values() for alert in of_rule.values()]

    def _newest(self, alert: Alert) -> Alert:
        """Return the alert with its newest annotations and value, where its state is the same."""
        newest = self._alerts.get(alert.rule_id, {}).get(alert.fingerprint)
        return newest if newest is not None and newest.state is alert.state else alert


def _unannounced(
    before: Mapping[str, Alert],
    after: Mapping[str, Alert],
    transitions: Sequence[Transition],
    at_ms: int,
) -> list[Transition]:
    """Return the resolutions of firing alerts that are gone without a word."""
    announced = {transition.alert.fingerprint for transition in transitions}
    return [
        Transition(
            alert=replace(alert, state=AlertState.RESOLVED, resolved_at_ms=at_ms),
            previous=AlertState.FIRING,
            at_ms=at_ms,
        )
        for fingerprint, alert in before.items()
        if alert.state is AlertState.FIRING
        and fingerprint not in after
        and fingerprint not in announced
    ]
