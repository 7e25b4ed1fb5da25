"""What a query does not do twice, and what it does not do at all."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.conftest import FakeClock
from tests.promql.notation import append_series, parse_series

from sakshi.model.matcher import Matcher
from sakshi.promql import LocalEngine, QueryEvaluationError, Vector
from sakshi.storage import MemoryStore, SeriesColumns
from sakshi.storage.store import Watch, unwatched

AT_MS = 300_000


class CountingStore(MemoryStore):
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def select(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        watch: Watch = unwatched,
    ) -> Sequence[SeriesColumns]:
        self.asked.append(",".join(map(str, matchers)))
        return super().select(matchers, start_ms, end_ms, watch)


@pytest.fixture
def store() -> CountingStore:
    store = CountingStore()
    lines = ("a{x='1'} 0+1x20", "b{x='1'} 0+2x20", "b{x='2'} 0+2x20", "c_total{x='1'} 0+3x20")
    append_series(store, [parse_series(line.replace("'", '"')) for line in lines], 15_000)
    return store


def instant(store: CountingStore, query: str) -> dict[str, float]:
    value = LocalEngine(store, FakeClock()).instant(query, AT_MS).value
    assert isinstance(value, Vector)
    return {str(labels): number for labels, number in value.at(0)}


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        pytest.param("a + a", 1, id="the same selector"),
        pytest.param("a + a offset 1m", 2, id="another offset"),
        pytest.param("rate(c_total[1m]) + increase(c_total[1m])", 1, id="the same range"),
        pytest.param("rate(c_total[1m]) + increase(c_total[2m])", 2, id="another range"),
        pytest.param('a + a{x="1"}', 2, id="another matcher"),
        pytest.param("sum_over_time(a[1m:15s]) + count_over_time(a[1m:15s])", 1, id="a subquery"),
    ],
)
def test_equal_sources_are_read_once(store: CountingStore, query: str, asked: int) -> None:
    """A query reads each selector once, however often it stands there."""
    instant(store, query)

    assert len(store.asked) == asked


def test_rate_divides_what_extends_the_growth(store: CountingStore) -> None:
    """Not the product, and bit by bit: so does Prometheus, and quantiles of rates depend on it."""
    growth, sampled, wanted = 9.0, 45.0, 60.0

    rate = instant(store, "rate(c_total[1m])")

    assert list(rate.values()) == [growth * ((wanted / sampled) / 60.0)]
    assert list(rate.values()) != [growth * (wanted / sampled) / 60.0]


@pytest.mark.parametrize("operator", ["and", "unless"])
def test_what_cannot_matter_is_not_read(store: CountingStore, operator: str) -> None:
    """Nothing on the left: nothing comes out, whatever stands on the right."""
    assert instant(store, f"a > 1000 {operator} (b > 1 or c_total)") == {}
    assert store.asked == ['__name__="a"']


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a > 1 and on (x) b", {'a{x="1"}': 20.0}),
        ("a > 1 unless on (x) b", {}),
        ("a > 1000 or b", {'b{x="1"}': 40.0, 'b{x="2"}': 40.0}),
    ],
)
def test_what_matters_is_read(store: CountingStore, query: str, expected: dict[str, float]) -> None:
    """A left side that has something, and `or` always, need the right one."""
    assert instant(store, query) == expected
    assert store.asked == ['__name__="a"', '__name__="b"']


def test_errors_of_the_right_side_are_not_lost(store: CountingStore) -> None:
    """What may fail is evaluated even where its value cannot matter, as in Prometheus."""
    with pytest.raises(QueryEvaluationError, match="many-to-many matching not allowed"):
        instant(store, "a > 1000 and (a + on () b)")


def test_annotations_of_the_right_side_are_not_lost(store: CountingStore) -> None:
    """Nor what is to be said about it."""
    engine = LocalEngine(store, FakeClock())

    result = engine.instant("a > 1000 and rate(b[1m])", AT_MS)

    assert len(result.infos) == 1
