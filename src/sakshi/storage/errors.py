"""What can go wrong with samples.

SakshiError
└── StorageError
    ├── OutOfOrderSampleError   older than the series' newest sample
    ├── DuplicateSampleError    another value for a moment that has one
    ├── ForgottenColumnError    its series had no samples for too long
    ├── FolderInUseError        another process has the folder
    ├── DamagedDatabaseError    the file cannot be read; it is set aside
    └── StorageFullError        the disk refused; nothing was kept of what was not committed
"""

from __future__ import annotations

from sakshi.model.errors import SakshiError


class StorageError(SakshiError):
    """Root of the storage's errors."""


class OutOfOrderSampleError(StorageError):
    """A sample that is older than its series' newest; the message names series and both times."""


class DuplicateSampleError(StorageError):
    """A sample with another value than the one that its series has at that moment."""


class ForgottenColumnError(StorageError):
    """A column that was held without samples for far longer than samples are kept; ask again."""


class FolderInUseError(StorageError):
    """Another process has the folder; the message says what to do."""


class DamagedDatabaseError(StorageError):
    """The database is damaged, or no database at all; the message carries SQLite's reason."""


class StorageFullError(StorageError):
    """The disk is full or refused to write; the message carries the system's reason."""
