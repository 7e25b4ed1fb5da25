"""Recording and alerting rules: computed and judged again and again, as Prometheus does it.

In go rule groups, a query engine and a clock; out come recorded series to the storage, and alerts
with their transitions to the ledger. Read `rule.py` first (the nouns), then `state.py` (when an
alert fires), `evaluate.py` (one rule, one moment) and `manager.py` (all of them, in time).
"""

from sakshi.rules.errors import DuplicateSeriesError, RuleError, RuleLimitError, RuleTypeError
from sakshi.rules.manager import OnChange, RuleManager
from sakshi.rules.rule import (
    AlertingRule,
    RecordingRule,
    Rule,
    RuleGroup,
    RuleGroupStatus,
    RuleHealth,
    RuleStatus,
    rule_ids,
)
from sakshi.rules.validate import find_label_problems, find_rule_problems

__all__ = [
    "AlertingRule",
    "DuplicateSeriesError",
    "OnChange",
    "RecordingRule",
    "Rule",
    "RuleError",
    "RuleGroup",
    "RuleGroupStatus",
    "RuleHealth",
    "RuleLimitError",
    "RuleManager",
    "RuleStatus",
    "RuleTypeError",
    "find_label_problems",
    "find_rule_problems",
    "rule_ids",
]
