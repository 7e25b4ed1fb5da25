"""What can go wrong with a scrape.

SakshiError
├── BadInputError
│   └── InvalidTargetError        a configured address that cannot be one; has its place
└── ScrapeError                   one scrape failed: becomes `up 0` and a target's last error
    ├── SampleLimitError          more samples than the job allows
    └── ClosedConnectionError     the target hung up before it said anything: worth one retry
"""

from __future__ import annotations

from sakshi.model.errors import BadInputError, SakshiError


class InvalidTargetError(BadInputError):
    """An address that is not `host:port`, `host` or `[ipv6]:port`."""


class ScrapeError(SakshiError):
    """A scrape that brought nothing; the message is one sentence without a period."""


class ClosedConnectionError(ScrapeError):
    """The connection was closed before the first byte of a response."""


class SampleLimitError(ScrapeError):
    """A scrape brought more samples than its job allows."""

    def __init__(self, samples: int, limit: int) -> None:
        self.samples = samples
        super().__init__(f"{samples} samples are more than the sample_limit of {limit}")
