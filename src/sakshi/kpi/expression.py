"""The queries that a KPI is made of, as PromQL that any Prometheus answers.

    aggregated   max(avg_over_time(cpu_usage_percent[5m]))
    value        vector(scalar(max(...))) >= -Inf and on () ...
                 one series; none where it must not be judged

`scalar` is no number where there is not exactly one series, and `>= -Inf` drops what is no number:
two series where one is judged are no value, in Prometheus as here.
"""

from __future__ import annotations

from typing import Final

from sakshi.kpi.kpi import Aggregation, Kpi
from sakshi.promql import ValueType, parse_query

COMMENT: Final = "#"  # in a text it does no harm to take it for one


def aggregated_query(kpi: Kpi) -> str:
    """Return the KPI's expression, its series aggregated."""
    if kpi.aggregation is Aggregation.NONE:
        return kpi.expr
    return f"{kpi.aggregation}{enclosed(kpi.expr)}"


def value_query(kpi: Kpi) -> str:
    """Return what is recorded as the KPI's value: nothing where it must not be judged."""
    query = aggregated_query(kpi)
    is_scalar = parse_query(query).type is ValueType.SCALAR
    value = enclosed(query) if is_scalar else f"(scalar{enclosed(query)})"
    parts = [f"vector{value} >= -Inf"]
    if kpi.min_observations:
        parts.append(f"{observations_query(kpi)} >= {kpi.min_observations}")
    parts += guards(kpi)
    return " and on () ".join(parts)


def observations_query(kpi: Kpi) -> str:
    """Return how many observations the value rests on."""
    return f"sum{enclosed(kpi.observations)}"


def guards(kpi: Kpi) -> list[str]:
    """Return the conditions under which the KPI is judged at all: each yields a series then."""
    found = []
    if kpi.condition:
        found.append(enclosed(kpi.condition))
    if kpi.covered_by:
        found.append(coverage_query(kpi))
    return found


def coverage_query(kpi: Kpi) -> str:
    """Return what yields a series where the KPI's window is covered by data."""
    selector = f"{kpi.covered_by}\n" if COMMENT in kpi.covered_by else f"{kpi.covered_by} "
    return f"count({selector}offset {kpi.window})"


def enclosed(query: str) -> str:
    r"""Return a query in parentheses; a comment at its end does not swallow the last one.

    Example:
        >>> enclosed("up"), enclosed("up # all of them")
        ('(up)', '(up # all of them\n)')
    """
    return f"({query}\n)" if COMMENT in query else f"({query})"
