from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.kpi.indicator import NOW_MS, make_indicator

from sakshi.kpi import Indicator, Measurement, Meter
from sakshi.model.clock import format_timestamp
from sakshi.model.labels import Labels
from sakshi.promql import LocalEngine, QueryResult, Scalar
from sakshi.storage import MemoryStore

if TYPE_CHECKING:
    from tests.conftest import FakeClock

MINUTE_MS = 60_000


@pytest.fixture
def measure(clock: FakeClock) -> Callable[..., Measurement]:
    """Measures one indicator on a counter of two instances, 10/s and 20/s, and a gauge."""
    store = MemoryStore()
    appender = store.target(Labels({"job": "chat"}))
    columns = appender.columns(
        [
            Labels({"__name__": "c_total", "instance": "a"}),
            Labels({"__name__": "c_total", "instance": "b"}),
            Labels({"__name__": "gauge"}),
        ]
    )
    for second in range(0, 301, 10):
        at_ms = NOW_MS - 300_000 + second * 1000
        appender.append(at_ms, columns, np.array([10.0 * second, 20.0 * second, second]))
    store.commit()
    meter = Meter(LocalEngine(store, clock), clock)

    def measure_one(indicator: Indicator, over_ms: int = MINUTE_MS) -> Measurement:
        return meter.measure([indicator], NOW_MS, over_ms, 10.0)[indicator.name]

    return measure_one


def test_a_period_ends_at_the_moment(measure: Callable[..., Measurement]) -> None:
    """The last minute of a gauge that rises by one each second, every 10 s: 250 to 300."""
    indicator = make_indicator(expr="avg_over_time(gauge[$over])")

    assert measure(indicator) == Measurement(275.0)
    assert measure(indicator, 20_000) == Measurement(295.0)


def test_observations_are_counted_over_the_same_period(measure: Callable[..., Measurement]) -> None:
    """Those of several series are summed."""
    indicator = make_indicator(
        expr="sum(rate(c_total[$over]))", observations="increase(c_total[$over])"
    )

    measured = measure(indicator)

    assert measured.value == pytest.approx(30.0)
    assert measured.observations == pytest.approx(1800.0)


def test_a_comment_at_an_expressions_end_is_none_of_the_queries_business(
    measure: Callable[..., Measurement],
) -> None:
    """Neither the value nor the count is lost by it."""
    indicator = make_indicator(expr="gauge # now", observations="count_over_time(gauge[$over]) # n")

    assert measure(indicator) == Measurement(300.0, 6.0)


def test_a_scalar_is_a_value(measure: Callable[..., Measurement]) -> None:
    """It needs no series."""
    assert measure(make_indicator(expr="scalar(gauge) / 2")) == Measurement(150.0)


@pytest.mark.parametrize(
    ("expr", "reason"),
    [
        pytest.param("nothing_like_this", "no series", id="none"),
        pytest.param("rate(c_total[$over])", "2 series where one is measured", id="two"),
        pytest.param("gauge * NaN", "no number", id="NaN"),
        pytest.param("gauge / 0", "infinite", id="infinity"),
        pytest.param("-gauge / 0", "infinite", id="negative infinity"),
        pytest.param("gauge[$over]", "no series", id="a range"),
        pytest.param(
            "gauge[", '1:7: expected a duration after "[", found the end of the query', id="syntax"
        ),
    ],
)
def test_what_is_no_value_says_why(
    expr: str, reason: str, measure: Callable[..., Measurement]
) -> None:
    """One finite number is a measurement; an error of the query is the reason."""
    measured = measure(make_indicator(expr=expr))

    assert measured.value is None
    assert measured.reason == reason


def test_observations_without_a_number_are_not_known(measure: Callable[..., Measurement]) -> None:
    """The value is one all the same."""
    for observations in ("nothing_like_this", "gauge * NaN"):
        assert measure(make_indicator(expr="gauge", observations=observations)) == Measurement(
            300.0
        )


@pytest.mark.parametrize(
    ("over_ms", "interval_ms", "is_gap"),
    [
        pytest.param(60_000, 10_000, False, id="within the data"),
        pytest.param(300_000, 10_000, False, id="as old as the data"),
        pytest.param(320_000, 10_000, False, id="two scrapes older"),
        pytest.param(320_001, 10_000, True, id="more than two scrapes older"),
        pytest.param(315_000, 0, False, id="a twentieth older"),
        pytest.param(316_000, 0, True, id="more than a twentieth older"),
        pytest.param(10 * 3_600_000, 10_000, True, id="much older"),
        pytest.param(1_000, 10_000, False, id="shorter than a scrape"),
    ],
)
def test_a_period_that_begins_before_the_data_is_said(
    over_ms: int, interval_ms: int, is_gap: bool, clock: FakeClock
) -> None:
    """Data since five minutes: a rate over ten would be half of what it was."""
    meter = Meter(LocalEngine(scraped(), clock), clock)

    gap = meter.find_gap(NOW_MS, over_ms, interval_ms, 10.0)

    moment = format_timestamp(NOW_MS - over_ms)
    where = f"nothing was scraped at the beginning of the period, {moment}"
    assert gap == (f"{where}: rates over it are too low" if is_gap else "")


def test_a_period_in_which_nothing_was_scraped_has_no_gap(clock: FakeClock) -> None:
    """Its measurements say why they have no data; so do those that come too late."""
    for store, at_ms, timeout in (
        (MemoryStore(), NOW_MS, 10.0),
        (scraped(), NOW_MS - 3_600_000, 10.0),
        (scraped(), NOW_MS, 0.0),
    ):
        meter = Meter(LocalEngine(store, clock), clock)
        assert meter.find_gap(at_ms, 600_000, 10_000, timeout) == ""


def scraped() -> MemoryStore:
    """Return a store with a target that was scraped every 10 s, for five minutes."""
    store = MemoryStore()
    appender = store.target(Labels({"job": "chat"}))
    columns = appender.columns([Labels({"__name__": "up"})])
    for second in range(0, 301, 10):
        appender.append(NOW_MS - 300_000 + second * 1000, columns, np.array([0.0]))
    store.commit()
    return store


class SlowEngine:
    """An engine that takes four seconds for each query; keeps the timeouts it was given."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.timeouts: list[float | None] = []

    def instant(
        self,
        query: str,
        at_ms: int,
        *,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
        counts_samples: bool = False,
    ) -> QueryResult:
        self.timeouts.append(timeout_seconds)
        self._clock.move(4000)
        return QueryResult(np.array([at_ms]), Scalar(np.array([1.0])))

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
        raise NotImplementedError


def test_all_indicators_share_one_deadline(clock: FakeClock) -> None:
    """Each has what those before it have left; none is negative."""
    engine = SlowEngine(clock)
    indicators = [make_indicator(f"g.{index}") for index in range(4)]

    measured = Meter(engine, clock).measure(indicators, NOW_MS, MINUTE_MS, 10.0)

    assert engine.timeouts == [10.0, 6.0, 2.0, 0.0]
    assert list(measured) == ["g.0", "g.1", "g.2", "g.3"]


def test_what_comes_too_late_has_no_data(clock: FakeClock) -> None:
    """The engine's own words are the reason."""
    meter = Meter(LocalEngine(MemoryStore(), clock), clock)

    measured = meter.measure([make_indicator(expr="up")], NOW_MS, MINUTE_MS, 0.0)["g.i"]

    assert measured.value is None
    assert "timed out" in measured.reason
