"""What can be wrong with a KPI, and with a baseline.

SakshiError
└── KpiError
    ├── LimitSyntaxError   the text is no limit: `expected a limit like "<2000ms"...`
    ├── LimitUnitError     a limit in a unit that the KPI's values do not have
    └── BaselineError
        ├── BaselineNameError      a name that no baseline may have
        ├── UnknownBaselineError   there is no baseline of this name
        ├── BaselineExistsError    there is one already
        ├── TooManyBaselinesError  no more can be recorded
        └── BaselineFileError      the file cannot be read or written, or is no baseline
"""

from __future__ import annotations

from sakshi.model.errors import SakshiError


class KpiError(SakshiError):
    """Root of the KPI errors."""


class LimitSyntaxError(KpiError):
    """A text that is no limit; the message says what one looks like."""


class LimitUnitError(KpiError):
    """A limit in a unit that cannot be turned into the KPI's own; the message names both."""


class BaselineError(KpiError):
    """Root of the errors about baselines."""


class BaselineNameError(BaselineError):
    """A name that no baseline may have; the message says which ones may be."""


class UnknownBaselineError(BaselineError):
    """There is no baseline of this name; the message says which."""


class BaselineExistsError(BaselineError):
    """There is a baseline of this name already; the message says whether it can be replaced."""


class TooManyBaselinesError(BaselineError):
    """As many baselines as may be are recorded already."""


class BaselineFileError(BaselineError):
    """The file of a baseline cannot be read or written, or holds none; the message names it."""
