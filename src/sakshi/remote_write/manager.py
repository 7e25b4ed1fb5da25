"""All remotes at work: builds a sender for each, runs them, and keeps what any of them needs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from prometheus_client import CollectorRegistry

from sakshi.model.clock import Clock
from sakshi.model.labels import Labels
from sakshi.remote_write.client import Poster, WriteClient
from sakshi.remote_write.config import RemoteWriteConfig
from sakshi.remote_write.cursor import CursorFile
from sakshi.remote_write.delivery import Delivery
from sakshi.remote_write.metadata import Families, MetadataSender
from sakshi.remote_write.metrics import RemoteWriteMetrics
from sakshi.remote_write.packer import Packer
from sakshi.remote_write.sender import RemoteSender
from sakshi.remote_write.series import SeriesEncoder
from sakshi.scrape.oauth2 import TokenSource
from sakshi.scrape.tls import TlsContexts
from sakshi.storage import Journal, StorageError

MakePoster = Callable[[RemoteWriteConfig], Poster]

log = logging.getLogger(__name__)


def make_client(config: RemoteWriteConfig, clock: Clock) -> Poster:
    """Return what posts to a remote over HTTP."""
    tokens, oauth2 = None, config.http.oauth2
    if oauth2 is not None:
        tokens = TokenSource(oauth2, TlsContexts(oauth2.tls).get, clock)
    return WriteClient(config, TlsContexts(config.http.tls).get, tokens)


class RemoteWriter:
    """Passes samples on to all remotes.

    Args:
        configs: the remotes; their identities differ.
        journal: the store; keeps late samples.
        file: of the cursors. Read and written here: blocking.
        families: what targets say of their metric families.
        external_labels: of this sakshi.
        clock: of rhythm and pauses. (The timeout of a request is the event loop's.)
        registry: where our own metrics are registered.
        random: returns a number in [0, 1), for pauses.
        make_poster: makes what posts to a remote; None: a client over HTTP.

    Raises:
        CursorError: the file cannot be used.
    """

    def __init__(
        self,
        configs: Sequence[RemoteWriteConfig],
        journal: Journal,
        file: CursorFile,
        families: Families,
        external_labels: Labels,
        clock: Clock,
        registry: CollectorRegistry,
        random: Callable[[], float],
        make_poster: MakePoster | None = None,
    ) -> None:
        self._journal = journal
        self._metrics = RemoteWriteMetrics(registry)
        self._lock = threading.Lock()
        self._late: dict[str, int] = {config.identity: 0 for config in configs}
        self._posters: list[Poster] = []
        self._executors: list[ThreadPoolExecutor] = []
        self.senders: list[RemoteSender] = []
        self._metadata: list[MetadataSender] = []
        file.keep_only(self._late)
        for config in configs:
            name, metrics = config.identity, self._metrics
            poster = make_poster(config) if make_poster else make_client(config, clock)
            delivery = Delivery(name, poster, config.queue, clock, random, metrics)
            encoder = SeriesEncoder(name, external_labels, config.relabel_rules)
            packer = Packer(journal, encoder, config.queue, clock)
            executor = ThreadPoolExecutor(1, "sakshi-remote-write")
            sender = RemoteSender(
                config,
                journal,
                file,
                packer,
                delivery,
                clock,
                metrics,
                executor,
                self._forget_late,
            )
            self._late[name] = sender.late_id
            self._posters.append(poster)
            self._executors.append(executor)
            self.senders.append(sender)
            self._metadata.append(MetadataSender(config, families, delivery, clock, metrics))

    async def run(self) -> None:
        """Send until cancelled; what is not sent then stays in the store."""
        try:
            async with asyncio.TaskGroup() as group:
                for sender in self.senders:
                    group.create_task(sender.run())
                for metadata in self._metadata:
                    group.create_task(metadata.run())
        finally:
            for poster in self._posters:
                poster.close()
            for executor in self._executors:
                executor.shutdown()

    def _forget_late(self, name: str, id: int) -> None:
        """Have the store forget the late samples that every remote has."""
        with self._lock:
            self._late[name] = id
            everybody = min(self._late.values())
        if everybody:
            with contextlib.suppress(StorageError):  # they stay, and go the next time
                self._journal.forget_late(everybody)
