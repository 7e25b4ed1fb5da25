"""The embedded engine: parses, checks, evaluates over a store, and hands out the answer."""

from __future__ import annotations

from collections import OrderedDict
from threading import Event, Lock

import numpy as np

from sakshi.model.clock import Clock
from sakshi.promql.annotation import Annotations
from sakshi.promql.ast import Expr, MatrixSelector, Parenthesis, Subquery, ValueType
from sakshi.promql.duration import QueryTimes, resolved
from sakshi.promql.engine import QueryResult, QueryStatistics, Samples, Scalar, Text, Vector
from sakshi.promql.errors import QueryEvaluationError, QueryLimitError, QueryTypeError
from sakshi.promql.evaluator import Level, Query
from sakshi.promql.limit import DEFAULT_LIMITS, Budget, EvaluationLimits
from sakshi.promql.memo import derive
from sakshi.promql.order import ordered
from sakshi.promql.parser import parse_query
from sakshi.promql.registry import check_supported
from sakshi.promql.selection import JoinedSeries
from sakshi.promql.sharing import SharedReads
from sakshi.promql.statistics import count_samples
from sakshi.promql.timeline import Timeline
from sakshi.promql.vector import Indices, compacted, settled
from sakshi.storage.store import Querier, SeriesList

LOOKBACK_MS = 300_000  # Prometheus' --query.lookback-delta
SUBQUERY_STEP_MS = 60_000  # Prometheus' default evaluation interval


class LocalEngine:
    """Answers PromQL from a store in this process: a `QueryEngine`.

    Args:
        querier: the store.
        clock: times the deadline.
        limits: what one query may cost.
        lookback_ms: how old a sample may be for an instant vector, exclusive.
        subquery_step_ms: of subqueries that name none: the global evaluation interval.
    """

    def __init__(
        self,
        querier: Querier,
        clock: Clock,
        limits: EvaluationLimits = DEFAULT_LIMITS,
        *,
        lookback_ms: int = LOOKBACK_MS,
        subquery_step_ms: int = SUBQUERY_STEP_MS,
    ) -> None:
        self._querier = querier
        self._clock = clock
        self._limits = limits
        self._lookback_ms = lookback_ms
        self._subquery_step_ms = subquery_step_ms
        self._joined = JoinedSeries(limits.joined_lists)
        self._parsed = ParsedQueries(limits.parsed_queries)
        self._stop = Event()

    def stop(self) -> None:
        """Have the queries that run, and all that come, end with QueryTimeoutError."""
        self._stop.set()

    def instant(
        self,
        query: str,
        at_ms: int,
        *,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
        counts_samples: bool = False,
        reads: SharedReads | None = None,
    ) -> QueryResult:
        """Return the value of a query at one moment.

        Args:
            query: as in `QueryEngine`, and all the others but one.
            at_ms: the same.
            timeout_seconds: the same.
            lookback_ms: the same.
            counts_samples: the same.
            reads: what other queries of a pass read, and will; of this engine's own lookback.

        Raises:
            QueryError: the query is wrong, too large, too slow, or the data does not allow it.
        """
        times, timeline = QueryTimes(at_ms, at_ms, 0), Timeline(at_ms, 1, 1)
        expr = resolved(self._parsed.get(query), times)
        shared = self._query(query, times, timeout_seconds, lookback_ms, reads)
        level = Level(shared, timeline)
        with np.errstate(all="ignore"):
            inner = _inner(expr)
            value: Scalar | Text | Vector | Samples
            if isinstance(inner, MatrixSelector | Subquery):
                value = Samples(level.samples(inner))
            else:
                value = level.value(expr)
            if isinstance(value, Vector):
                value = ordered(expr, compacted(settled(value)))
            statistics = count_samples(level, expr) if counts_samples else None
        return _result(timeline, value, shared.annotations, statistics)

    def range(
        self,
        query: str,
        start_ms: int,
        end_ms: int,
        step_ms: int,
        *,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
        counts_samples: bool = False,
    ) -> QueryResult:
        """Return the value of a query at start_ms, start_ms + step_ms, ... up to end_ms, inclusive.

        A vector's series come sorted by their labels.

        Raises:
            QueryError: as for `instant`; also where the expression is a range vector or a string,
                where a step is not above zero, where the range ends before it starts, and where it
                has more steps than the limits allow.
        """
        expr = self._parsed.get(query)
        if expr.type not in (ValueType.SCALAR, ValueType.VECTOR):
            raise QueryTypeError(
                f"expected a scalar or an instant vector for a range query, found {expr.type.noun}"
            )
        timeline = self._steps(start_ms, end_ms, step_ms)
        times = QueryTimes(start_ms, end_ms, step_ms)
        expr = resolved(expr, times)
        shared = self._query(query, times, timeout_seconds, lookback_ms)
        with np.errstate(all="ignore"):
            level = Level(shared, timeline, is_answer=True)
            value = level.value(expr)
            if isinstance(value, Vector):
                value = compacted(_sorted(settled(value)))
            statistics = count_samples(level, expr) if counts_samples else None
        return _result(timeline, value, shared.annotations, statistics)

    def _steps(self, start_ms: int, end_ms: int, step_ms: int) -> Timeline:
        if step_ms <= 0:
            raise QueryEvaluationError(f"expected a step above zero, found {step_ms} ms")
        if end_ms < start_ms:
            raise QueryEvaluationError(
                f"expected an end at or after the start {start_ms}, found {end_ms}"
            )
        timeline = Timeline.between(start_ms, end_ms, step_ms)
        if timeline.count > self._limits.points_per_series:
            raise QueryLimitError(
                f"exceeded the resolution of {self._limits.points_per_series:,} points per series: "
                f"the query has {timeline.count:,} steps; take a longer one"
            )
        return timeline

    def _query(
        self,
        text: str,
        times: QueryTimes,
        timeout_seconds: float | None,
        lookback_ms: int | None,
        reads: SharedReads | None = None,
    ) -> Query:
        return Query(
            querier=self._querier,
            joined=self._joined,
            budget=Budget(self._clock, self._limits, timeout_seconds, self._stop),
            annotations=Annotations(text),
            times=times,
            lookback_ms=self._lookback_ms if lookback_ms is None else lookback_ms,
            subquery_step_ms=self._subquery_step_ms,
            reads=reads,
        )


class LocalPassEngine:
    """The embedded engine for queries that come together, as a pass of rules: a `PassEngine`.

    What several instant queries of one moment read alike is read once, until it is forgotten.
    Belongs to one thread at a time.
    """

    def __init__(self, engine: LocalEngine) -> None:
        self._reads = SharedReads()
        self._engine = engine
        self.range = engine.range

    def instant(
        self,
        query: str,
        at_ms: int,
        *,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
        counts_samples: bool = False,
    ) -> QueryResult:
        """Return the value of a query at one moment: see `QueryEngine`."""
        return self._engine.instant(
            query,
            at_ms,
            timeout_seconds=timeout_seconds,
            lookback_ms=lookback_ms,
            counts_samples=counts_samples,
            reads=self._reads if lookback_ms is None else None,
        )

    def forget(self, metric_name: str) -> None:
        """Read anew whatever may hold series of this name: there are new samples of them."""
        self._reads.forget(metric_name)

    def end_pass(self) -> None:
        """Read everything anew."""
        self._reads.end()


class ParsedQueries:
    """Syntax trees by text, checked; those not used for longest go. Safe to call from any thread.

    Args:
        entries_max: how many are kept.
    """

    def __init__(self, entries_max: int) -> None:
        self._entries_max = entries_max
        self._entries: OrderedDict[str, Expr] = OrderedDict()
        self._lock = Lock()

    def get(self, text: str) -> Expr:
        """Return the syntax tree of a query that the evaluator supports.

        Raises:
            QueryError: it is no PromQL, too large, or calls what is not supported.
        """
        with self._lock:
            found = self._entries.get(text)
            if found is not None:
                self._entries.move_to_end(text)
                return found
        expr = parse_query(text)
        check_supported(expr, text)
        with self._lock:
            self._entries[text] = expr
            if len(self._entries) > self._entries_max:
                self._entries.popitem(last=False)
        return expr


def _inner(expr: Expr) -> Expr:
    while isinstance(expr, Parenthesis):
        expr = expr.expr
    return expr


def _sorted(vector: Vector) -> Vector:
    """Return the vector with its series sorted by their labels."""
    series, order = derive(vector.series, "sorted", lambda: _sorted_series(vector.series))
    if order is None:
        return vector
    present = None if vector.present is None else vector.present[:, order]
    return Vector(series, vector.values[:, order], present)


def _sorted_series(series: SeriesList) -> tuple[SeriesList, Indices | None]:
    order = sorted(range(len(series)), key=series.__getitem__)
    if order == list(range(len(series))):
        return series, None
    return SeriesList([series[index] for index in order]), np.array(order, np.intp)


def _result(
    timeline: Timeline,
    value: Scalar | Text | Vector | Samples,
    annotations: Annotations,
    statistics: QueryStatistics | None,
) -> QueryResult:
    times = timeline.times()
    return QueryResult(times, value, annotations.warnings, annotations.infos, statistics)
