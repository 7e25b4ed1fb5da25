from __future__ import annotations

import math

import pytest
from tests.kpi.indicator import NOW_MS, make_indicator, make_recorded

from sakshi.kpi import Better, Measurement, Standing, compare
from sakshi.kpi.comparison import compare_indicator, find_standing

LOWER, HIGHER = Better.LOWER, Better.HIGHER
MINUTE_MS = 60_000


@pytest.mark.parametrize(
    ("better", "baseline", "now", "target", "standing"),
    [
        pytest.param(LOWER, 1800, 1600, 1600, "reached", id="lower, at the target"),
        pytest.param(LOWER, 1800, 1599, 1600, "reached", id="lower, beyond it"),
        pytest.param(LOWER, 1800, 1601, 1600, "better", id="lower, before it"),
        pytest.param(LOWER, 1800, 1799, 1600, "better", id="lower, just better"),
        pytest.param(LOWER, 1800, 1800, 1600, "same", id="lower, as before"),
        pytest.param(LOWER, 1800, 1801, 1600, "worse", id="lower, just worse"),
        pytest.param(HIGHER, 12, 15, 15, "reached", id="higher, at the target"),
        pytest.param(HIGHER, 12, 16, 15, "reached", id="higher, beyond it"),
        pytest.param(HIGHER, 12, 14, 15, "better", id="higher, before it"),
        pytest.param(HIGHER, 12, 12, 15, "same", id="higher, as before"),
        pytest.param(HIGHER, 12, 11, 15, "worse", id="higher, worse"),
        pytest.param(LOWER, 1800, 1700, None, "better", id="no target, better"),
        pytest.param(LOWER, 1800, 1800, None, "same", id="no target, as before"),
        pytest.param(HIGHER, 1800, 1700, None, "worse", id="no target, worse"),
        pytest.param(LOWER, 1500, 1550, 1600, "reached", id="a target worse than the baseline"),
        pytest.param(LOWER, 1600, 1600, 1600, "reached", id="the target was the baseline"),
        pytest.param(LOWER, None, 1600, 1600, "reached", id="no baseline, at the target"),
        pytest.param(LOWER, None, 1601, 1600, "no data", id="no baseline, before it"),
        pytest.param(LOWER, None, 1601, None, "no data", id="neither baseline nor target"),
        pytest.param(LOWER, 1800, None, 1600, "no data", id="no value"),
        pytest.param(LOWER, 0, 0, None, "same", id="nothing, as before"),
        pytest.param(HIGHER, 0, 1, None, "better", id="something where nothing was"),
        pytest.param(HIGHER, -2, -3, None, "worse", id="below zero, worse"),
        pytest.param(LOWER, 0.3, 0.1 + 0.2, None, "same", id="as before, but for rounding"),
        pytest.param(HIGHER, 0.2, 0.3, 0.1 + 0.2, "reached", id="at the target, but for rounding"),
        pytest.param(HIGHER, 0.2, 0.3 - 1e-6, 0.3, "better", id="a millionth is no rounding"),
    ],
)
def test_standing(
    better: Better, baseline: float | None, now: float | None, target: float | None, standing: str
) -> None:
    """The target counts first, then the baseline; both belong to their better side."""
    indicator = make_indicator(better=better, target=target)

    assert find_standing(indicator, baseline, now) == standing


@pytest.mark.parametrize(
    ("better", "baseline", "now", "target", "change", "promised", "reached"),
    [
        pytest.param(LOWER, 1800, 1650, 1600, -8.3333, 11.1111, 75, id="lower, better"),
        pytest.param(LOWER, 1800, 2000, 1600, 11.1111, 11.1111, -100, id="lower, worse"),
        pytest.param(LOWER, 1800, 1800, 1600, 0, 11.1111, 0, id="as before"),
        pytest.param(LOWER, 1800, 1400, 1600, -22.2222, 11.1111, 200, id="more than promised"),
        pytest.param(HIGHER, 12, 13.5, 15, 12.5, 25, 50, id="higher, better"),
        pytest.param(HIGHER, 12, 9, 15, -25, 25, -100, id="higher, worse"),
        pytest.param(HIGHER, 12, 13, None, 8.3333, None, None, id="no target"),
        pytest.param(HIGHER, None, 13, 15, None, None, None, id="no baseline"),
        pytest.param(HIGHER, 12, None, 15, None, 25, None, id="no value"),
        pytest.param(HIGHER, 0, 3, 4, None, None, 75, id="a baseline of zero has no percentages"),
        pytest.param(HIGHER, 0, 0, 0, None, None, None, id="zero all over"),
        pytest.param(HIGHER, 12, 13, 12, 8.3333, 0, None, id="nothing is promised"),
        pytest.param(LOWER, 12, 13, 12, 8.3333, 0, None, id="lower, nothing is promised"),
        pytest.param(HIGHER, 12, 13, 10, 8.3333, -16.6667, None, id="worse is promised"),
        pytest.param(HIGHER, -4, -2, -1, 50, 75, 66.6667, id="below zero"),
        pytest.param(LOWER, 1e-300, 1e300, None, None, None, None, id="too large for a number"),
    ],
)
def test_percentages(
    better: Better,
    baseline: float | None,
    now: float | None,
    target: float | None,
    change: float | None,
    promised: float | None,
    reached: float | None,
) -> None:
    """Of the baseline: the change, signed, and the promise, positive for better; of the promise."""
    indicator = make_indicator(better=better, target=target)

    entry = compare_indicator(indicator, baseline, Measurement(now))

    assert entry.change_percent == pytest.approx(change, abs=1e-4)
    assert entry.promised_percent == pytest.approx(promised, abs=1e-4)
    assert entry.reached_percent == pytest.approx(reached, abs=1e-4)
    for number in (entry.change_percent, entry.promised_percent, entry.reached_percent):
        assert number is None or math.isfinite(number)
        assert str(number) != "-0.0", "JSON shows the sign of zero"


@pytest.mark.parametrize(
    ("baseline", "measurement", "reason"),
    [
        pytest.param(1.0, Measurement(None, reason="no series"), "no series", id="no value"),
        pytest.param(None, Measurement(3.0), "the baseline has no value for it", id="no baseline"),
        pytest.param(None, Measurement(None, reason="no series"), "no series", id="neither"),
        pytest.param(1.0, Measurement(3.0), "", id="data"),
    ],
)
def test_missing_data_has_a_reason(
    baseline: float | None, measurement: Measurement, reason: str
) -> None:
    """That of the measurement first; nothing where there is data."""
    entry = compare_indicator(make_indicator(target=0.5), baseline, measurement)

    assert entry.reason == reason
    assert (entry.standing is Standing.NO_DATA) == bool(reason)


def test_each_target_counts_once() -> None:
    """Reached, missed or unknown; what has no target is none of them."""
    indicators = [
        make_indicator("g.reached", target=5.0),
        make_indicator("g.better", target=1.0),
        make_indicator("g.new", target=1.0),
        make_indicator("g.silent", target=1.0),
        make_indicator("g.forgotten", target=1.0),
        make_indicator("g.free"),
        make_indicator("g.free_and_silent"),
    ]
    measured = {
        "g.reached": Measurement(4.0, 7.0),
        "g.better": Measurement(4.0),
        "g.new": Measurement(4.0),
        "g.silent": Measurement(None, reason="no series"),
        "g.free": Measurement(4.0),
        "g.free_and_silent": Measurement(None, reason="no series"),
    }
    baseline = make_recorded(values={"g.reached": 9.0, "g.better": 9.0, "g.gone": 1.0})

    comparison = compare(baseline, indicators, measured, NOW_MS, MINUTE_MS)

    assert (comparison.reached, comparison.missed, comparison.unknown) == (1, 2, 2)
    assert [entry.indicator for entry in comparison.entries] == indicators
    assert [entry.observations for entry in comparison.entries][:2] == [7.0, None]
    assert comparison.entries[4].reason == "not measured"
    assert (comparison.at_ms, comparison.over_ms) == (NOW_MS, MINUTE_MS)
