"""A rule at work: evaluated again and again, with what must be kept from one time to the next."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sakshi.ledger.errors import LedgerError
from sakshi.ledger.record import AlertRecorder
from sakshi.model.alert import Alert, Transition
from sakshi.model.labels import Labels
from sakshi.promql.engine import QueryEngine
from sakshi.rules.errors import RuleLimitError
from sakshi.rules.evaluate import (
    ALERTS,
    ALERTS_FOR_STATE,
    AlertingEvaluation,
    alert_rows,
    evaluate_recording,
)
from sakshi.rules.expansion import External
from sakshi.rules.restore import find_last_seen_ms, restore_alerts
from sakshi.rules.rule import AlertingRule, RecordingRule, RuleGroup
from sakshi.rules.series import SeriesWriter
from sakshi.rules.state import is_active, resolve_all
from sakshi.storage import TargetAppender

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What one evaluation of a rule did.

    Args:
        transitions: durable by now; people may be told.
        refused: samples that the storage refused.
        error: why it failed, in words; empty where it did not.
        record_failed: whether the ledger refused; the changes wait for the next evaluation.
    """

    transitions: Sequence[Transition] = ()
    refused: int = 0
    error: str = ""
    record_failed: bool = False


class Runner(Protocol):
    """A rule of either kind at work."""

    @property
    def alerts(self) -> Sequence[Alert]:
        """The alerts that are pending or firing."""

    @property
    def records(self) -> Sequence[str]:
        """The names of the series that it writes."""

    def run(self, at_ms: int) -> Outcome:
        """Evaluate the rule, write its series and record its alerts.

        Raises:
            SakshiError: it has no result; nothing was changed or written.
        """


class RecordingRunner:
    """A recording rule at work."""

    alerts: Sequence[Alert] = ()

    def __init__(
        self, rule: RecordingRule, group: RuleGroup, engine: QueryEngine, target: TargetAppender
    ) -> None:
        self._rule, self._group, self._engine = rule, group, engine
        self._writer = SeriesWriter(target)
        self._known: dict[Labels, Labels] = {}
        self.records = (rule.record,)

    def run(self, at_ms: int) -> Outcome:
        """Evaluate the rule and write its series."""
        moment_ms = at_ms - self._group.query_offset_ms
        rows = evaluate_recording(self._rule, self._group, self._engine, moment_ms, self._known)
        return Outcome(refused=self._writer.write(moment_ms, rows))


class AlertingRunner:
    """An alerting rule at work.

    Alerts and transitions go to the ledger before anybody hears of them, and before the series are
    written. Where it refuses, they wait in memory and go with the next evaluation's: nothing is
    forgotten, and no `for` begins anew.

    Args:
        rule_id: as `Alert.rule_id`.
        restored: the rule's alerts as recorded before a restart.
    """

    records: Sequence[str] = (ALERTS, ALERTS_FOR_STATE)

    def __init__(
        self,
        rule_id: str,
        rule: AlertingRule,
        group: RuleGroup,
        engine: QueryEngine,
        target: TargetAppender,
        recorder: AlertRecorder,
        external: External,
        restored: Sequence[Alert] = (),
    ) -> None:
        self._rule_id, self._rule, self._group, self._engine = rule_id, rule, group, engine
        self._recorder = recorder
        self._evaluation = AlertingEvaluation(rule_id, rule, group, external)
        self._writer = SeriesWriter(target, alert_rows(filter(is_active, restored)))
        self._alerts = self._recorded = tuple(restored)
        self._waiting: list[Transition] = []
        self._is_refused = False
        self._settling = 0
        self._needs_restoring = any(map(is_active, restored))

    @property
    def alerts(self) -> Sequence[Alert]:
        """The alerts that are pending or firing."""
        return [alert for alert in self._alerts if is_active(alert)]

    def run(self, at_ms: int) -> Outcome:
        """Evaluate the rule, write its series and record its alerts."""
        if self._needs_restoring:
            self._restore(at_ms)
        try:
            result = self._evaluation.evaluate(
                self._engine, self._alerts, at_ms, trusts_absence=self._settling == 0
            )
        except RuleLimitError as error:
            cleared = resolve_all(self._alerts, at_ms)
            outcome = self._record(cleared.alerts, cleared.transitions, at_ms)
            return replace(outcome, error=str(error))
        self._settling = max(0, self._settling - 1)
        outcome = self._record(result.alerts, result.transitions, at_ms)
        refused = self._writer.write(at_ms - self._group.query_offset_ms, result.rows)
        return replace(outcome, refused=refused)

    def _restore(self, at_ms: int) -> None:
        last_seen_ms = find_last_seen_ms(self._engine, self._rule.alert, at_ms)
        restored = restore_alerts(self._alerts, last_seen_ms, self._group.interval_ms, at_ms)
        self._alerts, self._settling = tuple(restored.alerts), restored.settling
        self._needs_restoring = False

    def _record(
        self, alerts: Sequence[Alert], transitions: Sequence[Transition], at_ms: int
    ) -> Outcome:
        self._alerts = tuple(alerts)
        self._waiting.extend(transitions)
        if not self._waiting and _without_values(alerts) == _without_values(self._recorded):
            return Outcome()
        try:
            self._recorder.record(self._rule_id, alerts, tuple(self._waiting), at_ms)
        except LedgerError as error:
            if not self._is_refused:
                _logger.error("alerts not recorded rule=%r error=%r", self._rule_id, str(error))
            self._is_refused = True
            return Outcome(error=str(error), record_failed=True)
        if self._is_refused:
            _logger.info("alerts recorded again rule=%r", self._rule_id)
        self._is_refused = False
        told, self._waiting, self._recorded = tuple(self._waiting), [], self._alerts
        return Outcome(told)


def _without_values(alerts: Iterable[Alert]) -> list[Alert]:
    """Return the alerts for a comparison in which a mere change of the value is none."""
    return [replace(alert, value=0.0) for alert in alerts]
