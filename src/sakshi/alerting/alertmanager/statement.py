"""What is said of one alert to an Alertmanager: labels, texts, and from when until when.

Alertmanager forgets what it is not told again. So "it fires" is said with an end that lies a few
evaluations ahead: should sakshi fall silent, the alert ends there by itself.

Source:
    prometheus/prometheus rules/alerting.go, sendAlerts; rules/manager.go, SendAlerts;
    notifier/manager.go, relabelAlerts
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus

from sakshi.alerting.data import starts_at_ms
from sakshi.ledger import OwedResolution
from sakshi.model.alert import Alert, AlertState
from sakshi.model.clock import format_timestamp
from sakshi.model.labels import Labels
from sakshi.scrape import RelabelRule
from sakshi.scrape.relabel import relabel

RESEND_MS: Final = 60_000  # Prometheus' --rules.alert.resend-delay
ENDS_AFTER: Final = 4  # times the interval, or the resend delay: Prometheus allows for two failures
RESOLVED_FOR_MS: Final = 15 * 60_000  # how long a resolution is said again: Prometheus' too


@dataclass(frozen=True)
class AlertSource:
    """The rule that an alert comes from.

    Args:
        query: its expression, as Prometheus prints it.
        interval_ms: from evaluation to evaluation.
        evaluated_ms: the last evaluation, milliseconds since the epoch; None before the first.
    """

    query: str
    interval_ms: int
    evaluated_ms: int | None = None


FindSource = Callable[[str], AlertSource | None]
"""Gives the rule of a rule id; None where there is none any more."""


@dataclass(frozen=True)
class Statement:
    """What an Alertmanager must know of one label set.

    Args:
        labels: as the Alertmanager sees them: with external labels, relabelled. Its identity.
        alert: FIRING or RESOLVED.
    """

    labels: Labels
    alert: Alert

    @property
    def since_ms(self) -> int:
        """When the alert came into its state, milliseconds since the epoch."""
        if self.alert.state is AlertState.RESOLVED:
            assert self.alert.resolved_at_ms is not None
            return self.alert.resolved_at_ms
        return starts_at_ms(self.alert)

    @property
    def rank(self) -> tuple[bool, int]:
        """What decides where two alerts have one label set: the one that fires, then the newer."""
        return self.alert.state is AlertState.FIRING, self.since_ms


class Relabelling:
    """Gives alerts the labels by which an Alertmanager knows them.

    Args:
        external_labels: added where an alert has none of the name.
        rule_lists: `alert_relabel_configs` of all Alertmanagers, and of this one.
    """

    def __init__(
        self, external_labels: Mapping[str, str], *rule_lists: Sequence[RelabelRule]
    ) -> None:
        self._external = dict(external_labels)
        self._rules = [rule for rules in rule_lists for rule in rules]
        self.known: Mapping[Labels, Labels | None] = {}
        """The labels of the alerts of the last call, by those that they have; None: dropped."""

    def apply(self, alerts: Iterable[Alert]) -> Mapping[Labels, Labels | None]:
        """Return the labels of alerts by those that they have; None for one that is dropped.

        What was asked for the last time is not computed again; anything else is forgotten.
        """
        before = self.known
        self.known = {
            labels: before[labels] if labels in before else self._relabel(labels)
            for labels in (alert.labels for alert in alerts)
        }
        return self.known

    def _relabel(self, labels: Labels) -> Labels | None:
        return relabel({**self._external, **labels}, self._rules)


def make_statements(
    alerts: Iterable[Alert],
    owed: Iterable[OwedResolution],
    relabelling: Relabelling,
    now_ms: int,
) -> Mapping[Labels, Statement]:
    """Return what an Alertmanager must know now, by label set.

    Args:
        alerts: of the ledger; pending ones are nobody's business, and resolutions that are older
            than 15 minutes only where they are owed.
        owed: resolutions that it has not accepted.
        relabelling: of the labels.
        now_ms: now.
    """
    current = [alert for alert in alerts if _is_current(alert, now_ms)]
    told = [*(resolution.alert for resolution in owed), *current]
    labels_of = relabelling.apply(told)
    statements: dict[Labels, Statement] = {}
    for alert in told:
        labels = labels_of[alert.labels]
        if labels is not None:
            statement, other = Statement(labels, alert), statements.get(labels)
            if other is None or statement.rank >= other.rank:
                statements[labels] = statement
    return statements


def ends_at_ms(alert: Alert, source: AlertSource | None) -> int:
    """Return the end of an alert: of one that fires, the moment at which it ends if nobody speaks.

    Args:
        alert: FIRING or RESOLVED.
        source: its rule; None: it is not evaluated any more.
    """
    if alert.state is AlertState.RESOLVED:
        assert alert.resolved_at_ms is not None
        return alert.resolved_at_ms
    interval_ms = source.interval_ms if source else 0
    evaluated_ms = (source.evaluated_ms if source else None) or 0
    last_ms = max(evaluated_ms, starts_at_ms(alert))  # it fires since an evaluation
    return last_ms + ENDS_AFTER * max(interval_ms, RESEND_MS)


def encode_statement(
    statement: Statement, source: AlertSource | None, external_url: str
) -> dict[str, Any]:
    """Return a statement as Alertmanager's API v2 takes it."""
    alert = statement.alert
    return {
        "labels": dict(statement.labels),
        "annotations": dict(alert.annotations),
        "startsAt": format_timestamp(starts_at_ms(alert)),
        "endsAt": format_timestamp(ends_at_ms(alert, source)),
        "generatorURL": generator_url(source, external_url),
    }


def generator_url(source: AlertSource | None, external_url: str) -> str:
    """Return where people see the alert's expression; of a rule that is gone, the page.

    Source:
        prometheus/prometheus util/strutil/strconv.go, TableLinkForExpression.

    Example:
        >>> generator_url(AlertSource("up == 0", 15_000), "http://sakshi:9090")
        'http://sakshi:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1'
    """
    if source is None:
        return f"{external_url}/"
    return f"{external_url}/graph?g0.expr={quote_plus(source.query)}&g0.tab=1"


def _is_current(alert: Alert, now_ms: int) -> bool:
    if alert.state is AlertState.RESOLVED:
        return now_ms - (alert.resolved_at_ms or 0) <= RESOLVED_FOR_MS
    return alert.state is AlertState.FIRING
