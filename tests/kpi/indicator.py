"""Indicators and baselines for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sakshi.kpi import Baseline, Better, Indicator, Origin

NOW_MS = 1_700_000_000_000


def make_indicator(name: str = "g.i", **options: Any) -> Indicator:
    """Return an indicator, of which less is better unless it is said."""
    group = name.partition(".")[0]
    fields: dict[str, Any] = {"title": name, "unit": "ms", "better": Better.LOWER, "expr": "m"}
    return Indicator(name, group, **{**fields, **options})


def make_recorded(
    name: str = "before", values: Mapping[str, float] | None = None, **options: Any
) -> Baseline:
    """Return a baseline that was recorded over an hour until NOW_MS."""
    fields: dict[str, Any] = {
        "title": name.title(),
        "origin": Origin.RECORDED,
        "recorded_at_ms": NOW_MS,
        "over_ms": 3_600_000,
    }
    values = {"g.i": 1800.0} if values is None else values
    return Baseline(name, values=values, **{**fields, **options})
