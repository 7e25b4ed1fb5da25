from __future__ import annotations

from sakshi.kpi import Kpi


def test_window_is_filled_in_everywhere() -> None:
    """Each $window of each expression becomes the duration; nothing else changes."""
    kpi = Kpi(
        "k", "g", "K", "m", "rate(a[$window]) / rate(b[$window])",
        observations="increase(b[$window])", condition="rate(c[$window]) > 0", covered_by="c",
    )  # fmt: skip

    filled = kpi.with_window("30s")

    assert filled.expr == "rate(a[30s]) / rate(b[30s])"
    assert filled.observations == "increase(b[30s])"
    assert filled.condition == "rate(c[30s]) > 0"
    assert (filled.covered_by, filled.window) == ("c", "30s")
    assert filled.with_window("5m") == filled


def test_own_window_goes_before_the_dashboards() -> None:
    """A KPI that is counted by the hour is, whatever the page's window."""
    kpi = Kpi("k", "g", "K", "m", "increase(a[$window])", window="1h")

    assert kpi.with_window("5m").expr == "increase(a[1h])"
