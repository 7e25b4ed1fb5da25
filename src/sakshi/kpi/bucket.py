"""The bucket edges that KPIs need: their limits, in the unit of the histograms that they read.

A histogram that has an edge at each limit counts what lies beyond it; without one, the share above
1,500 ms is a guess between two edges. The KPI reads the histogram itself or what rules make of it:

    overallResponseTime <2000ms >3000ms >5000ms
        └─ consciousness_response_time_seconds_sum      edges at 2 s, 3 s, 5 s
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sakshi.kpi.kpi import Kpi
from sakshi.kpi.source import find_recorded, find_sources, source_name
from sakshi.model.quantity import UnitError, convert, find_metric_unit
from sakshi.promql import Expr, parse_query
from sakshi.rules import RuleGroup

PARTS: Final = ("_sum", "_bucket")
"""Of a histogram: those that tell how large the observations are; `_count` is their number."""


def find_buckets(
    kpis: Sequence[Kpi], rule_groups: Sequence[RuleGroup] = ()
) -> Mapping[str, Sequence[float]]:
    """Return bucket edges by histogram: the limits of the KPIs that judge its observations.

    A KPI in another kind of unit judges something else, such as a rate or a share; a histogram
    whose name tells no unit has no edges.

    Args:
        kpis: their windows filled in.
        rule_groups: with the rules that record what KPIs read.

    Returns:
        Edges in the histogram's own unit, ascending, all above zero; empty where no KPI judges the
        observations of a histogram.

    Example:
        >>> from sakshi.kpi import parse_limit
        >>> mean = "1000 * sum(rate(x_seconds_sum[5m])) / sum(rate(x_seconds_count[5m]))"
        >>> find_buckets([Kpi("k", "g", "t", "x_ms", mean, "ms", parse_limit("<800ms", "ms"))])
        {'x_seconds': [0.8]}
    """
    recorded = find_recorded(rule_groups)
    found: dict[str, set[float]] = {}
    for kpi in kpis:
        for histogram in find_histograms(kpi, recorded):
            unit = find_metric_unit(histogram)
            edges = set() if unit is None else set(_iter_edges(kpi, unit))
            if edges:
                found.setdefault(histogram, set()).update(edges)
    return {histogram: sorted(edges) for histogram, edges in found.items()}


def find_histograms(kpi: Kpi, recorded: Mapping[str, Sequence[Expr]]) -> Sequence[str]:
    """Return the exposed histograms from whose observations a KPI is computed; each once.

    Args:
        kpi: its window filled in.
        recorded: the expressions of recording rules by the name that they record.
    """
    names = map(source_name, find_sources(parse_query(kpi.expr), recorded))
    return list(
        dict.fromkeys(
            name.removesuffix(part) for name in names for part in PARTS if name.endswith(part)
        )
    )


def _iter_edges(kpi: Kpi, unit: str) -> Iterator[float]:
    """Yield the KPI's limits that can be edges of a histogram in this unit."""
    for limit in kpi.limits.values():
        try:
            edge = convert(limit.value, limit.unit, unit)
        except UnitError:
            return
        if edge > 0:  # observations of a histogram begin at zero
            yield edge
