"""What can go wrong with passing samples on.

SakshiError
└── CursorError   the file of cursors cannot be read or written
"""

from __future__ import annotations

from sakshi.model.errors import SakshiError


class CursorError(SakshiError):
    """The file that says how far every remote is cannot be used; the message says why."""
