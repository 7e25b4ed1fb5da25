"""What can be wrong with a KPI.

SakshiError
└── KpiError
    ├── LimitSyntaxError   the text is no limit: `expected a limit like "<2000ms"...`
    └── LimitUnitError     a limit in a unit that the KPI's values do not have
"""

from __future__ import annotations

from sakshi.model.errors import SakshiError


class KpiError(SakshiError):
    """Root of the KPI errors."""


class LimitSyntaxError(KpiError):
    """A text that is no limit; the message says what one looks like."""


class LimitUnitError(KpiError):
    """A limit in a unit that cannot be turned into the KPI's own; the message names both."""
