from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.conftest import FakeClock
from tests.promql.expression import ExpressionGenerator
from tests.promql.notation import append_series, parse_series
from tests.promql.service_samples import Instance, service_samples

from sakshi.model.clock import Clock, SystemClock
from sakshi.model.labels import Labels
from sakshi.promql import (
    EvaluationLimits,
    LocalEngine,
    QueryError,
    QueryEvaluationError,
    QueryLimitError,
    QueryResult,
    QuerySyntaxError,
    QueryTimeoutError,
    Samples,
    Scalar,
    Text,
    Vector,
    render_range,
)
from sakshi.promql.local import SUBQUERY_STEP_MS, ParsedQueries
from sakshi.storage import ABSENT, is_absent
from sakshi.storage.memory import MemoryStore

SEED = 7
START_MS = 1_700_000_000_000


def engine_over(
    *lines: str,
    limits: EvaluationLimits | None = None,
    clock: Clock | None = None,
    subquery_step_ms: int = SUBQUERY_STEP_MS,
) -> LocalEngine:
    store = MemoryStore()
    append_series(store, [parse_series(line) for line in lines], 10_000)
    return LocalEngine(
        store,
        clock or SystemClock(),
        limits or EvaluationLimits(),
        subquery_step_ms=subquery_step_ms,
    )


class TickingClock(FakeClock):
    """A clock that moves on by a second whenever it is asked."""

    def monotonic(self) -> float:
        self.move(1000)
        return super().monotonic()


def test_instant_query_has_one_step() -> None:
    """An instant answer's only step is the moment asked for; a complete vector has no mask."""
    engine = engine_over('x{a="1"} 1 2', 'x{a="2"} 3 4')

    result = engine.instant("x", 10_000)

    assert result.steps.tolist() == [10_000]
    assert isinstance(result.value, Vector)
    assert result.value.present is None
    assert result.value.at() == [
        (Labels({"__name__": "x", "a": "1"}), 2.0),
        (Labels({"__name__": "x", "a": "2"}), 4.0),
    ]


def test_range_query_includes_both_ends_and_sorts_its_series() -> None:
    """Steps run from start to the last one not after the end; series are sorted by labels."""
    engine = engine_over('x{a="2"} 1 2 3', 'x{a="1"} _ 5 6')

    result = engine.range("x", 0, 25_000, 10_000)

    assert result.steps.tolist() == [0, 10_000, 20_000]
    assert isinstance(result.value, Vector)
    assert [labels["a"] for labels in result.value.series] == ["1", "2"]
    assert result.value.at(0) == [(Labels({"__name__": "x", "a": "2"}), 1.0)]
    assert len(result.value.at(1)) == 2


def test_answer_holds_no_series_without_a_value() -> None:
    """What is present at no step is not in the answer."""
    engine = engine_over('x{a="1"} 1', 'x{a="2"} 9')

    instant, over_range = engine.instant("x > 5", 0), engine.range("x > 5", 0, 20_000, 10_000)

    for result in (instant, over_range):
        assert isinstance(result.value, Vector)
        assert list(result.value.series) == [Labels({"__name__": "x", "a": "2"})]
        assert result.value.present is None


@pytest.mark.parametrize(
    ("query", "value_type"),
    [
        pytest.param("1", Scalar, id="a number is a scalar"),
        pytest.param('"text"', Text, id="a string literal is a text"),
        pytest.param("x", Vector, id="a selector is a vector"),
        pytest.param("x[1m]", Samples, id="a range selector is samples"),
        pytest.param("(x[1m:10s])", Samples, id="a subquery is samples"),
        pytest.param("nothing[1m:10s]", Samples, id="a subquery of nothing is no samples"),
    ],
)
def test_instant_query_answers_with_the_value_of_its_type(query: str, value_type: type) -> None:
    """PromQL's four types have one class each."""
    assert isinstance(engine_over("x 1").instant(query, 0).value, value_type)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param((0, 10, 0), "expected a step above zero, found 0 ms", id="no step"),
        pytest.param((0, 10, -5), "expected a step above zero, found -5 ms", id="step backwards"),
        pytest.param(
            (10, 9, 1), "expected an end at or after the start 10, found 9", id="end before start"
        ),
    ],
)
def test_range_query_refuses_steps_that_lead_nowhere(
    arguments: tuple[int, int, int], message: str
) -> None:
    """Steps go forward."""
    with pytest.raises(QueryEvaluationError) as raised:
        engine_over("x 1").range("x", *arguments)

    assert str(raised.value) == message


def test_range_query_may_have_as_many_steps_as_the_limit() -> None:
    """11,000 points a series are allowed, 11,001 are refused, whatever the data."""
    engine = engine_over("x 1")

    assert len(engine.range("x", 0, 10_999, 1).steps) == 11_000
    with pytest.raises(QueryLimitError) as raised:
        engine.range("x", 0, 11_000, 1)

    assert str(raised.value) == (
        "exceeded the resolution of 11,000 points per series: the query has 11,001 steps; "
        "take a longer one"
    )


def test_query_that_reads_too_many_samples_is_refused() -> None:
    """The limit counts what is read and what is made."""
    engine = engine_over("x 1x100", limits=EvaluationLimits(samples=50))

    assert engine.instant("sum_over_time(x[5m])", 300_000).warnings == ()
    with pytest.raises(QueryLimitError) as raised:
        engine.instant("sum_over_time(x[1h])", 1_000_000)

    assert str(raised.value) == (
        "query processing would load too many samples into memory: 101, of which 50 are allowed"
    )


@pytest.mark.parametrize("query", ["sum(-x)", "avg(-x)", "sum_over_time((-x)[5m:1m])"])
def test_a_sum_of_nothing_but_minus_zero_is_plus_zero(query: str) -> None:
    """As Prometheus' is: what is divided by it goes to the same infinity."""
    value = engine_over("x 0").instant(f"1 / {query}", 0).value

    assert isinstance(value, Vector)
    assert value.values.tolist() == [[math.inf]]


def test_an_answer_that_would_be_too_large_is_refused_before_it_is_arranged() -> None:
    """A number of an answer takes eight bytes at least; the limit itself is allowed."""
    engine = engine_over("x 1", limits=EvaluationLimits(answer_bytes=80))

    assert len(engine.range("x", 0, 9, 1).steps) == 10
    with pytest.raises(QueryLimitError) as raised:
        engine.range("x", 0, 10, 1)

    assert str(raised.value) == (
        "the answer would have more than 80 bytes; select fewer series, or take a longer step"
    )


def test_subquery_of_too_many_steps_is_refused_before_it_is_evaluated() -> None:
    """A year of milliseconds is never laid out in memory."""
    with pytest.raises(QueryLimitError, match="31,536,000,000"):
        engine_over("x 1").instant("max_over_time(x[1y:1ms])", 10**12)


@pytest.mark.parametrize(
    ("timeout_seconds", "message"),
    [
        pytest.param(None, "query timed out: it was not done after 120 s", id="the engine's own"),
        pytest.param(3.0, "query timed out: it was not done after 3 s", id="a shorter one"),
        pytest.param(999.0, "query timed out: it was not done after 120 s", id="never longer"),
    ],
)
def test_query_is_stopped_at_its_deadline(timeout_seconds: float | None, message: str) -> None:
    """The deadline is checked between blocks of steps; a caller may shorten it."""
    limits = EvaluationLimits(block_cells=1)
    engine = LocalEngine(MemoryStore(), TickingClock(), limits)

    with pytest.raises(QueryTimeoutError) as raised:
        engine.range("1 + 1", 0, 1000, 1, timeout_seconds=timeout_seconds)

    assert str(raised.value) == message


@pytest.mark.parametrize(
    "query",
    [
        "quantile_over_time(0.5, x[1h])",
        "stddev_over_time(x[1h])",
        "sum_over_time(x[1h])",
        "avg_over_time((x - 1e9)[1h:])",
        "max_over_time(x[1h])",
        "changes(x[1h])",
        "resets(x[1h])",
        "increase(x[1h])",
        "deriv(x[1h])",
        "predict_linear(x[1h], 60)",
        'label_replace(x, "b", "$1", "a", "(.*)")',
        'label_join(x, "b", "-", "a", "a")',
    ],
)
def test_deadline_is_seen_within_a_block(query: str) -> None:
    """A function whose one block takes long is stopped on the way, not at its end."""
    lines = [f'x{{a="{n}"}} 1+1x1000 0+1x1000' for n in range(60)]
    engine = engine_over(*lines, clock=TickingClock(), subquery_step_ms=10_000)
    steps = (2_000_000, 20_000_000, 10_000)

    assert len(engine.range("x", *steps, timeout_seconds=30).steps) == 1801
    with pytest.raises(QueryTimeoutError):
        engine.range(query, *steps, timeout_seconds=30)


def test_stopped_engine_lets_go_of_its_queries() -> None:
    """A query that would run for minutes does not hold up whoever stops sakshi."""

    class StoppingClock(FakeClock):
        """A clock that has the engine stopped when it is asked for the fifth time."""

        asked = 0

        def monotonic(self) -> float:
            self.asked += 1
            if self.asked == 5:
                engine.stop()
            return 0.0

    lines = [f'x{{a="{n}"}} 1+1x1000' for n in range(70)]
    engine = engine_over(*lines, clock=StoppingClock())

    for _ in range(2):  # the one that runs, and what comes after
        with pytest.raises(QueryTimeoutError) as raised:
            engine.range("max_over_time(x[1h])", 2_000_000, 9_000_000, 10_000)
        assert str(raised.value) == "query stopped: sakshi is shutting down"


def test_syntax_and_support_are_checked_before_anything_is_read() -> None:
    """A query that cannot be answered costs nothing, and its error has a position."""
    engine = engine_over("x 1")

    with pytest.raises(QuerySyntaxError):
        engine.instant("x +", 0)
    with pytest.raises(QuerySyntaxError) as raised:
        engine.range("x +\n  histogram_sum(x)", 0, 1, 1)

    assert (raised.value.line, raised.value.column) == (2, 3)


def test_lookback_and_subquery_step_are_arguments() -> None:
    """How old a sample may be, and how fine a subquery is, is the installation's choice."""
    store = MemoryStore()
    append_series(store, [parse_series("x 1x100")], 1000)
    engine = LocalEngine(store, SystemClock(), lookback_ms=5000, subquery_step_ms=10_000)

    newest = engine.instant("x", 104_999).value
    gone = engine.instant("x", 105_000).value
    count = engine.instant("scalar(count_over_time(x[1m:]))", 100_000).value

    assert isinstance(newest, Vector)
    assert isinstance(gone, Vector)
    assert isinstance(count, Scalar)
    assert (len(newest.series), len(gone.series), count.values.tolist()) == (1, 0, [6.0])


def test_parsed_queries_are_kept_up_to_a_number() -> None:
    """The tree of a query asked again is the same object; the one not used for longest goes."""
    parsed = ParsedQueries(2)
    first, second = parsed.get("a"), parsed.get("b")

    assert parsed.get("a") is first
    parsed.get("c")

    assert parsed.get("a") is first
    assert parsed.get("b") is not second


def test_answers_do_not_depend_on_the_size_of_blocks() -> None:
    """A step at a time, a few, or all at once: the same numbers, but for the order of addition."""
    store = MemoryStore()
    for instance in service_samples(SEED, START_MS, 15_000, 120):
        instance.append_to(store)
    sizes = (1, 100, 1_000_000)
    engines = [
        LocalEngine(store, SystemClock(), EvaluationLimits(block_cells=size)) for size in sizes
    ]
    generator = ExpressionGenerator(SEED)

    for query in (generator.vector() for _ in range(60)):
        *others, whole = (ask(engine, query) for engine in engines)

        for answer in others:
            assert_equal_answers(answer, whole, query)


def test_answers_do_not_depend_on_how_series_share_targets() -> None:
    """One target a series, without holes, or one for all, with them: the same numbers."""
    instance = service_samples(SEED, START_MS, 15_000, 120)[0]
    together, apart = MemoryStore(), MemoryStore()
    instance.append_to(together)
    for number, labels in enumerate(instance.series):
        values = instance.values[:, number : number + 1]
        Instance([labels], instance.timestamps, values).append_to(_Renaming(apart, number))
    engines = [LocalEngine(store, SystemClock()) for store in (together, apart)]
    generator = ExpressionGenerator(SEED + 1)

    for query in (generator.vector() for _ in range(60)):
        assert_equal_answers(ask(engines[0], query), ask(engines[1], query), query)


def test_many_threads_may_ask_at_once() -> None:
    """Caches are shared by queries that run at the same time, and the answers are the same."""
    store = MemoryStore()
    for instance in service_samples(SEED, START_MS, 15_000, 60):
        instance.append_to(store)
    generator = ExpressionGenerator(SEED + 2)
    queries = [generator.vector() for _ in range(20)]
    alone = [ask_range(LocalEngine(store, SystemClock()), query) for query in queries]
    limits = EvaluationLimits(parsed_queries=3, joined_lists=1)
    engine = LocalEngine(store, SystemClock(), limits)

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda query: ask_range(engine, query), queries * 4))

    assert together == alone * 4


class _Renaming(MemoryStore):
    """Appends to a target of its own in another store."""

    def __init__(self, store: MemoryStore, number: int) -> None:
        super().__init__()
        self.target = lambda labels: store.target(  # type: ignore[method-assign] # redirects
            labels.updated({"number": str(number)})
        )


def ask(engine: LocalEngine, query: str) -> QueryResult | str:
    """Return the answer to a range query, or the error's class."""
    try:
        return engine.range(query, START_MS - 30_000, START_MS + 2_100_000, 70_000)
    except QueryError as error:
        return type(error).__name__


def ask_range(engine: LocalEngine, query: str) -> bytes | str:
    result = ask(engine, query)
    return result if isinstance(result, str) else render_range(result)


def assert_equal_answers(left: QueryResult | str, right: QueryResult | str, query: str) -> None:
    if isinstance(left, str) or isinstance(right, str):
        assert left == right, query
        return
    tables = []
    for value in (left.value, right.value):
        assert isinstance(value, Vector)
        table = value.values.copy()
        if value.present is not None:
            table[~value.present] = ABSENT
        tables.append((list(value.series), table))
    assert tables[0][0] == tables[1][0], query
    assert np.array_equal(is_absent(tables[0][1]), is_absent(tables[1][1])), query
    assert np.allclose(tables[0][1], tables[1][1], rtol=1e-12, atol=1e-12, equal_nan=True), query


def many_series(name: str, count: int, limits: EvaluationLimits) -> LocalEngine:
    return engine_over(
        *(f'{name}{{i="{number}"}} {number}' for number in range(count)), limits=limits
    )


def test_cross_join_is_refused_before_it_is_made() -> None:
    """Versions that take turns may be many, but not many on both sides of one match group."""
    lines = [f'a{{i="{n}"}} 1' for n in range(20)]
    lines += [f'b{{i="{n}"}} {"_ " * n} 1 stale' for n in range(20)]
    engine = engine_over(*lines, limits=EvaluationLimits(pairs=300))

    with pytest.raises(QueryLimitError) as raised:
        engine.instant("a * on() group_left b", 250_000)

    assert str(raised.value) == (
        "a binary operator would pair 400 series, of which 300 are allowed"
    )


@pytest.mark.parametrize(
    "query",
    [
        pytest.param('count_values("v", x)', id="values that differ everywhere"),
        pytest.param(
            "histogram_quantile(0.5, label_replace(x, 'le', '$1', 'i', '(.*)'))",
            id="a histogram of very many buckets",
        ),
        pytest.param("x + x", id="pairs"),
    ],
)
def test_operator_may_lay_out_so_many_numbers_at_once(query: str) -> None:
    """Some operators make more of their operands than these hold."""
    with pytest.raises(QueryLimitError) as raised:
        many_series("x", 30, EvaluationLimits(transient_cells=50)).range(query, 0, 10_000, 5_000)

    assert str(raised.value) == (
        "an operator of the query would need 90 numbers at once, of which 50 are allowed"
    )


def test_answer_of_blocks_with_different_series_is_charged_in_full() -> None:
    """Each block's values are few, all of them together at every step are not."""
    line = "x " + " ".join(map(str, range(60)))
    engine = engine_over(line, limits=EvaluationLimits(samples=1000, block_cells=1))

    with pytest.raises(QueryLimitError, match="too many samples"):
        engine.range('count_values("v", x)', 0, 590_000, 10_000)
