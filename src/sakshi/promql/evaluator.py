"""From a syntax tree to values: one level of steps, evaluated in blocks.

A query has one level; each subquery in it has one of its own, evaluated once in full, whose answer
is then read like the samples of a selector. A level of several steps first loads its sources
(selectors and subqueries) for all of them, to know how many fit into a block, and then computes
block after block:

    Timeline ──blocks──▶ StepBlock.value(expr) ──▶ Scalar | Vector, joined into one
                              │ asks
                              ▼
                         sources of the level: Selection by node

An expression that does not depend on the step (`x @ end()`) is evaluated once a level.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from sakshi.model.matcher import Matcher
from sakshi.promql.aggregation import aggregate
from sakshi.promql.annotation import Annotations
from sakshi.promql.ast import (
    Aggregation,
    Binary,
    Call,
    Expr,
    Extension,
    MatrixSelector,
    NumberLiteral,
    Parenthesis,
    StringLiteral,
    Subquery,
    TimeAnchor,
    Unary,
    VectorSelector,
    extension_of,
    iter_nodes,
)
from sakshi.promql.binary import combine, negate
from sakshi.promql.block import Value
from sakshi.promql.duration import QueryTimes
from sakshi.promql.engine import Scalar, SeriesSamples, Text, Vector
from sakshi.promql.extended import (
    ExtendedKernel,
    evaluate_extended,
    extended_samples,
    smoothed,
)
from sakshi.promql.limit import Budget
from sakshi.promql.registry import FUNCTIONS
from sakshi.promql.selection import (
    COPIED_PER_NEWEST,
    COPIED_PER_PART,
    JoinedSeries,
    Selection,
    newest,
    settled_samples,
)
from sakshi.promql.sharing import SharedReads, is_shared
from sakshi.promql.timeline import Timeline
from sakshi.promql.vector import NO_SERIES, broadcast, join_steps, joined_cells, present_count
from sakshi.promql.window import Kernel, evaluate_windows
from sakshi.storage.store import Querier, SeriesColumns, Timestamps, Values
from sakshi.storage.value import ABSENT_BITS

Source = VectorSelector | MatrixSelector | Subquery
Shared = TypeVar("Shared", bound=Value | Selection)

STEP_DEPENDENT: Final = frozenset(
    {
        "day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month",
        "predict_linear", "time", "timestamp", "year",
    }
)  # fmt: skip
"""Functions that read the evaluation time, even where their argument is fixed by @."""


@dataclass(frozen=True)
class Query:
    """What all levels of a query share.

    Args:
        querier: where the samples are.
        joined: series lists of selections over several targets.
        budget: what the query may cost.
        annotations: what is to be said about the answer.
        times: the query's, for `start()`, `@ end()` and their like.
        lookback_ms: how old a sample may be for an instant vector, exclusive.
        subquery_step_ms: of subqueries that name none.
        reads: what other queries at the same moment have read; None: there are none.
    """

    querier: Querier
    joined: JoinedSeries
    budget: Budget
    annotations: Annotations
    times: QueryTimes
    lookback_ms: int
    subquery_step_ms: int
    reads: SharedReads | None = None

    def anchor(self, at: int | TimeAnchor | None) -> int | None:
        """Return the moment of an @ modifier in milliseconds; None where there is no modifier."""
        if isinstance(at, TimeAnchor):
            return self.times.start_ms if at is TimeAnchor.START else self.times.end_ms
        return at


class Level:
    """Evaluates expressions at the steps of a query, or of a subquery in it.

    Args:
        query: what the levels share.
        timeline: the steps; one or more.
        is_answer: whether its value is the query's answer, which has a limit of its own.
    """

    def __init__(self, query: Query, timeline: Timeline, *, is_answer: bool = False) -> None:
        assert timeline.count > 0
        self.query = query
        self._timeline = timeline
        self._reads = query.reads if timeline.count == 1 else None
        self._is_answer = is_answer
        self._sources: dict[str, Selection] = {}
        self._fixed: dict[int, bool] = {}
        self._fixed_values: dict[int, Value] = {}

    @property
    def timeline(self) -> Timeline:
        """The steps."""
        return self._timeline

    def value(self, expr: Expr) -> Value:
        """Return the value of an expression, which is no range vector, at all steps.

        Raises:
            QueryError: the data does not allow it, or it costs too much.
        """
        budget = self.query.budget
        if self._timeline.count == 1:  # one block, however wide: sources are loaded when asked for
            budget.check()
            value = StepBlock(self, self._timeline.times()).value(expr)
            if not isinstance(value, Text):
                budget.charge(value.values.size)
            return value
        self._load(expr)
        widest = max((len(source.series) for source in self._sources.values()), default=0)
        blocks, numbers = [], 0
        for times in self._timeline.blocks(max(1, budget.limits.block_cells // max(1, widest))):
            budget.check()
            value = StepBlock(self, times).value(expr)
            if not isinstance(value, Text):
                budget.charge(value.values.size)
            if self._is_answer and isinstance(value, Vector):
                numbers += present_count(value)
                budget.admit_answer(numbers)
            blocks.append(value)
        budget.charge(joined_cells(blocks))
        return join_steps(blocks)

    def samples(self, expr: Source) -> Sequence[SeriesSamples]:
        """Return the samples of a range vector at the level's last step."""
        self._load(expr)
        end_ms = int(self.ends(expr, self._timeline.times()[-1:])[0])
        source, start_ms = self.source(expr), end_ms - self.range_ms(expr)
        extension = extension_of(expr)
        if extension is None:
            return settled_samples(source, start_ms, end_ms)
        return extended_samples(source, start_ms, end_ms, extension, self.query.lookback_ms)

    def source(self, expr: Source) -> Selection:
        """Return the samples that a selector or subquery of this level reads; equal ones, once."""
        found = self._sources.get(expr.text)
        if found is not None:
            return found
        found = self._sources[expr.text] = self.shared("source", expr, lambda: self._select(expr))
        return found

    def shared(self, key: Hashable, expr: Expr, evaluate: Callable[[], Shared]) -> Shared:
        """Return what another query of the pass found for an expression, or what is found now.

        Args:
            key: what is done with the expression.
            expr: on which the result depends, and on the moment; nothing else.
            evaluate: finds it. Where it has something to say, others shall say it themselves.
        """
        reads, annotations = self._reads, self.query.annotations
        if reads is None or not reads.is_wanted((expr.text, key)):
            return evaluate()
        # A subquery may have one step, too, which its query's @ end() is not.
        whole_key = (expr.text, self._timeline.start_ms, self.query.times.end_ms, key)
        found: Shared | None = reads.find(whole_key)
        if found is None:
            said = annotations.said
            found = evaluate()
            if annotations.said == said:
                reads.keep(whole_key, expr, found, _cells(found))
        return found

    def ends(self, expr: Source, times: Timestamps) -> Timestamps:
        """Return the right edge of a source's range at each step: offset and @ applied."""
        node = expr.selector if isinstance(expr, MatrixSelector) else expr
        at_ms = self.query.anchor(node.at)
        if at_ms is not None:
            times = np.full_like(times, at_ms)
        assert isinstance(node.offset_ms, int)
        return times - node.offset_ms if node.offset_ms else times

    def _end(self, expr: Source, time_ms: int) -> int:
        """Return `ends` at one moment."""
        node = expr.selector if isinstance(expr, MatrixSelector) else expr
        at_ms = self.query.anchor(node.at)
        assert isinstance(node.offset_ms, int)
        return (time_ms if at_ms is None else at_ms) - node.offset_ms

    def range_ms(self, expr: Source) -> int:
        """Return how far a source looks back."""
        if isinstance(expr, VectorSelector):
            return self.query.lookback_ms
        assert isinstance(expr.range_ms, int)
        return expr.range_ms

    def newest_times(self, matchers: tuple[Matcher, ...], times: Timestamps) -> Vector:
        """Return the times, in seconds, of the newest samples of series at each moment."""
        lookback_ms, budget = self.query.lookback_ms, self.query.budget
        first_ms, last_ms = int(times.min()), int(times.max())
        parts = self.query.querier.select(
            matchers, first_ms - lookback_ms + 1, last_ms, budget.watch
        )
        selection = self.query.joined.select(parts)
        budget.charge(selection.cells)
        return newest(selection, times, lookback_ms, ask_time=True, check=budget.check)

    def is_fixed(self, expr: Expr) -> bool:
        """Tell whether an expression has the same value at every step."""
        known = self._fixed.get(id(expr))
        if known is None:
            known = self._fixed[id(expr)] = self._is_fixed(expr)
        return known

    def fixed_value(self, expr: Expr) -> Value:
        """Return the value, at one step, of an expression that `is_fixed`."""
        value = self._fixed_values.get(id(expr))
        if value is None:
            value = StepBlock(self, self._timeline.times()[:1]).value(expr)
            self._fixed_values[id(expr)] = value
        return value

    def _is_fixed(self, expr: Expr) -> bool:
        match expr:
            case VectorSelector() | Subquery():
                return expr.at is not None
            case MatrixSelector():
                return expr.selector.at is not None
            case Call() if expr.function in STEP_DEPENDENT:
                return False
        return all(map(self.is_fixed, expr.children))

    def _load(self, expr: Expr) -> None:
        """Read the sources of an expression, subqueries included, for all steps."""
        if not isinstance(expr, VectorSelector | MatrixSelector | Subquery):
            is_info = isinstance(expr, Call) and expr.function == "info"
            for child in expr.children[:1] if is_info else expr.children:
                self._load(child)
        else:
            self.source(expr)

    def _select(self, expr: Source) -> Selection:
        after_ms = self._end(expr, self._timeline.start_ms) - self.range_ms(expr)
        until_ms = self._end(expr, self._timeline.end_ms)
        if isinstance(expr, Subquery):
            selection = self._evaluate_subquery(expr, after_ms, until_ms)
        else:
            selector = expr.selector if isinstance(expr, MatrixSelector) else expr
            if selector.extension is not None:
                after_ms -= self.query.lookback_ms
            if selector.extension is Extension.SMOOTHED:
                until_ms += self.query.lookback_ms
            parts = self.query.querier.select(
                selector.matchers, after_ms + 1, until_ms, self.query.budget.watch
            )
            is_newest = selector is expr
            copied = COPIED_PER_NEWEST if is_newest else COPIED_PER_PART
            selection = self.query.joined.select(parts, copied)
        self.query.budget.charge(selection.cells)
        self.query.budget.check()
        return selection

    def _evaluate_subquery(self, expr: Subquery, after_ms: int, until_ms: int) -> Selection:
        """Return a subquery's answer in the left-open (after_ms, until_ms] as samples."""
        assert expr.step_ms is None or isinstance(expr.step_ms, int)
        step_ms = expr.step_ms or self.query.subquery_step_ms
        timeline = Timeline.aligned(after_ms, until_ms, step_ms)
        if not timeline.count:
            return Selection(NO_SERIES, ())
        self.query.budget.charge(timeline.count)
        vector = Level(self.query, timeline).value(expr.expr)
        assert isinstance(vector, Vector)
        values, has_gaps = vector.values, vector.present is not None
        if vector.present is not None:
            values = values.copy()
            values.view(np.uint64)[~vector.present] = ABSENT_BITS
        part = SeriesColumns(vector.series, timeline.times(), values, has_gaps=has_gaps)
        return Selection(vector.series, (part,), vector.nameless)


class StepBlock:
    """Some consecutive steps of a level: the `Block` that implementations are given."""

    def __init__(self, level: Level, times: Timestamps) -> None:
        self._level = level
        self._times = times
        self._windows: dict[tuple[str, Kernel, int], Vector] = {}

    @property
    def times(self) -> Timestamps:
        """The steps."""
        return self._times

    @property
    def annotations(self) -> Annotations:
        """Where to say what does not stop the query."""
        return self._level.query.annotations

    @property
    def budget(self) -> Budget:
        """What the query may cost."""
        return self._level.query.budget

    @property
    def query_times(self) -> QueryTimes:
        """Where the query starts and ends."""
        return self._level.query.times

    def value(self, expr: Expr) -> Value:
        """Return the value of an expression that is no range vector."""
        if expr.children:
            self.budget.check()
        if len(self._times) > 1 and self._level.is_fixed(expr):
            return broadcast(self._level.fixed_value(expr), len(self._times))
        if is_shared(expr):
            return self._level.shared("value", expr, lambda: self._evaluate(expr))
        return self._evaluate(expr)

    def vector(self, expr: Expr) -> Vector:
        """Return the value of an instant vector expression."""
        value = self.value(expr)
        assert isinstance(value, Vector)
        return value

    def scalar(self, expr: Expr) -> Values:
        """Return the value of a scalar expression, shape (steps,)."""
        value = self.value(expr)
        assert isinstance(value, Scalar)
        return value.values

    def text(self, expr: Expr) -> str:
        """Return the value of a string expression."""
        value = self.value(expr)
        assert isinstance(value, Text)
        return value.value

    def windows(
        self, expr: Expr, kernel: Kernel, samples_min: int = 1, parameters: Sequence[Values] = ()
    ) -> Vector:
        """Return a range function's value of a range vector expression, metric names kept."""
        source = _inner(expr)
        assert isinstance(source, MatrixSelector | Subquery)
        if parameters:
            return self._evaluate_windows(source, kernel, samples_min, parameters)
        key = source.text, kernel, samples_min
        found = self._windows.get(key)
        if found is None:
            found = self._windows[key] = self._level.shared(
                (kernel, samples_min),
                source,
                lambda: self._evaluate_windows(source, kernel, samples_min, ()),
            )
        return found

    def _evaluate_windows(
        self,
        source: MatrixSelector | Subquery,
        kernel: Kernel,
        samples_min: int,
        parameters: Sequence[Values],
    ) -> Vector:
        return evaluate_windows(
            kernel,
            self._level.source(source),
            self._level.ends(source, self._times),
            self._level.range_ms(source),
            samples_min=samples_min,
            times_ms=self._times,
            parameters=parameters,
            check=self.budget.check,
        )

    def extended(self, expr: Expr, kernel: ExtendedKernel) -> Vector:
        """Return a function's value of an anchored or smoothed range, metric names kept."""
        source = _inner(expr)
        assert isinstance(source, MatrixSelector)
        assert source.selector.extension is not None
        return evaluate_extended(
            kernel,
            self._level.source(source),
            self._level.ends(source, self._times),
            self._level.range_ms(source),
            extension=source.selector.extension,
            lookback_ms=self._level.query.lookback_ms,
            check=self.budget.check,
        )

    def times_beside(self, expr: Expr, matchers: tuple[Matcher, ...]) -> Vector:
        """Return the times, in seconds, of other series' newest samples.

        They are looked for where the first selector in the expression looks: offset and @ applied.
        """
        inner = next((node for node in iter_nodes(expr) if isinstance(node, VectorSelector)), None)
        times = self._times if inner is None else self._level.ends(inner, self._times)
        return self._level.newest_times(matchers, times)

    def sample_times(self, expr: Expr) -> Vector:
        """Return the times, in seconds, of the samples that a vector expression consists of.

        A selector's samples have their own; all others are made at the evaluation time.
        """
        source = _inner(expr)
        if isinstance(source, VectorSelector) and source.extension is None:
            return self._newest(source, ask_time=True)
        vector = self.vector(expr)
        times = np.broadcast_to(self._times[:, None] / 1000, vector.values.shape)
        return vector.holding(times, vector.present)

    def _newest(self, selector: VectorSelector, *, ask_time: bool = False) -> Vector:
        source, ends = self._level.source(selector), self._level.ends(selector, self._times)
        lookback_ms, check = self._level.query.lookback_ms, self.budget.check
        if selector.extension is Extension.SMOOTHED:
            return smoothed(source, ends, lookback_ms, check=check)
        return newest(source, ends, lookback_ms, ask_time=ask_time, check=check)

    def _evaluate(self, expr: Expr) -> Value:
        match expr:
            case VectorSelector():
                return self._newest(expr)
            case Call():
                return FUNCTIONS[expr.function](self, expr)
            case Aggregation():
                return aggregate(self, expr)
            case Binary():
                return combine(self, expr)
            case Unary():
                return negate(self, expr)
            case Parenthesis():
                return self.value(expr.expr)
            case NumberLiteral():
                return Scalar(np.full(len(self._times), expr.value))
        assert isinstance(expr, StringLiteral)
        return Text(expr.value)


def _cells(found: Value | Selection) -> int:
    if isinstance(found, Text):
        return 0
    return found.cells if isinstance(found, Selection) else found.values.size


def _inner(expr: Expr) -> Expr:
    """Return what stands inside any parentheses."""
    while isinstance(expr, Parenthesis):
        expr = expr.expr
    return expr
