"""Series and their samples: appended by scrapes, rules and senders, selected by queries.

In go label sets and rows of values at one time; out come columns of values for a set of matchers
and a time range. Read `store.py` first: the two seams, `Appender` and `Querier`, and their
contracts (tests/contract holds every implementation to them). Then `sqlite.py`, the store that
`serve` opens, and `appended.py`, where a row is accepted.
"""

from sakshi.storage.config import StorageConfig
from sakshi.storage.errors import (
    DuplicateSampleError,
    FolderInUseError,
    OutOfOrderSampleError,
    StorageError,
    StorageFullError,
)
from sakshi.storage.import_batch import ImportBatch, ImportOutcome, ImportRefusal
from sakshi.storage.memory import MemoryStore
from sakshi.storage.sqlite import SqliteStore
from sakshi.storage.store import (
    Appender,
    Journal,
    LateSamples,
    Progress,
    Querier,
    SeriesColumns,
    SeriesList,
    Store,
    StoreStatistics,
    TargetAppender,
)
from sakshi.storage.value import ABSENT, STALE_MARKER, is_absent, is_gap, is_stale

__all__ = [
    "ABSENT",
    "STALE_MARKER",
    "Appender",
    "DuplicateSampleError",
    "FolderInUseError",
    "ImportBatch",
    "ImportOutcome",
    "ImportRefusal",
    "Journal",
    "LateSamples",
    "MemoryStore",
    "OutOfOrderSampleError",
    "Progress",
    "Querier",
    "SeriesColumns",
    "SeriesList",
    "SqliteStore",
    "StorageConfig",
    "StorageError",
    "StorageFullError",
    "Store",
    "StoreStatistics",
    "TargetAppender",
    "is_absent",
    "is_gap",
    "is_stale",
]
