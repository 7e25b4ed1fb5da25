"""What can go wrong with telling people.

SakshiError
├── BadInputError
│   └── InvalidMatcherError   a matcher in a route or an inhibition rule
└── NotificationError         a receiver did not take a message
    ├── RetryableError        it may later: no connection, no answer, 429, 5xx, SMTP 4xx
    └── RefusedError          it will not: 4xx, SMTP 5xx
"""

from __future__ import annotations

from sakshi.model.errors import BadInputError, SakshiError


class InvalidMatcherError(BadInputError):
    """A text that is no matcher; the message says where in the text, and what was expected."""


class NotificationError(SakshiError):
    """Root of a receiver's failures. The message is for people, and never has a secret in it."""


class RetryableError(NotificationError):
    """The receiver may take the message later.

    Args:
        reason: why it did not, in words.
        after_seconds: how long it asked to be left alone; None where it did not say.
    """

    def __init__(self, reason: str, after_seconds: float | None = None) -> None:
        self.after_seconds = after_seconds
        super().__init__(reason)


class RefusedError(NotificationError):
    """The receiver will not take this message, however often it is sent."""
