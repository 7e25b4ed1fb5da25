"""Reads `indicators`, `baselines` and `targets`: what is measured, what it was, what it should be.

The three have the same shape, a number's place in each is that of its indicator:

    indicators: {responseTimes: {averageResponseTime: {unit: ms, better: lower, expr: ...}}}
    baselines:  {preEnhancement: {responseTimes: {averageResponseTime: 1800}}}
    targets:    {responseTimes: {averageResponseTime: 1.6s}}
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from sakshi.config.kpi import KPI_UNITS
from sakshi.config.query import read_expr
from sakshi.config.section import Section
from sakshi.kpi import (
    NAME_EXPECTED,
    Baseline,
    BaselineNameError,
    Better,
    Indicator,
    Kpi,
    Origin,
    check_name,
    is_reached,
)
from sakshi.model.quantity import UNITS, UnitError, convert
from sakshi.promql import ValueType

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_NAME_EXPECTED: Final = "a name of letters, digits, _ and -"
_TITLE: Final = "title"  # stands beside the groups of a baseline
_OVER: Final = "$over"
_OVER_EXAMPLE: Final = "1h".ljust(len(_OVER))
"""As wide as the placeholder, so that the places in complaints are those in the file."""

_SYMBOLS: Final = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_QUANTITY: Final = re.compile(
    rf"([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*({_SYMBOLS})", re.ASCII
)
_VALUES: Final = (ValueType.VECTOR, ValueType.SCALAR)

Groups = Mapping[str, Sequence[Indicator]]


def read_baselines(
    root: Section, kpis: Sequence[Kpi]
) -> tuple[Sequence[Indicator], Sequence[Baseline]]:
    """Return the indicators with their targets, and the baselines; both in the file's order.

    Args:
        root: has the three sections.
        kpis: those that indicators may be about.
    """
    indicators = read_indicators(root.section("indicators"), kpis)
    baselines_section, targets_section = root.section("baselines"), root.section("targets")
    if root.is_wrong("indicators"):
        return (), ()
    groups = group_indicators(indicators)
    baselines = tuple(
        read_baseline(baselines_section.section(name), name, groups)
        for name in baselines_section.keys()  # noqa: SIM118 - not a dict
    )
    targets = read_values(targets_section, groups)
    targets_section.close()
    warn_of_worse_targets(targets_section, indicators, targets, baselines)
    promised = (replace(one, target=targets.get(one.name)) for one in indicators)
    return tuple(promised), baselines


def read_indicators(section: Section, kpis: Sequence[Kpi]) -> Sequence[Indicator]:
    """Return the indicators, without targets."""
    names = {kpi.name for kpi in kpis}
    found = []
    for group in section.keys():  # noqa: SIM118 - not a dict
        below = section.section(group)
        if not _NAME.fullmatch(group) or group == _TITLE:
            section.problem(group, f'{_NAME_EXPECTED}, not "{_TITLE}"', f'"{group}"')
        for name in below.keys():  # noqa: SIM118 - not a dict
            if not _NAME.fullmatch(name):
                below.problem(name, _NAME_EXPECTED, f'"{name}"')
            found.append(read_indicator(below.section(name), group, name, names))
    return found


def read_indicator(
    section: Section, group: str, name: str, kpi_names: frozenset[str] | set[str]
) -> Indicator:
    """Return one indicator."""
    indicator = Indicator(
        name=f"{group}.{name}",
        group=group,
        title=section.text("title", name),
        unit=section.one_of("unit", KPI_UNITS, ""),
        better=Better(section.one_of("better", tuple(Better))),
        expr=section.name("expr", "a PromQL expression"),
        observations=section.text("observations", ""),
        kpi=section.text("kpi", ""),
    )
    section.close()
    check_query(section, "expr", indicator.expr, _VALUES)
    check_query(section, "observations", indicator.observations, (ValueType.VECTOR,))
    if indicator.kpi and indicator.kpi not in kpi_names:
        section.problem("kpi", "the name of a KPI")
    return indicator


def check_query(section: Section, key: str, query: str, types: Sequence[ValueType]) -> None:
    """Note what is wrong with a query that may hold `$over`."""
    tree = read_expr(section, key, query.replace(_OVER, _OVER_EXAMPLE))
    if query and not section.is_wrong(key) and tree.type not in types:
        section.problem(key, " or ".join(kind.noun for kind in types), tree.type.noun)


def group_indicators(indicators: Sequence[Indicator]) -> Groups:
    """Return the indicators by group."""
    groups: dict[str, list[Indicator]] = {}
    for indicator in indicators:
        groups.setdefault(indicator.group, []).append(indicator)
    return groups


def read_baseline(section: Section, name: str, groups: Groups) -> Baseline:
    """Return one baseline of the configuration."""
    try:
        check_name(name)
    except BaselineNameError:
        section.problem("", NAME_EXPECTED, f'"{name}"')
    title = section.text(_TITLE, name)
    values = read_values(section, groups)
    section.close()
    return Baseline(name, title, Origin.CONFIGURATION, values=values)


def read_values(section: Section, groups: Groups) -> Mapping[str, float]:
    """Return the numbers that a mapping of groups has, by the name of their indicators."""
    found = {}
    for group, indicators in groups.items():
        below = section.section(group)
        for indicator in indicators:
            key = indicator.name.removeprefix(f"{group}.")
            value = read_value(below, key, indicator)
            if value is not None:
                found[indicator.name] = value
        below.close()
    return found


def read_value(section: Section, key: str, indicator: Indicator) -> float | None:
    """Return a number in the indicator's unit, whatever its own; None where there is none."""
    is_unit_known = not section.document.is_wrong(f"indicators.{indicator.name}.unit")

    def parse(text: str) -> float | None:
        match = _QUANTITY.fullmatch(text.strip())
        if match is None:
            raise ValueError
        try:
            value = convert(float(match[1]), match[2] or indicator.unit, indicator.unit)
        except UnitError:
            if is_unit_known:
                raise
            return None
        if not math.isfinite(value):
            raise ValueError
        return value

    unit = f" in {indicator.unit}" if indicator.unit else ""
    return section.parsed(key, parse, f"a finite number{unit}", None)


def warn_of_worse_targets(
    section: Section,
    indicators: Sequence[Indicator],
    targets: Mapping[str, float],
    baselines: Sequence[Baseline],
) -> None:
    """Warn of each target that promises less than what was already so."""
    for indicator in indicators:
        target = targets.get(indicator.name)
        if target is None:
            continue
        for baseline in baselines:
            value = baseline.values.get(indicator.name)
            if value is not None and not is_reached(target, value, indicator.better):
                unit = "" if indicator.unit == "ratio" else indicator.unit
                text = f"worse than the baseline {baseline.name}, which has {value:.15g}{unit}"
                section.warn(indicator.name, text)
