"""KPIs: indicators with a target, a warning and a critical limit, and the verdict on them.

In go a KPI (as `kpis:` of sakshi.yml declares it) and the value of its expression; out comes one of
OK, OFF TARGET, WARNING, CRITICAL, NO DATA. Nothing is hard-coded here: which KPIs exist is
configuration. Read `kpi.py` first, then `limit.py`.
"""

from sakshi.kpi.errors import KpiError, LimitSyntaxError, LimitUnitError
from sakshi.kpi.kpi import Kpi, Verdict, fill_window, judge, worst
from sakshi.kpi.limit import Limit, LimitOperator, parse_limit
from sakshi.kpi.reading import Reading, read_kpi

__all__ = [
    "Kpi",
    "KpiError",
    "Limit",
    "LimitOperator",
    "LimitSyntaxError",
    "LimitUnitError",
    "Reading",
    "Verdict",
    "fill_window",
    "judge",
    "parse_limit",
    "read_kpi",
    "worst",
]
