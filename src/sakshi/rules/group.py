"""A rule group at work: its rules one after the other, at one moment, and how that went."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from sakshi.ledger.record import AlertRecorder
from sakshi.model.alert import Alert, Transition
from sakshi.model.clock import Clock
from sakshi.model.errors import SakshiError
from sakshi.model.labels import Labels
from sakshi.promql.engine import PassEngine, QueryEngine
from sakshi.rules.expansion import External
from sakshi.rules.metrics import RuleMetrics
from sakshi.rules.rule import (
    AlertingRule,
    RuleGroup,
    RuleGroupStatus,
    RuleHealth,
    RuleStatus,
    rule_ids,
)
from sakshi.rules.runner import AlertingRunner, Outcome, RecordingRunner, Runner
from sakshi.storage import Appender

_logger = logging.getLogger(__name__)


class GroupEvaluator:
    """Evaluates one group. One thread at a time; `status` may be read from any.

    Args:
        group: the rules.
        engine: answers their expressions; one that shares reads is told what is recorded.
        appender: takes their series, as one target with the label `rule_group`.
        recorder: takes their alerts.
        clock: for durations.
        external: what all alerts share.
        metrics: counts.
        restored: alerts as recorded before a restart, by rule id.
    """

    def __init__(
        self,
        group: RuleGroup,
        engine: QueryEngine,
        appender: Appender,
        recorder: AlertRecorder,
        clock: Clock,
        external: External,
        metrics: RuleMetrics,
        restored: Mapping[str, Sequence[Alert]],
    ) -> None:
        self.group = group
        self._clock = clock
        self._sharing = engine if isinstance(engine, PassEngine) else None
        self._evaluations = metrics.evaluations.labels(group.id)
        self._failures = metrics.failures.labels(group.id)
        self._refused = metrics.refused.labels(group.id)
        self._record_failures = metrics.record_failures.labels(group.id)
        self._duration = metrics.duration.labels(group.id)
        target = appender.target(Labels({"rule_group": group.id}))
        self._runners: list[Runner] = [
            AlertingRunner(
                rule_id, rule, group, engine, target, recorder, external, restored.get(rule_id, ())
            )
            if isinstance(rule, AlertingRule)
            else RecordingRunner(rule, group, engine, target)
            for rule_id, rule in zip(rule_ids(group), group.rules, strict=True)
        ]
        self.status = RuleGroupStatus(
            group,
            [
                RuleStatus(rule, alerts=tuple(runner.alerts))
                for rule, runner in zip(group.rules, self._runners, strict=True)
            ],
        )
        """The group and its last evaluation; replaced, never changed."""

    def evaluate(self, at_ms: int) -> Sequence[Transition]:
        """Evaluate every rule at a moment; return what changed, durable by now.

        A rule that fails does not stop those after it.
        """
        started = self._clock.monotonic()
        transitions: list[Transition] = []
        statuses: list[RuleStatus] = []
        for status, runner in zip(self.status.rules, self._runners, strict=True):
            rule_started = self._clock.monotonic()
            outcome = self._run(status, runner, at_ms)
            if self._sharing is not None:
                for name in runner.records:
                    self._sharing.forget(name)
            transitions.extend(outcome.transitions)
            statuses.append(
                RuleStatus(
                    status.rule,
                    health=RuleHealth.ERROR if outcome.error else RuleHealth.OK,
                    last_error=outcome.error,
                    last_evaluation_ms=at_ms,
                    last_duration_seconds=self._clock.monotonic() - rule_started,
                    alerts=tuple(runner.alerts),
                )
            )
        duration = self._clock.monotonic() - started
        self._duration.set(duration)
        self.status = RuleGroupStatus(self.group, statuses, at_ms, duration)
        return transitions

    def _run(self, status: RuleStatus, runner: Runner, at_ms: int) -> Outcome:
        self._evaluations.inc()
        try:
            outcome = runner.run(at_ms)
        except SakshiError as error:
            self._log_failure(status, str(error))
            outcome = Outcome(error=str(error))
        except Exception as error:  # the outermost line of a rule: the others go on
            _logger.exception("rule failed group=%r rule=%r", self.group.id, status.rule.name)
            outcome = Outcome(error=f"{type(error).__name__}: {error}")
        if outcome.error:
            self._failures.inc()
        if outcome.refused:
            self._refused.inc(outcome.refused)
        if outcome.record_failed:
            self._record_failures.inc()
        return outcome

    def _log_failure(self, status: RuleStatus, error: str) -> None:
        """Log a failure once, not at every evaluation that repeats it."""
        if status.last_error != error:
            name = status.rule.name
            _logger.warning("rule failed group=%r rule=%r error=%r", self.group.id, name, error)
