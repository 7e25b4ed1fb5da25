"""The live messages' contents: what `metrics_update` and `alerts_update` say at one moment.

docs/formats/websocket.md describes them. Everything here blocks on queries: the hub calls it on a
thread.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import orjson

from sakshi.kpi import fill_window, worst
from sakshi.model.clock import Clock, format_timestamp
from sakshi.model.labels import EMPTY_LABELS, METRIC_NAME, Labels, quote_value
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.promql.engine import QueryEngine, QueryResult, Scalar, Vector
from sakshi.promql.errors import QueryError
from sakshi.scrape.target import TargetHealth, TargetStatus
from sakshi.storage import Querier
from sakshi.web.alert_view import DELIVERIES_MAX, view_alerts
from sakshi.web.monitor import view_judgement
from sakshi.web.panel import Panel
from sakshi.web.services import Services

logger = logging.getLogger(__name__)

TARGETS_MAX: Final = 100  # of a message; the counts are of all
MESSAGE_SECONDS_MAX: Final = 5.0  # of queries; what takes longer is not live, and is left out
DATA_AGES_MS: Final = (60_000, 3_600_000)  # how far to look back for an answer: a minute, an hour

_HEALTHS: Final = (TargetHealth.DOWN, TargetHealth.UNKNOWN, TargetHealth.UP)


class MessageSource(Protocol):
    """Makes the live messages. Blocking; safe to call from any thread."""

    def metrics_update(self) -> str:
        """Return a `metrics_update` of this moment, as JSON."""

    def alerts_update(self) -> str:
        """Return an `alerts_update` of this moment, as JSON."""


class LiveSource:
    """Makes the live messages from the services; a query that fails leaves its numbers out."""

    def __init__(self, services: Services) -> None:
        dashboard = services.dashboard
        self._services = services
        names = {*dashboard.metrics, *(kpi.metric for kpi in services.kpis)}
        self._metrics_query = _any_of(names - {""})
        self._failing: set[str] = set()

    def metrics_update(self) -> str:
        """Return a `metrics_update` of this moment, as JSON."""
        services = self._services
        moment = _Moment(services.engine, services.clock, self._failing)
        metrics, truncated = self._metrics(moment)
        judgements = services.judgements()
        alerts = self._alerts()
        verdict = worst(judgement.counts_as for judgement in judgements)
        message = {
            "type": "metrics_update",
            "timestamp": format_timestamp(moment.at_ms),
            "metrics": metrics,
            "truncated": truncated,
            "data_age_seconds": find_data_age(services.querier, moment.at_ms),
            "summary": {"verdict": str(verdict), **alerts["summary"]},
            "kpis": [view_judgement(judgement) for judgement in judgements],
            "panels": {
                panel.id: self._points(moment, panel) for panel in services.dashboard.panels
            },
            "targets": view_targets(services.targets()),
            "alerts": alerts["alerts"],
        }
        return orjson.dumps(message).decode()

    def alerts_update(self) -> str:
        """Return an `alerts_update` of this moment, as JSON."""
        at_ms = self._services.clock.now_ms()
        message = {
            "type": "alerts_update",
            "timestamp": format_timestamp(at_ms),
            **self._alerts(),
        }
        return orjson.dumps(message).decode()

    def _metrics(self, moment: _Moment) -> tuple[Mapping[str, float], int]:
        points = sorted(moment.query(self._metrics_query)) if self._metrics_query else []
        limit = self._services.dashboard.series_max
        shown = {series_name(labels): value for labels, value in points[:limit]}
        return shown, max(0, len(points) - limit)

    def _points(self, moment: _Moment, panel: Panel) -> Mapping[str, float]:
        window = self._services.dashboard.window
        return {
            query.series_key(labels): value
            for query in panel.queries
            for labels, value in moment.query(fill_window(query.expr, window))
        }

    def _alerts(self) -> Mapping[str, Any]:
        services = self._services
        return view_alerts(
            services.alerts(),
            services.rule_groups(),
            services.ledger.deliveries(DELIVERIES_MAX),
        )


class _Moment:
    """The queries of one message: all at one moment, together within MESSAGE_SECONDS_MAX.

    Args:
        failing: the expressions that failed when they were last evaluated; kept up to date, so
            that only the first of a run of failures is logged.
    """

    def __init__(self, engine: QueryEngine, clock: Clock, failing: set[str]) -> None:
        self.at_ms = clock.now_ms()
        self._engine = engine
        self._clock = clock
        self._deadline = clock.monotonic() + MESSAGE_SECONDS_MAX
        self._failing = failing

    def query(self, expr: str) -> Sequence[tuple[Labels, float]]:
        """Return what an expression yields; nothing where it fails, or no time is left."""
        remaining = self._deadline - self._clock.monotonic()
        if remaining <= 0:
            return ()
        try:
            result = self._engine.instant(expr, self.at_ms, timeout_seconds=remaining)
        except QueryError as error:
            if expr not in self._failing:
                self._failing.add(expr)
                logger.warning("live query failed expr=%r error=%s", expr, error)
            return ()
        self._failing.discard(expr)
        return _points_of(result)


def series_name(labels: Labels) -> str:
    """Return a series' name as the text format writes it, the labels sorted.

    Example:
        >>> series_name(Labels({"__name__": "up", "job": "chat", "zone": "a b"}))
        'up{job="chat",zone="a b"}'
    """
    pairs = ",".join(f"{name}={quote_value(value)}" for name, value in labels.without_name().pairs)
    return f"{labels.name}{{{pairs}}}" if pairs else labels.name


def find_data_age(querier: Querier, at_ms: int) -> float | None:
    """Return how many seconds ago a target last answered; None: not within the last hour."""
    is_up = (Matcher(METRIC_NAME, MatchOperator.EQUAL, "up"),)
    for age_ms in DATA_AGES_MS:
        newest = [
            int(columns.timestamps[answered][-1])
            for columns in querier.select(is_up, at_ms - age_ms, at_ms)
            if (answered := (columns.values == 1.0).any(axis=1)).any()
        ]
        if newest:
            return (at_ms - max(newest)) / 1000
    return None


def view_targets(targets: Sequence[TargetStatus]) -> Mapping[str, object]:
    """Return the field `targets` of a `metrics_update`."""
    shown = sorted(targets, key=lambda target: (_HEALTHS.index(target.health), target.labels.pairs))
    counts = {
        str(health): sum(target.health is health for target in targets) for health in _HEALTHS
    }
    return {**counts, "items": [_view_target(target) for target in shown[:TARGETS_MAX]]}


def _view_target(target: TargetStatus) -> Mapping[str, object]:
    last_ms = target.last_scrape_ms
    return {
        "job": target.labels.get("job", target.job_name),
        "instance": target.labels.get("instance", ""),
        "health": str(target.health),
        "last_scrape": None if last_ms is None else format_timestamp(last_ms),
        "last_error": target.last_error,
        "interval_seconds": target.interval_ms / 1000,
        "duration_seconds": target.last_duration_seconds,
        "samples": target.last_samples,
    }


def _any_of(names: Iterable[str]) -> str:
    """Return a selector of all series of these metric names; empty where there is none."""
    pattern = "|".join(map(re.escape, sorted(names)))
    return f"{{{METRIC_NAME}=~{quote_value(pattern)}}}" if pattern else ""


def _points_of(result: QueryResult) -> Sequence[tuple[Labels, float]]:
    match result.value:
        case Scalar(values):
            return [(EMPTY_LABELS, float(values[0]))]
        case Vector() as vector:
            return vector.at(0)
        case _:
            return ()
