"""What can go wrong with a scrape.

SakshiError
├── BadInputError
│   └── InvalidTargetError        a configured address that cannot be one; has its place
└── ScrapeError                   one scrape failed: becomes `up 0` and a target's last error
    ├── LimitError                a limit of the job is exceeded: labels, samples
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


class LimitError(ScrapeError):
    """A scrape brought more than its job allows, or something longer.

    Args:
        message: what is beyond which limit.
        scraped: samples that were counted.
        remaining: those of them that `metric_relabel_configs` left.
    """

    def __init__(self, message: str, scraped: int = 0, remaining: int = 0) -> None:
        self.scraped, self.remaining = scraped, remaining
        super().__init__(message)
