"""Passes samples on to one remote, round by round.

    round:  what is durable? ──▶ late samples ──▶ batches ──▶ all are answered ──▶ cursors
            (Journal.progress)   (in order)       (side by side)                   (durable)

A round begins when so many samples wait as fit into a request, or when the deadline has passed; at
once where the one before left something. Late samples go first: they are of moments that the
cursors have passed, and so come before what is newer of their series.

Cursors move only behind an answer, and are written once a round. So a crash repeats a round at
most, and loses nothing; while a remote is away, one round waits, and the rest stays in the store.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import Executor
from typing import Final, TypeVar

from sakshi.model.clock import Clock
from sakshi.model.labels import Labels
from sakshi.remote_write.config import RemoteWriteConfig
from sakshi.remote_write.cursor import CursorFile, Cursors
from sakshi.remote_write.delivery import Delivery
from sakshi.remote_write.errors import CursorError
from sakshi.remote_write.metrics import DropReason, RemoteWriteMetrics
from sakshi.remote_write.packer import Batch, Packer, Request
from sakshi.storage import Journal, Progress, StorageError

POLL_SECONDS: Final = 0.5  # how often is looked whether enough samples wait for a request
WATCH_SECONDS: Final = 5.0  # how often metrics are set, and is looked whether a remote is behind
BEHIND_SECONDS: Final = 60.0  # a remote is behind that has not had everything for so long

log = logging.getLogger(__name__)

_Result = TypeVar("_Result")
ForgetLate = Callable[[str, int], None]
"""Told the name of a remote, and up to which id it has all late samples; called on a thread."""


class RemoteSender:
    """Sends everything that becomes durable. Belongs to one event loop.

    A remote that is new begins with what becomes durable from now on.

    Args:
        config: of the remote.
        journal: the store.
        file: of the cursors; read and, for a new remote, written here: blocking.
        packer: makes requests; only used on the executor.
        delivery: of requests.
        clock: of the rhythm.
        metrics: of all remotes.
        executor: where blocking work is done: one thread, of this remote.
        forget_late: told what late samples this remote needs no more.

    Raises:
        CursorError: the file cannot be used.
    """

    def __init__(
        self,
        config: RemoteWriteConfig,
        journal: Journal,
        file: CursorFile,
        packer: Packer,
        delivery: Delivery,
        clock: Clock,
        metrics: RemoteWriteMetrics,
        executor: Executor,
        forget_late: ForgetLate,
    ) -> None:
        self.name = config.identity
        self._queue = config.queue
        self._journal = journal
        self._file = file
        self._packer = packer
        self._delivery = delivery
        self._clock = clock
        self._executor = executor
        self._forget_late = forget_late
        self._crashes = metrics.crashes.labels(self.name)
        self._dropped = {reason: metrics.dropped.labels(self.name, reason) for reason in DropReason}
        self._pending_metric = metrics.pending.labels(self.name)
        self._shards_metric = metrics.shards.labels(self.name)
        self._highest_metric = metrics.highest_timestamp.labels(self.name)
        self._sent_metric = metrics.highest_sent_timestamp.labels(self.name)
        self._shards = self._queue.min_shards
        self._caught_up = clock.monotonic()
        progress, known = journal.progress(), file.load(self.name)
        cursors = self._begin(progress) if known is None else known
        self.late_id = cursors.late_id
        """Late samples up to this one are acknowledged."""
        self._acknowledged = dict(cursors.acknowledged)
        self._doubtful = set(progress.committed if known is not None else ())

    def _begin(self, progress: Progress) -> Cursors:
        self._file.save(self.name, progress.committed, progress.late_id)
        log.info("remote write: begins remote=%s", self.name)
        return Cursors(progress.committed, progress.late_id)

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._forever(self._watch))
            group.create_task(self._forever(self._send))

    async def _forever(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something again and again; what fails is logged, and tried again later."""
        while True:
            try:
                await work()
            except Exception as error:
                if not isinstance(error, StorageError):
                    self._crashes.inc()
                    log.exception("remote write: crashed remote=%s", self.name)
                self._delivery.warn("samples cannot be read", error)
                await self._clock.sleep(WATCH_SECONDS)

    async def _send(self) -> None:
        if not await self.run_round():
            await self._wait()

    async def run_round(self) -> bool:
        """Send what has become durable, a batch for each shard; tell whether there is more."""
        progress = await self._on_thread(self._journal.progress)
        await self._send_late(progress.late_id)
        failures = self._delivery.failures
        batches = await self._on_thread(
            lambda: self._packer.pack(
                self._acknowledged, progress.committed, self._doubtful, self._shards
            )
        )
        await self._deliver_all(batches)
        await self._save(batches, progress.committed)
        is_more = any(
            moment > self._acknowledged.get(target, moment - 1)
            for target, moment in progress.committed.items()
        )
        self._measure(progress.committed)
        self._adapt(sum(len(batch.requests) for batch in batches), failures)
        if not is_more:
            self._caught_up = self._clock.monotonic()
        return is_more

    async def _send_late(self, last_id: int) -> None:
        """Send late samples one request after the other: their order is that of their arrival."""
        if self.late_id > last_id:  # the store's file was replaced by an empty one
            self.late_id = 0
        while True:
            found = await self._on_thread(
                lambda: self._packer.pack_late(self._acknowledged, self.late_id)
            )
            if found is None:
                return
            requests, late_id = found
            for request in requests:
                await self._delivery.deliver(request)
            self.late_id = late_id
            await self._save([], None)
            await self._on_thread(lambda: self._forget_late(self.name, self.late_id))

    async def _deliver_all(self, batches: Iterable[Batch]) -> None:
        """Deliver batches side by side, as many requests at a time as there are shards."""
        places = asyncio.Semaphore(self._shards)

        async def deliver(request: Request) -> bool:
            async with places:
                return await self._delivery.deliver(request)

        async def deliver_batch(batch: Batch) -> None:
            async with asyncio.TaskGroup() as parts:
                outcomes = [parts.create_task(deliver(request)) for request in batch.requests]
            is_accepted = all(outcome.result() for outcome in outcomes)
            if is_accepted and (outcomes or DropReason.TOO_OLD not in batch.dropped):
                self._doubtful.difference_update(batch.moved)

        async with asyncio.TaskGroup() as group:
            for batch in batches:
                group.create_task(deliver_batch(batch))

    async def _save(self, batches: Iterable[Batch], committed: Mapping[Labels, int] | None) -> None:
        """Move the cursors behind what was answered, in memory and on disk."""
        moved: dict[Labels, int] = {}
        for batch in batches:
            moved |= batch.moved
            for reason, count in batch.dropped.items():
                self._dropped[reason].inc(count)
        gone = [] if committed is None else [t for t in self._acknowledged if t not in committed]
        if committed is not None and not moved and not gone:
            return
        self._acknowledged |= moved
        for target in gone:
            del self._acknowledged[target]
            self._doubtful.discard(target)
        try:
            await self._on_thread(lambda: self._file.save(self.name, moved, self.late_id, gone))
        except CursorError as error:  # after a crash now, more is sent twice
            self._delivery.warn("cursors cannot be saved", error)

    def _adapt(self, requests: int, failures_before: int) -> None:
        """Begin with few shards; double them while all are busy and nothing fails."""
        queue = self._queue
        if self._delivery.failures > failures_before:
            self._shards = queue.min_shards
        elif requests >= self._shards:
            self._shards = min(2 * self._shards, queue.max_shards)
        self._shards_metric.set(self._shards)

    async def _wait(self) -> None:
        """Return when a request is full, or the deadline has passed."""
        end = self._clock.monotonic() + self._queue.deadline_ms / 1000
        while (rest := end - self._clock.monotonic()) > 0:
            await self._clock.sleep(min(POLL_SECONDS, rest))
            if await self._on_thread(self._count_pending) >= self._queue.samples_max:
                return

    async def _watch(self) -> None:
        """Set the metrics that say how far the remote is, and warn where it is behind."""
        pending = await self._on_thread(self._count_pending)
        self._pending_metric.set(pending)
        behind = self._clock.monotonic() - self._caught_up
        if behind > BEHIND_SECONDS + self._queue.deadline_ms / 1000:
            self._delivery.warn("behind", f"{behind:.0f} s, about {pending} samples")
        progress = await self._on_thread(self._journal.progress)
        self._measure(progress.committed)
        await self._clock.sleep(WATCH_SECONDS)

    def _measure(self, committed: Mapping[Labels, int]) -> None:
        self._highest_metric.set(max(committed.values(), default=0) / 1000)
        self._sent_metric.set(max(self._acknowledged.values(), default=0) / 1000)

    def _count_pending(self) -> int:
        return self._journal.backlog(dict(self._acknowledged))

    async def _on_thread(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)
