"""Queries of one pass: they answer as if each had read everything itself, and read it once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from tests.conftest import FakeClock
from tests.promql.notation import append_series, parse_series

from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher
from sakshi.promql import LocalEngine, LocalPassEngine, Vector, parse_query
from sakshi.promql.sharing import CELLS_MAX, SharedReads
from sakshi.storage import Querier, SeriesColumns
from sakshi.storage.memory import MemoryStore
from sakshi.storage.store import Watch, unwatched

AT_MS = 300_000
QUERIES = [
    "sum by (a) (rate(x[1m]))",
    "sum(rate(x[1m]))",
    "max(rate(x[2m]))",
    "increase(x[1m])",
    "rate(x[1m] offset 30s)",
    "rate(x[1m] @ 200)",
    "x",
    "x offset 1m",
    "-x + on (a) x",
    "quantile_over_time(0.5, x[1m])",
    "quantile_over_time(0.9, x[1m])",
    "max_over_time(rate(x[30s])[2m:30s])",
    "max_over_time(x[2m:30s])",
    'count({__name__=~"x|y"})',
    "x and on (a) y",
    "absent(nothing)",
]


class CountingQuerier:
    """Counts selections."""

    def __init__(self, querier: Querier) -> None:
        self._querier = querier
        self.selections: list[tuple[str, int, int]] = []

    def select(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        watch: Watch = unwatched,
    ) -> Sequence[SeriesColumns]:
        self.selections.append((",".join(map(str, matchers)), start_ms, end_ms))
        return self._querier.select(matchers, start_ms, end_ms, watch)

    def series(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        watch: Watch = unwatched,
    ) -> Sequence[Labels]:
        return self._querier.series(matchers, start_ms, end_ms, watch)


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    lines = ['x{a="1"} 0+3x40', 'x{a="2"} 0+1x20 0+5x19', 'x{a="3"} 1 2 3', 'y{a="1"} 1+1x40']
    append_series(store, [parse_series(line) for line in lines], 10_000)
    return store


@pytest.fixture
def querier(store: MemoryStore) -> CountingQuerier:
    return CountingQuerier(store)


@pytest.fixture
def alone(store: MemoryStore) -> LocalEngine:
    return LocalEngine(store, FakeClock())


@pytest.fixture
def together(querier: CountingQuerier) -> LocalPassEngine:
    return LocalPassEngine(LocalEngine(querier, FakeClock()))


def answer(engine: LocalEngine | LocalPassEngine, query: str, at_ms: int = AT_MS) -> object:
    result = engine.instant(query, at_ms)
    assert isinstance(result.value, Vector)
    return sorted(map(str, result.value.at())), result.warnings, result.infos


def record(store: MemoryStore, name: str, at_ms: int) -> None:
    target = store.target(Labels({"rule_group": "g"}))
    target.append(at_ms, target.columns([Labels({"__name__": name, "a": "9"})]), np.ones(1))


def test_a_pass_answers_as_queries_alone_do(alone: LocalEngine, together: LocalPassEngine) -> None:
    """Whatever was read before, for whatever query and moment, no answer is another one."""
    for _ in range(2):
        for at_ms in (AT_MS, AT_MS - 20_000):
            for query in QUERIES + QUERIES[::-1]:
                assert answer(together, query, at_ms) == answer(alone, query, at_ms), query
        together.end_pass()


def test_what_is_equal_is_read_once(together: LocalPassEngine, querier: CountingQuerier) -> None:
    """Two functions over one range, or two aggregations of one function: one selection."""
    queries = ["sum(rate(x[1m]))", "max(rate(x[1m]))", "sum(delta(x[1m]))", "rate(x[1m]) > 0"]
    others = ["rate(x[2m])", "rate(x[1m] offset 1m)"]
    for _ in range(2):
        querier.selections = []
        for query in queries + others:
            answer(together, query)
        answer(together, "rate(x[1m])", AT_MS + 1)
        counts = [querier.selections.count(one) for one in set(querier.selections)]
        together.end_pass()

    assert counts == [1, 1, 1, 1]


def test_what_was_recorded_is_seen_by_the_queries_that_follow(
    store: MemoryStore, together: LocalPassEngine, querier: CountingQuerier
) -> None:
    """Series of a name that is forgotten are read anew, also where the name is not given."""
    queries = ["count(z)", 'count({a="9"})', 'count({__name__=~"z|y"})', "count(x)"]
    for query in queries * 2:
        answer(together, query)
    together.end_pass()
    querier.selections = []
    before = [answer(together, query) for query in queries]
    record(store, "z", AT_MS)
    assert [answer(together, query) for query in queries] == before

    together.forget("z")

    after = [answer(together, query) for query in queries]
    assert [new != old for new, old in zip(after, before, strict=True)] == [True, True, True, False]
    assert len(querier.selections) == 7  # but x, which the new series cannot be


def test_queries_of_two_moments_share_no_step_of_a_subquery(
    alone: LocalEngine, together: LocalPassEngine
) -> None:
    """What is anchored at a query's end is another thing in each, at the same step."""
    query = "max_over_time(sum(x @ end())[20s:20s])"
    moments = (AT_MS + 1000, AT_MS + 11_000)
    for _ in range(2):
        for at_ms in moments * 2:
            assert answer(together, query, at_ms) == answer(alone, query, at_ms)
        together.end_pass()

    assert answer(alone, query, moments[0]) != answer(alone, query, moments[1])


def test_nothing_outlives_its_pass(
    store: MemoryStore, together: LocalPassEngine, querier: CountingQuerier
) -> None:
    """The same moment in another pass is read anew."""
    answer(together, "count(z)")
    answer(together, "count(z)")
    together.end_pass()
    answer(together, "count(z)")
    record(store, "z", AT_MS)

    together.end_pass()

    assert answer(together, "count(z)") == (["(Labels({}), 1.0)"], (), ())


def test_what_the_first_would_say_the_others_say_too(
    alone: LocalEngine, together: LocalPassEngine
) -> None:
    """What has something to be said about it is not taken from another query."""
    queries = ["sum(rate(y[1m]))", "max(rate(y[1m]))", "sum(rate(y[1m])) > 0"]

    for query in queries * 2:
        answer(together, query)
    together.end_pass()
    said = [answer(together, query) for query in queries]

    assert said == [answer(alone, query) for query in queries]
    assert all("PromQL info: " in str(answered) for answered in said)


def test_what_info_reads_is_not_only_what_it_names(
    store: MemoryStore, alone: LocalEngine, together: LocalPassEngine
) -> None:
    """Any new series may change it."""
    query = "count by (b) (info(x))"
    place = {"job": "j", "instance": "i"}
    target = store.target(Labels(place))
    target.append(AT_MS, target.columns([Labels({"__name__": "x", **place})]), np.ones(1))
    answer(together, query)
    answer(together, query)
    together.end_pass()
    before = answer(together, query)
    info = Labels({"__name__": "target_info", "b": "c", **place})
    target.append(AT_MS, target.columns([info]), np.ones(1))

    together.forget("target_info")

    assert answer(together, query) == answer(alone, query) != before


def test_what_is_kept_is_bounded() -> None:
    """Beyond so many numbers nothing more is kept until the pass ends."""
    selector, reads = parse_query("x"), SharedReads()

    reads.keep("large", selector, "large", CELLS_MAX - 1)
    reads.keep("small", selector, "small", 2)
    assert reads.find("large") == "large"
    assert reads.find("small") is None

    reads.end()
    reads.keep("small", selector, "small", 2)
    assert reads.find("large") is None
    assert reads.find("small") == "small"
