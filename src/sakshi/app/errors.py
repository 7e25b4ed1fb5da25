"""What keeps sakshi from starting, and from copying what it has.

SakshiError
├── StartError   the message is one line for the terminal, and says what to do
└── BackupError  likewise
"""

from __future__ import annotations

from sakshi.model.errors import SakshiError


class StartError(SakshiError):
    """sakshi could not start; nothing was left behind."""


class BackupError(SakshiError):
    """There is no copy, or it cannot be read; the message says why."""
