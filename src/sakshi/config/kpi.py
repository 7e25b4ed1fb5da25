"""Reads `kpis` and `dashboard`: what is judged, and what the page shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sakshi.config.document import Section
from sakshi.config.rule_file import read_expr
from sakshi.kpi import Kpi, Limit, fill_window, parse_limit
from sakshi.model.duration import format_duration
from sakshi.web import Dashboard

UNITS: Final = ("ms", "s", "%", "/s", "/h", "bytes", "ratio", "")
LIMITS: Final = ("target", "warning", "critical")


def read_kpis(section: Section, window: str) -> Sequence[Kpi]:
    """Return the KPIs, in the file's order.

    Args:
        section: KPIs by name.
        window: what `$window` stands for, so that expressions can be checked.
    """
    return [read_kpi(section.section(name), name, window) for name in section.keys()]  # noqa: SIM118 - not a dict


def read_kpi(section: Section, name: str, window: str) -> Kpi:
    """Return one KPI."""
    unit = section.one_of("unit", UNITS, "")
    expr = section.text("expr")
    read_expr(section, "expr", fill_window(expr, window))
    limits = {key: read_limit(section, key, unit) for key in LIMITS}
    kpi = Kpi(
        name=name,
        group=section.text("group"),
        title=section.text("title", name),
        metric=section.text("metric", ""),
        expr=expr,
        unit=unit,
        **limits,
    )
    section.close()
    return kpi


def read_limit(section: Section, key: str, unit: str) -> Limit | None:
    """Return one limit in the strategy's notation; None where the KPI has none."""
    if key not in section:
        section.ignore([key])
        return None
    return section.parsed(key, lambda text: parse_limit(text, unit), 'a limit like "<2000ms"')


def read_dashboard(section: Section) -> Dashboard:
    """Return the `dashboard` section."""
    default = Dashboard()
    interval_ms = section.duration(
        "interval", round(default.interval_seconds * 1000), minimum_ms=1000
    )
    dashboard = Dashboard(
        interval_seconds=interval_ms / 1000,
        window=format_duration(section.duration("window", 300_000, minimum_ms=1000)),
        metrics=section.texts("metrics", default.metrics),
        series_max=section.integer("series_max", default.series_max, minimum=1),
    )
    section.close()
    return dashboard
