"""Reads `kpis`: what is judged, by which limits, and who is told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from sakshi.config.query import read_expr
from sakshi.config.section import Section
from sakshi.kpi import (
    Aggregation,
    Holds,
    Kpi,
    Limit,
    LimitName,
    LimitOperator,
    LimitUnitError,
    NoDataPolicy,
    Statistic,
    alert_name,
    fill_window,
    find_alerts,
    parse_limit,
)
from sakshi.model.duration import format_duration
from sakshi.model.quantity import UNITS, describe_unit, find_metric_unit
from sakshi.promql import Expr, ValueType
from sakshi.promql.ast import VectorSelector
from sakshi.rules import RuleGroup

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
"""By unit: a KPI's values are in none other; its limits may be."""

KPI_UNITS: Final = tuple(LIMIT_EXAMPLES)
LIMITS: Final = tuple(map(str, (LimitName.TARGET, LimitName.WARNING, LimitName.CRITICAL)))
RECOVERY_MAX: Final = 0.5

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]*", re.ASCII)
_PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?)%", re.ASCII)
_PLACEHOLDER_CHARACTERS: Final = len("$window")
_VALUES: Final = (ValueType.VECTOR, ValueType.SCALAR)


def read_kpis(
    section: Section, window: str, rule_groups: Sequence[RuleGroup] = ()
) -> Sequence[Kpi]:
    """Return the KPIs, in the file's order.

    Args:
        section: KPIs by name.
        window: what `$window` stands for in a KPI that has no window of its own.
        rule_groups: with the alerts that KPIs may name.
    """
    names = section.keys()
    kpis = [read_kpi(section.section(name), name, window) for name in names]
    alerts = find_alerts(rule_groups)
    for name, kpi in zip(names, kpis, strict=True):
        if kpi.alert and kpi.alert not in alerts:
            section.problem(f"{name}.alert", "the name of an alert in a rule file")
    find_collisions(section, kpis)
    return kpis


def read_kpi(section: Section, name: str, default_window: str) -> Kpi:
    """Return one KPI."""
    if not _NAME.fullmatch(name):
        section.problem("", "a name of letters, digits and _ . : -", f'"{name}"')
    unit = section.one_of("unit", KPI_UNITS, "")
    window_ms = section.duration("window", 0, minimum_ms=1000)
    window = format_duration(window_ms) if window_ms else ""
    expr = section.name("expr", "a PromQL expression")
    check_query(section, "expr", expr, window or default_window, _VALUES)
    observations, condition, covered_by = (
        section.text(key, "") for key in ("observations", "condition", "covered_by")
    )
    for key, query in (("observations", observations), ("condition", condition)):
        check_query(section, key, query, window or default_window, (ValueType.VECTOR,))
    check_selector(section, "covered_by", covered_by)
    limits = {key: read_limit(section, key, unit) for key in LIMITS}
    kpi = Kpi(
        name=name,
        group=section.name("group"),
        title=section.text("title", name),
        metric=section.text("metric", ""),
        expr=expr,
        unit=unit,
        statistic=Statistic(section.one_of("statistic", tuple(Statistic), Statistic.CURRENT)),
        aggregation=Aggregation(
            section.one_of("aggregation", tuple(Aggregation), Aggregation.NONE)
        ),
        window=window,
        observations=observations,
        min_observations=section.integer("min_observations", 0),
        condition=condition,
        covered_by=covered_by,
        alert=section.text("alert", ""),
        recovery=read_recovery(section),
        no_data=NoDataPolicy(section.one_of("no_data", tuple(NoDataPolicy), NoDataPolicy.OK)),
        holds=read_holds(section.section("for")),
        **limits,
    )
    section.close()
    check_unit(section, kpi.metric, unit)
    check_limits(section, limits)
    if kpi.min_observations and not observations:
        section.problem("min_observations", "`observations`, which counts them", "none")
    return kpi


def check_query(
    section: Section, key: str, query: str, window: str, types: Sequence[ValueType]
) -> Expr:
    """Note what is wrong with a query that may hold `$window`; return its tree."""
    # As wide as the placeholder, so that the places in complaints are those in the file.
    tree = read_expr(section, key, fill_window(query, window.ljust(_PLACEHOLDER_CHARACTERS)))
    if query and not section.is_wrong(key) and tree.type not in types:
        section.problem(key, " or ".join(kind.noun for kind in types), tree.type.noun)
    return tree


def check_selector(section: Section, key: str, query: str) -> None:
    """Note a text that is no plain selector."""
    if not query:
        return
    tree = read_expr(section, key, query)
    is_plain = isinstance(tree, VectorSelector) and not tree.offset_ms and tree.at is None
    if not section.is_wrong(key) and not is_plain:
        section.problem(key, "a selector, such as a metric's name")


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


def read_recovery(section: Section) -> float:
    """Return how far behind a limit a value must come back: a share of it."""

    def parse(text: str) -> float:
        match = _PERCENT.fullmatch(text)
        if match is None or float(match[1]) / 100 > RECOVERY_MAX:
            raise ValueError
        return float(match[1]) / 100

    expected = 'a share of the limit from "0%" to "50%"'
    found = section.parsed("recovery", parse, expected, Kpi.recovery)
    return Kpi.recovery if found is None else found


def read_holds(section: Section) -> Holds:
    """Return `for`: how long something must be so before an alert on it fires."""
    default = Holds()
    holds = Holds(
        critical=section.duration("critical", default.critical),
        warning=section.duration("warning", default.warning),
        target=section.duration("target", default.target),
        no_data=section.duration("no_data", default.no_data),
    )
    section.close()
    return holds


def check_unit(section: Section, metric: str, unit: str) -> None:
    """Note a unit that measures something else than the metric's name says."""
    found = find_metric_unit(metric)
    if found is None or section.is_wrong("unit"):
        return
    if UNITS[found].dimension is not UNITS[unit].dimension:
        expected = f"a unit of {metric}, which is in {describe_unit(found)}"
        section.problem("unit", expected, describe_unit(unit))


def check_limits(section: Section, limits: Mapping[str, Limit | None]) -> None:
    """Note limits that contradict each other: each must lie beyond the one before it.

    From the target outwards: `<2000`, `>3000`, `>5000`, or `>10`, `<5`, `<2`.
    """
    found = [(key, limit) for key in LIMITS if (limit := limits[key]) is not None]
    for (inner_key, inner), (outer_key, outer) in pairwise(found):
        is_target = inner_key == LimitName.TARGET
        side = inner.operator.opposite if is_target else inner.operator
        is_beyond = (
            outer.value >= inner.value
            if side is LimitOperator.ABOVE
            else outer.value <= inner.value
        )
        if outer.operator is not side or not is_beyond:
            example = Limit(side, inner.value, inner.unit)
            expected = f"{example} or further, beyond the {inner_key} {inner}"
            section.problem(outer_key, expected)


def find_collisions(section: Section, kpis: Sequence[Kpi]) -> None:
    """Note KPIs whose alerts would have the name of another's."""
    seen: dict[str, str] = {}
    for kpi in kpis:
        first = seen.setdefault(alert_name(kpi), kpi.name)
        if first != kpi.name:
            expected = f"a name that differs from {first} by more than punctuation"
            section.problem(kpi.name, expected, f'"{kpi.name}"')
