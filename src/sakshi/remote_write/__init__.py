"""Passing samples on: everything that the store has, to other servers, by remote write 1.0.

In go a store's `Journal`, configurations and a file of cursors; out go requests, and what became of
them as metrics. The store is the queue: a sender keeps only how far each target has been
acknowledged. Read `sender.py` first (what is sent when), then `packer.py` (samples to requests),
`client.py` (one request) and `cursor.py` (how far everybody is).
"""

from sakshi.remote_write.config import (
    MetadataConfig,
    QueueConfig,
    RemoteWriteConfig,
)
from sakshi.remote_write.cursor import CursorFile
from sakshi.remote_write.errors import CursorError
from sakshi.remote_write.manager import RemoteWriter

__all__ = [
    "CursorError",
    "CursorFile",
    "MetadataConfig",
    "QueueConfig",
    "RemoteWriteConfig",
    "RemoteWriter",
]
