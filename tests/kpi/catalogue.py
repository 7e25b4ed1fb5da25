"""KPIs for tests."""

from __future__ import annotations

from typing import Any

from sakshi.kpi import Kpi, parse_limit

LIMIT_NAMES = ("target", "warning", "critical")


def make_kpi(name: str = "k", expr: str = "m", *, unit: str = "ms", **options: Any) -> Kpi:
    """Return a KPI; its limits may be texts, its windows are filled in with 5m."""
    limits: dict[str, Any] = {
        key: parse_limit(options.pop(key), unit) for key in LIMIT_NAMES if options.get(key)
    }
    for key in LIMIT_NAMES:
        options.pop(key, None)
    kpi = Kpi(name, "g", name.upper(), "", expr, unit=unit, **limits, **options)
    return kpi.with_window("5m")


RESPONSE_TIME = make_kpi(target="<2000ms", warning=">3000ms", critical=">5000ms", recovery=0.0)
THROUGHPUT = make_kpi(unit="/s", target=">10", warning="<5", critical="<2", recovery=0.0)
