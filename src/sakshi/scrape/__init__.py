"""Targets, and the loops that scrape them into the storage.

In go scrape configurations and an `Appender`, out come committed samples, a call after each burst,
and the state of every target. Read `target.py` first, then `burst.py` (when), `loop.py` (one
target), `ingest.py` (what is appended) and `commit.py` (when it is durable); `pool.py` says how
targets come and go, `relabel.py` what rules make of them.
"""

from sakshi.scrape.client import HttpConfig
from sakshi.scrape.errors import InvalidTargetError, ScrapeError
from sakshi.scrape.exemplar import ExemplarRing, ExemplarSink
from sakshi.scrape.file_discovery import FileDiscoveryConfig
from sakshi.scrape.http_discovery import HttpDiscoveryConfig
from sakshi.scrape.manager import ScrapeManager
from sakshi.scrape.relabel import RelabelAction, RelabelRule
from sakshi.scrape.target import (
    DroppedTarget,
    ScrapeConfig,
    TargetHealth,
    TargetMetadata,
    TargetStatus,
)
from sakshi.scrape.target_group import StaticTargets

__all__ = [
    "DroppedTarget",
    "ExemplarRing",
    "ExemplarSink",
    "FileDiscoveryConfig",
    "HttpConfig",
    "HttpDiscoveryConfig",
    "InvalidTargetError",
    "RelabelAction",
    "RelabelRule",
    "ScrapeConfig",
    "ScrapeError",
    "ScrapeManager",
    "StaticTargets",
    "TargetHealth",
    "TargetMetadata",
    "TargetStatus",
]
