"""What keeps sakshi from starting.

SakshiError
└── StartError   the message is one line for the terminal, and says what to do
"""

from __future__ import annotations

from sakshi.model.errors import SakshiError


class StartError(SakshiError):
    """sakshi could not start; nothing was left behind."""
