"""KPIs: indicators with a target, a warning and a critical limit, and the verdict on them.

In go KPIs (as `kpis:` of sakshi.yml declares them); out come the rules that record their values and
alert on their limits, and a judgement on each: OK, OFF TARGET, WARNING, CRITICAL, NO DATA, STALE.
Nothing is hard-coded here: which KPIs exist is configuration. Read `kpi.py` first (the noun), then
`verdict.py` (the judgement, pure), `generated_rules.py` (what Prometheus sees of them) and
`judge.py` (all of them, in time). Baselines are beside them: `baseline.py` (the nouns), then
`measurement.py`, `comparison.py` (pure) and `baseline_folder.py`.
"""

from sakshi.kpi.baseline import (
    NAME_EXPECTED,
    Baseline,
    Better,
    Indicator,
    Measurement,
    Origin,
    check_name,
    fill_over,
)
from sakshi.kpi.baseline_folder import BaselineFolder, Baselines
from sakshi.kpi.comparison import Comparison, Entry, Standing, compare, is_reached
from sakshi.kpi.errors import (
    BaselineError,
    BaselineExistsError,
    BaselineFileError,
    BaselineNameError,
    KpiError,
    LimitSyntaxError,
    LimitUnitError,
    TooManyBaselinesError,
    UnknownBaselineError,
)
from sakshi.kpi.evidence import Witness
from sakshi.kpi.expression import aggregated_query
from sakshi.kpi.generated_rules import (
    NO_DATA_SUFFIX,
    SEVERITIES,
    alert_name,
    find_alerts,
    generate_alerts,
    generate_groups,
    generate_inhibit_rules,
)
from sakshi.kpi.judge import Judge
from sakshi.kpi.kpi import (
    Aggregation,
    Holds,
    Kpi,
    LimitName,
    NoDataPolicy,
    Statistic,
    fill_window,
)
from sakshi.kpi.limit import Limit, LimitOperator, parse_limit
from sakshi.kpi.measurement import OVER_MS_MAX, OVER_MS_MIN, Meter
from sakshi.kpi.source import find_recorded
from sakshi.kpi.verdict import Evidence, Judgement, Ruling, Verdict, judge, worst

__all__ = [
    "NAME_EXPECTED",
    "NO_DATA_SUFFIX",
    "OVER_MS_MAX",
    "OVER_MS_MIN",
    "SEVERITIES",
    "Aggregation",
    "Baseline",
    "BaselineError",
    "BaselineExistsError",
    "BaselineFileError",
    "BaselineFolder",
    "BaselineNameError",
    "Baselines",
    "Better",
    "Comparison",
    "Entry",
    "Evidence",
    "Holds",
    "Indicator",
    "Judge",
    "Judgement",
    "Kpi",
    "KpiError",
    "Limit",
    "LimitName",
    "LimitOperator",
    "LimitSyntaxError",
    "LimitUnitError",
    "Measurement",
    "Meter",
    "NoDataPolicy",
    "Origin",
    "Ruling",
    "Standing",
    "Statistic",
    "TooManyBaselinesError",
    "UnknownBaselineError",
    "Verdict",
    "Witness",
    "aggregated_query",
    "alert_name",
    "check_name",
    "compare",
    "fill_over",
    "fill_window",
    "find_alerts",
    "find_recorded",
    "generate_alerts",
    "generate_groups",
    "generate_inhibit_rules",
    "is_reached",
    "judge",
    "parse_limit",
    "worst",
]
