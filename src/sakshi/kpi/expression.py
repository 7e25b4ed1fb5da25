"""The queries that a KPI is made of, as PromQL that any Prometheus answers.

    aggregated   max(avg_over_time(cpu_usage_percent[5m]))
    value        vector(scalar(max(...))) >= -Inf and on () ...
                 one series; none where it must not be judged

`scalar` is no number where there is not exactly one series, and `>= -Inf` drops what is no number:
two series where one is judged are no value, in Prometheus as here.
"""

from __future__ import annotations

from sakshi.kpi.kpi import Aggregation, Kpi
from sakshi.promql import ValueType, parse_query


def aggregated_query(kpi: Kpi) -> str:
    """Return the KPI's expression, its series aggregated."""
    if kpi.aggregation is Aggregation.NONE:
        return kpi.expr
    return f"{kpi.aggregation}({kpi.expr})"


def value_query(kpi: Kpi) -> str:
    """Return what is recorded as the KPI's value: nothing where it must not be judged."""
    query = aggregated_query(kpi)
    is_scalar = parse_query(query).type is ValueType.SCALAR
    parts = [f"vector({query if is_scalar else f'scalar({query})'}) >= -Inf"]
    if kpi.min_observations:
        parts.append(f"{observations_query(kpi)} >= {kpi.min_observations}")
    parts += guards(kpi)
    return " and on () ".join(parts)


def observations_query(kpi: Kpi) -> str:
    """Return how many observations the value rests on."""
    return f"sum({kpi.observations})"


def guards(kpi: Kpi) -> list[str]:
    """Return the conditions under which the KPI is judged at all: each yields a series then."""
    found = []
    if kpi.condition:
        found.append(f"({kpi.condition})")
    if kpi.covered_by:
        found.append(coverage_query(kpi))
    return found


def coverage_query(kpi: Kpi) -> str:
    """Return what yields a series where the KPI's window is covered by data."""
    return f"count({kpi.covered_by} offset {kpi.window})"
