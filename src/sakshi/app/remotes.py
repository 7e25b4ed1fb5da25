"""Remote write connected: from the store, and what targets say of their metrics, to remotes."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

from prometheus_client import CollectorRegistry

from sakshi.config import Configuration
from sakshi.model.clock import Clock
from sakshi.remote_write import CursorFile, RemoteWriter
from sakshi.remote_write.cursor import FILE_NAME
from sakshi.scrape import ScrapeManager
from sakshi.storage import SqliteStore


def build_remote_writers(
    configuration: Configuration,
    data: Path,
    stack: contextlib.ExitStack,
    store: SqliteStore,
    scrape: ScrapeManager,
    clock: Clock,
    registry: CollectorRegistry,
) -> list[RemoteWriter]:
    """Return what passes samples on, if anything does, or did before.

    Args:
        configuration: names the remotes.
        data: the folder that has the cursors.
        stack: closes their file.
        store: has the samples.
        scrape: knows the types and help texts of targets' metrics.
        clock: of rhythm and pauses.
        registry: where metrics are registered.
    """
    path = data / FILE_NAME
    if not configuration.remotes and not path.exists():
        return []
    file = CursorFile(path)
    stack.callback(file.close)
    writer = RemoteWriter(
        configuration.remotes,
        store,
        file,
        lambda: [family for target in scrape.metadata() for family in target.families],
        configuration.global_config.external_labels,
        clock,
        registry,
        random.random,
    )
    return [writer]
