"""What can go wrong with the ledger.

SakshiError
└── LedgerError
    ├── LedgerFileError     alerts.db is damaged, is something else, or was written by a newer
    sakshi └── LedgerWriteError    the disk refused; nothing of the transaction was kept
"""

from __future__ import annotations

from sakshi.model.errors import SakshiError


class LedgerError(SakshiError):
    """Root of the ledger's errors."""


class LedgerFileError(LedgerError):
    """The file cannot be used as a ledger; the message names it and the reason."""


class LedgerWriteError(LedgerError):
    """A transaction was refused, most likely for want of space; the message carries the reason."""
