"""Reads `kpis`: what is judged, and by which limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sakshi.config.query import read_expr
from sakshi.config.section import Section
from sakshi.kpi import Kpi, Limit, LimitUnitError, fill_window, parse_limit
from sakshi.promql import ValueType

LIMIT_EXAMPLES: Final = {
    "": "<80",
    "ms": "<2000ms",
    "s": "<2s",
    "%": "<70%",
    "/s": ">10/s",
    "/h": ">5/h",
    "bytes": "<1000000bytes",
    "ratio": ">0.8",
}
"""By unit: there are no others."""

UNITS: Final = tuple(LIMIT_EXAMPLES)
LIMITS: Final = ("target", "warning", "critical")

_PLACEHOLDER_CHARACTERS: Final = len("$window")
_VALUES: Final = (ValueType.VECTOR, ValueType.SCALAR)


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
    expr = section.name("expr", "a PromQL expression")
    # As wide as the placeholder, so that the places in complaints are those in the file.
    tree = read_expr(section, "expr", fill_window(expr, window.ljust(_PLACEHOLDER_CHARACTERS)))
    if tree.type not in _VALUES:
        section.problem("expr", "an instant vector or a scalar", tree.type.noun)
    limits = {key: read_limit(section, key, unit) for key in LIMITS}
    kpi = Kpi(
        name=name,
        group=section.name("group"),
        title=section.text("title", name),
        metric=section.text("metric", ""),
        expr=expr,
        unit=unit,
        **limits,
    )
    section.close()
    warn_of_contradictions(section, limits)
    return kpi


def read_limit(section: Section, key: str, unit: str) -> Limit | None:
    """Return one limit in the strategy's notation; None where the KPI has none."""
    is_unit_known = not section.is_wrong("unit")

    def parse(text: str) -> Limit | None:
        try:
            return parse_limit(text, unit)
        except LimitUnitError:
            if is_unit_known:
                raise
            return None

    return section.parsed(key, parse, f'a limit like "{LIMIT_EXAMPLES[unit]}"', None)


def warn_of_contradictions(section: Section, limits: Mapping[str, Limit | None]) -> None:
    """Warn of limits that cannot be meant: what is on target is bad, or never gets to be bad."""
    target, warning, critical = (limits[key] for key in LIMITS)
    for key in ("warning", "critical"):
        limit = limits[key]
        if target is not None and limit is not None and limit.operator is target.operator:
            section.warn(key, f"{limit} lies on the same side as the target {target}")
    if warning is None or critical is None or warning.operator is not critical.operator:
        return
    if warning.is_met(critical.value):
        return
    section.warn("critical", f"{critical} comes before the warning {warning}, which is never shown")
