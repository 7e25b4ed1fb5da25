"""What a rule yields at one moment: series to record, or alerts and their series.

Nothing is kept or written here: the engine is asked, the rest is a function of values.

    expression ─▶ series ─▶ recording rule: renamed, labelled         ─▶ rows
                         └▶ alerting rule: labelled ─▶ state machine  ─▶ alerts, transitions, rows
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sakshi.model.alert import Alert, Transition
from sakshi.model.labels import EMPTY_LABELS, METRIC_NAME, Labels
from sakshi.promql.engine import QueryEngine, Scalar, Vector
from sakshi.rules.errors import DuplicateSeriesError, RuleLimitError, RuleTypeError
from sakshi.rules.expansion import Expander, External, rule_functions
from sakshi.rules.rule import AlertingRule, RecordingRule, RuleGroup
from sakshi.rules.state import Condition, Timing, advance, is_active

ALERTS: Final = "ALERTS"
ALERTS_FOR_STATE: Final = "ALERTS_FOR_STATE"
ALERT_NAME: Final = "alertname"
ALERT_STATE: Final = "alertstate"
KNOWN_PER_ROW_MAX: Final = 4  # label sets that are remembered: results come and go

Rows = Mapping[Labels, float]
"""Series, by their full label sets, and their values at one moment."""


@dataclass(frozen=True)
class AlertingResult:
    """What an alerting rule yields.

    Args:
        alerts: pending, firing, and resolved less than 15 minutes ago.
        transitions: what changed.
        rows: `ALERTS` and `ALERTS_FOR_STATE` of the active alerts.
    """

    alerts: Sequence[Alert]
    transitions: Sequence[Transition]
    rows: Rows


def evaluate_recording(
    rule: RecordingRule,
    group: RuleGroup,
    engine: QueryEngine,
    at_ms: int,
    known: dict[Labels, Labels] | None = None,
) -> Rows:
    """Return the series that a recording rule records.

    Args:
        rule: of the group.
        group: its labels are set too; the rule's own win.
        engine: answers the expression.
        at_ms: the moment, milliseconds since the epoch, the group's offset taken off.
        known: what the series of earlier results were recorded as; grows, within bounds.

    Raises:
        QueryError: the expression fails.
        RuleTypeError: its value is neither a vector nor a scalar.
        DuplicateSeriesError: two series have the same labels.
        RuleLimitError: there are more series than the group's limit.
    """
    changes = {**group.labels, **rule.labels, METRIC_NAME: rule.record}
    known = {} if known is None else known
    rows: dict[Labels, float] = {}
    for labels, value in select_series(engine, rule.query, at_ms):
        recorded = known.get(labels)
        if recorded is None:
            recorded = known[labels] = labels.updated(changes)
        if recorded in rows:
            raise DuplicateSeriesError(f"two results have the labels {recorded}")
        rows[recorded] = value
    if 0 < group.limit < len(rows):
        raise RuleLimitError(f"{len(rows)} series exceed the limit of {group.limit}")
    if len(known) > KNOWN_PER_ROW_MAX * len(rows):
        known.clear()
    return rows


class AlertingEvaluation:
    """An alerting rule with its templates, read once.

    Args:
        rule_id: as `Alert.rule_id`.
        rule: of the group.
        group: its labels are set too; the rule's own win.
        external: what all alerts share.
    """

    def __init__(
        self, rule_id: str, rule: AlertingRule, group: RuleGroup, external: External
    ) -> None:
        self._rule_id, self._rule, self._group = rule_id, rule, group
        self._external = external
        self._labels = Expander(f"{rule.alert}.labels", {**group.labels, **rule.labels})
        self._annotations = Expander(f"{rule.alert}.annotations", rule.annotations)

    def evaluate(
        self,
        engine: QueryEngine,
        previous: Iterable[Alert],
        at_ms: int,
        *,
        trusts_absence: bool = True,
    ) -> AlertingResult:
        """Return the alerts after an evaluation.

        Args:
            engine: answers the expression, the group's offset earlier, and the templates' queries.
            previous: the alerts that the evaluation before returned.
            at_ms: the evaluation, milliseconds since the epoch.
            trusts_absence: as `Timing.trusts_absence`.

        Raises:
            QueryError: the expression fails.
            RuleTypeError: its value is neither a vector nor a scalar.
            DuplicateSeriesError: two alerts have the same labels.
            RuleLimitError: there are more active alerts than the group's limit.
        """
        conditions = self._conditions(engine, at_ms)
        rule = self._rule
        timing = Timing(rule.hold_ms, rule.keep_firing_ms, trusts_absence)
        result = advance(self._rule_id, previous, conditions, timing, at_ms)
        active = [alert for alert in result.alerts if is_active(alert)]
        if 0 < self._group.limit < len(active):
            raise RuleLimitError(f"{len(active)} alerts exceed the limit of {self._group.limit}")
        return AlertingResult(result.alerts, result.transitions, alert_rows(active))

    def _conditions(self, engine: QueryEngine, at_ms: int) -> list[Condition]:
        conditions: dict[Labels, Condition] = {}
        query_ms = at_ms - self._group.query_offset_ms
        found = select_series(engine, self._rule.query, query_ms)
        if not found:
            return []
        functions = rule_functions(engine, self._external, at_ms)
        for series, value in found:
            changes = self._labels.expand(series, value, self._external, functions)
            labels = series.without_name().updated({**changes, ALERT_NAME: self._rule.alert})
            if labels in conditions:
                raise DuplicateSeriesError(f"two alerts have the labels {labels}")
            annotations = self._annotations.expand(series, value, self._external, functions)
            conditions[labels] = Condition(labels, Labels(annotations), value)
        return list(conditions.values())


def select_series(engine: QueryEngine, query: str, at_ms: int) -> Sequence[tuple[Labels, float]]:
    """Return the series of an expression's value at a moment; a scalar is one without labels.

    Raises:
        QueryError: the expression fails.
        RuleTypeError: the value is a string or a range vector.
    """
    value = engine.instant(query, at_ms).value
    if isinstance(value, Vector):
        return value.at()
    if isinstance(value, Scalar):
        return [(EMPTY_LABELS, float(value.values[0]))]
    raise RuleTypeError("the expression's value is neither an instant vector nor a scalar")


def alert_rows(alerts: Iterable[Alert]) -> Rows:
    """Return the series of active alerts.

    `ALERTS` is 1 while an alert is in the state that its `alertstate` names; `ALERTS_FOR_STATE` is
    the moment since which its condition holds, in whole seconds since the epoch.
    """
    rows: dict[Labels, float] = {}
    for alert in alerts:
        shown = {METRIC_NAME: ALERTS, ALERT_STATE: alert.state.value}
        rows[alert.labels.updated(shown)] = 1.0
        since = alert.labels.updated({METRIC_NAME: ALERTS_FOR_STATE})
        rows[since] = float(alert.active_at_ms // 1000)
    return rows
