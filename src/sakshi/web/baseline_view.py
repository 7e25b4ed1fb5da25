"""Baselines and comparisons as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sakshi.kpi import Baseline, Comparison, Entry, Indicator
from sakshi.model.clock import format_timestamp


def view_indicator(indicator: Indicator) -> Mapping[str, object]:
    """Return an indicator as the list of baselines shows it."""
    return {
        "name": indicator.name,
        "group": indicator.group,
        "title": indicator.title,
        "unit": indicator.unit,
        "better": str(indicator.better),
        "expr": indicator.expr,
        "kpi": indicator.kpi,
        "target": indicator.target,
    }


def view_baseline(baseline: Baseline) -> Mapping[str, object]:
    """Return a baseline as the list shows it: how many values it has, not which."""
    recorded_at_ms, over_ms = baseline.recorded_at_ms, baseline.over_ms
    return {
        "name": baseline.name,
        "title": baseline.title,
        "origin": str(baseline.origin),
        "recorded_at": None if recorded_at_ms is None else format_timestamp(recorded_at_ms),
        "over_seconds": None if over_ms is None else over_ms / 1000,
        "values": len(baseline.values),
    }


def view_values(baseline: Baseline) -> Mapping[str, object]:
    """Return a baseline whole."""
    return {
        **view_baseline(baseline),
        "values": dict(baseline.values),
        "observations": dict(baseline.observations),
    }


def view_comparison(comparison: Comparison) -> Mapping[str, object]:
    """Return a comparison whole."""
    return {
        "baseline": view_baseline(comparison.baseline),
        "at": format_timestamp(comparison.at_ms),
        "over_seconds": comparison.over_ms / 1000,
        "entries": [view_entry(entry) for entry in comparison.entries],
        "reached": comparison.reached,
        "missed": comparison.missed,
        "unknown": comparison.unknown,
    }


def view_entry(entry: Entry) -> Mapping[str, object]:
    """Return one indicator of a comparison."""
    indicator = entry.indicator
    return {
        "name": indicator.name,
        "group": indicator.group,
        "title": indicator.title,
        "unit": indicator.unit,
        "better": str(indicator.better),
        "baseline": entry.baseline,
        "now": entry.now,
        "target": indicator.target,
        "change_percent": entry.change_percent,
        "promised_percent": entry.promised_percent,
        "reached_percent": entry.reached_percent,
        "observations": entry.observations,
        "standing": str(entry.standing),
        "reason": entry.reason,
    }


def find_indicators(indicators: Sequence[Indicator]) -> Mapping[str, Sequence[str]]:
    """Return the names of the indicators that are about a KPI, by its name."""
    found: dict[str, list[str]] = {}
    for indicator in indicators:
        if indicator.kpi:
            found.setdefault(indicator.kpi, []).append(indicator.name)
    return found
