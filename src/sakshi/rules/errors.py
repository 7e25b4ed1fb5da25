"""Why a rule has no result.

SakshiError
└── RuleError
    ├── RuleTypeError           its expression is a string or a range vector
    ├── DuplicateSeriesError    two results have the same labels
    └── RuleLimitError          it yields more than its group's limit
"""

from __future__ import annotations

from sakshi.model.errors import SakshiError


class RuleError(SakshiError):
    """Root of the rule errors."""


class RuleTypeError(RuleError):
    """The expression's value is neither an instant vector nor a scalar."""


class DuplicateSeriesError(RuleError):
    """Two results have the same labels once the rule's own are set; the message names them."""


class RuleLimitError(RuleError):
    """The rule yields more series or alerts than its group's limit; nothing of them is kept."""
