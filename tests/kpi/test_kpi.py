from __future__ import annotations

import math

import pytest

from sakshi.kpi import Kpi, Limit, Verdict, judge, parse_limit, worst


def make_kpi(
    *, target: str | None, warning: str | None, critical: str | None, unit: str = "ms"
) -> Kpi:
    def limit(text: str | None) -> Limit | None:
        return None if text is None else parse_limit(text, unit)

    return Kpi(
        name="k",
        group="g",
        title="K",
        metric="m",
        expr="m",
        unit=unit,
        target=limit(target),
        warning=limit(warning),
        critical=limit(critical),
    )


RESPONSE_TIME = make_kpi(target="<2000ms", warning=">3000ms", critical=">5000ms")
THROUGHPUT = make_kpi(target=">10", warning="<5", critical="<2", unit="/s")


@pytest.mark.parametrize(
    ("kpi", "value", "verdict"),
    [
        pytest.param(RESPONSE_TIME, 0.0, Verdict.OK, id="well below the target"),
        pytest.param(RESPONSE_TIME, 1999.9, Verdict.OK, id="just below the target"),
        pytest.param(RESPONSE_TIME, 2000.0, Verdict.OFF_TARGET, id="at the target"),
        pytest.param(RESPONSE_TIME, 3000.0, Verdict.OFF_TARGET, id="at the warning limit"),
        pytest.param(RESPONSE_TIME, 3000.1, Verdict.WARNING, id="above the warning limit"),
        pytest.param(RESPONSE_TIME, 5000.0, Verdict.WARNING, id="at the critical limit"),
        pytest.param(RESPONSE_TIME, 5000.1, Verdict.CRITICAL, id="above the critical limit"),
        pytest.param(RESPONSE_TIME, math.inf, Verdict.CRITICAL, id="infinite"),
        pytest.param(RESPONSE_TIME, math.nan, Verdict.NO_DATA, id="no number"),
        pytest.param(RESPONSE_TIME, None, Verdict.NO_DATA, id="nothing"),
        pytest.param(THROUGHPUT, 10.1, Verdict.OK, id="more than the target"),
        pytest.param(THROUGHPUT, 10.0, Verdict.OFF_TARGET, id="the target, no more"),
        pytest.param(THROUGHPUT, 5.0, Verdict.OFF_TARGET, id="at the lower warning limit"),
        pytest.param(THROUGHPUT, 4.9, Verdict.WARNING, id="below the warning limit"),
        pytest.param(THROUGHPUT, 2.0, Verdict.WARNING, id="at the lower critical limit"),
        pytest.param(THROUGHPUT, 1.9, Verdict.CRITICAL, id="below the critical limit"),
        pytest.param(THROUGHPUT, -math.inf, Verdict.CRITICAL, id="infinitely little"),
    ],
)
def test_verdict_follows_from_value_and_limits(
    kpi: Kpi, value: float | None, verdict: Verdict
) -> None:
    """Critical is judged before warning, warning before target; no number is NO DATA."""
    assert judge(kpi, value) is verdict


@pytest.mark.parametrize(
    ("target", "warning", "critical", "verdict"),
    [
        (None, None, None, Verdict.OK),
        ("<1ms", None, None, Verdict.OFF_TARGET),
        (None, ">1ms", None, Verdict.WARNING),
        (None, None, ">1ms", Verdict.CRITICAL),
        ("<1ms", ">1ms", None, Verdict.WARNING),
        ("<1ms", None, ">1ms", Verdict.CRITICAL),
        (None, ">1ms", ">1ms", Verdict.CRITICAL),
        ("<1ms", ">1ms", ">1ms", Verdict.CRITICAL),
    ],
)
def test_each_limit_may_be_missing(
    target: str | None, warning: str | None, critical: str | None, verdict: Verdict
) -> None:
    """A limit that a KPI does not have is never met and never missed."""
    assert judge(make_kpi(target=target, warning=warning, critical=critical), 5.0) is verdict


def test_limit_in_another_unit_is_a_programmer_error() -> None:
    """A KPI's limits are in the KPI's unit."""
    with pytest.raises(AssertionError):
        Kpi("k", "g", "K", "m", "m", unit="s", target=parse_limit("<5", "ms"))


def test_worst_verdict_ranks_what_is_not_known_above_what_is_off_target() -> None:
    """CRITICAL, WARNING, NO DATA, OFF TARGET, OK; nothing at all is NO DATA."""
    ranked = [
        Verdict.CRITICAL,
        Verdict.WARNING,
        Verdict.NO_DATA,
        Verdict.OFF_TARGET,
        Verdict.OK,
    ]

    for place, verdict in enumerate(ranked):
        assert worst(ranked[:place:-1] + ranked[place:]) is verdict
    assert worst([]) is Verdict.NO_DATA


def test_window_is_filled_in_everywhere() -> None:
    """Each $window of an expression becomes the duration; nothing else changes."""
    kpi = Kpi("k", "g", "K", "m", "rate(a[$window]) / rate(b[$window])")

    filled = kpi.with_window("30s")

    assert filled.expr == "rate(a[30s]) / rate(b[30s])"
    assert filled.with_window("5m") == filled
