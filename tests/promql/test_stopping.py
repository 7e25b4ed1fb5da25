"""A query that must stop looks at the clock often enough, whatever it computes."""

from __future__ import annotations

import numpy as np
import pytest
from tests.conftest import FakeClock

from sakshi.model.labels import Labels
from sakshi.promql import LocalEngine, QueryTimeoutError
from sakshi.promql.quantile import SORTED_AT_ONCE
from sakshi.promql.window import KERNEL_CELLS
from sakshi.storage import MemoryStore, SeriesColumns, SeriesList

ROWS, COLUMNS = 3000, 2000
CELLS = ROWS * COLUMNS
AT_MS = ROWS * 1000


class ImpatientClock(FakeClock):
    """A clock that counts how often it is asked, and jumps a day once it was asked so often."""

    def __init__(self, patience: int | None = None) -> None:
        super().__init__()
        self.asked = 0
        self._patience = patience

    def monotonic(self) -> float:
        self.asked += 1
        late = self._patience is not None and self.asked > self._patience
        return 86_400.0 if late else 0.0


class WideStore(MemoryStore):
    """Half an hour of many series, without a gap."""

    def __init__(self, *, has_gaps: bool) -> None:
        super().__init__()
        values = np.random.default_rng(1).random((ROWS, COLUMNS))
        series = [Labels({"__name__": "x_total", "i": str(i)}) for i in range(COLUMNS)]
        self._columns = SeriesColumns(
            SeriesList(series), np.arange(1, ROWS + 1) * 1000, values, has_gaps
        )

    def select(self, *_: object) -> list[SeriesColumns]:
        return [self._columns]


OF_RANGE = """
avg_over_time changes count_over_time delta deriv first_over_time idelta increase irate
last_over_time mad_over_time max_over_time min_over_time present_over_time rate resets
stddev_over_time stdvar_over_time sum_over_time ts_of_first_over_time ts_of_last_over_time
ts_of_max_over_time ts_of_min_over_time
""".split()  # noqa: SIM905  (a list literal would hide what they are)
KERNELS = [
    *(f"{name}(x_total[50m])" for name in OF_RANGE),
    *(f"{name}(x_total[40m] anchored)" for name in ("changes", "delta", "rate", "resets")),
    *(f"{name}(x_total[40m] smoothed)" for name in ("delta", "increase", "rate")),
    "quantile_over_time(0.9, x_total[50m])",
    "predict_linear(x_total[50m], 60)",
    "double_exponential_smoothing(x_total[50m], 0.5, 0.5)",
    "absent_over_time(x_total[50m])",
]


@pytest.mark.parametrize("query", KERNELS)
def test_a_range_function_looks_at_the_clock(query: str) -> None:
    """At least once for each KERNEL_CELLS numbers that it is given."""
    clock = ImpatientClock()

    LocalEngine(WideStore(has_gaps=False), clock).instant(query, AT_MS)

    assert clock.asked >= CELLS / KERNEL_CELLS


AGGREGATIONS = (
    "quantile(0.5, x_total)",
    "quantile by (i) (0.5, x_total)",
    "topk(5, x_total)",
    "topk by (i) (5, x_total)",
    "limitk(5, x_total)",
)


@pytest.mark.parametrize("query", AGGREGATIONS)
def test_an_aggregation_that_sorts_looks_at_the_clock(query: str) -> None:
    """At least once for each SORTED_AT_ONCE numbers that it sorts."""
    clock = ImpatientClock()

    LocalEngine(WideStore(has_gaps=False), clock).range(query, 1000, AT_MS, 1000)

    assert clock.asked >= CELLS / SORTED_AT_ONCE


@pytest.mark.parametrize("query", ['count_values("v", x_total)', "limit_ratio(0.5, x_total)"])
def test_what_goes_through_the_series_looks_at_the_clock(query: str) -> None:
    """At least once for each series."""
    clock = ImpatientClock()

    LocalEngine(WideStore(has_gaps=False), clock).instant(query, AT_MS)

    assert clock.asked >= COLUMNS


@pytest.mark.parametrize("query", [*KERNELS, *AGGREGATIONS])
@pytest.mark.parametrize("has_gaps", [False, True])
def test_a_query_that_is_late_ends_in_the_middle(query: str, has_gaps: bool) -> None:
    """It does not compute to its end first."""
    clock = ImpatientClock(patience=5)
    engine = LocalEngine(WideStore(has_gaps=has_gaps), clock)

    with pytest.raises(QueryTimeoutError):
        engine.instant(query, AT_MS)

    assert clock.asked == 6
