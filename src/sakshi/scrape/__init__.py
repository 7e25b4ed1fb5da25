"""Targets, and the loops that scrape them into the storage.

In go scrape configurations and an `Appender`, out come committed samples, a call after each burst,
and the state of every target. Read `target.py` first, then `burst.py` (when), `loop.py` (one
target), `ingest.py` (what is appended) and `commit.py` (when it is durable).
"""

from sakshi.scrape.errors import InvalidTargetError, ScrapeError
from sakshi.scrape.manager import ScrapeManager
from sakshi.scrape.target import ScrapeConfig, StaticTargets, TargetHealth, TargetStatus

__all__ = [
    "InvalidTargetError",
    "ScrapeConfig",
    "ScrapeError",
    "ScrapeManager",
    "StaticTargets",
    "TargetHealth",
    "TargetStatus",
]
