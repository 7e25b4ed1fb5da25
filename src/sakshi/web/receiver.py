"""Takes pushed samples in: read, appended and made durable on a thread, many pushes at a time.

    push ──┐                       ┌─ one after the other ─┐
    push ──┼──▶ queue ──all of it──▶ read ─▶ sort into rows ─▶ append ─▶ commit ──▶ receipts
    push ──┘      ▲                                                        │
                  └── what comes meanwhile waits for the next round ◀──────┘

A push is answered after the commit that took its samples: they are durable then. Pushes that come
during a commit share the next one, and their rows: a scrape that a sender spread over its
connections becomes one row again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from sakshi.model.clock import Clock
from sakshi.model.errors import BadInputError
from sakshi.storage import Appender, StorageFullError
from sakshi.web.errors import ApiError, ErrorKind
from sakshi.web.metrics import ReceiverMetrics
from sakshi.web.receipt import Receipt
from sakshi.web.received_row import append_rows
from sakshi.web.received_series import ReceivedSeries

PUSHES_MAX: Final = 64  # at once; a Prometheus has up to 50 connections
RETRY_AFTER_SECONDS: Final = 5  # a full disk is not emptied sooner


@dataclass(frozen=True)
class ReceivedSamples:
    """Samples whose series have their places: three arrays of shape (n,)."""

    places: NDArray[np.int64]
    timestamps: NDArray[np.int64]
    values: NDArray[np.float64]


Read = Callable[[ReceivedSeries, Receipt], ReceivedSamples]
"""Reads a push, on the thread; notes in the receipt what came and what is refused.

It raises BadInputError where nothing of it can be taken."""


OnPush = Callable[[Set[str]], None]
"""Told, after each commit, the names of all metrics that were ever pushed: the same object while
there is no new one. Called on the receiver's thread. Quick."""


@dataclass(frozen=True)
class _Push:
    read: Read
    answer: asyncio.Future[Receipt]


class Receiver:
    """Appends what is pushed; belongs to one event loop.

    Args:
        appender: the store.
        clock: bounds how far ahead samples may lie.
        registry: of sakshi's own metrics.
        on_push: told of what was taken.
    """

    def __init__(
        self,
        appender: Appender,
        clock: Clock,
        registry: CollectorRegistry,
        on_push: OnPush = lambda _: None,
    ) -> None:
        self._on_push = on_push
        self._appender = appender
        self._clock = clock
        self._metrics = ReceiverMetrics(registry)
        self._series = ReceivedSeries(appender)
        self._queue: list[_Push] = []
        self._draining: asyncio.Task[None] | None = None
        self._admitted = 0

    @contextlib.contextmanager
    def admitted(self) -> Iterator[None]:
        """Hold a place for a push, from before its body is read.

        Raises:
            ApiError: PUSHES_MAX are being taken in.
        """
        if self._admitted >= PUSHES_MAX:
            raise ApiError(
                ErrorKind.UNAVAILABLE,
                f"{PUSHES_MAX} pushes are being taken in; try again",
                {"Retry-After": "1"},
            )
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    async def receive(self, read: Read) -> Receipt:
        """Return what became of a push, once everything that was taken of it is durable.

        Raises:
            BadInputError: it could not be read; nothing was taken.
            ApiError: the disk refused. The push may be repeated: what is known already is accepted.
        """
        push = _Push(read, asyncio.get_running_loop().create_future())
        self._queue.append(push)
        if self._draining is None or self._draining.done():
            self._draining = asyncio.create_task(self._drain())
        return await push.answer

    async def _drain(self) -> None:
        while self._queue:
            pushes, self._queue = self._queue, []
            try:
                outcomes = await asyncio.to_thread(self._take, [push.read for push in pushes])
            except Exception as error:  # no thread is to be had: nobody may wait for ever
                outcomes = [error] * len(pushes)
            for push, outcome in zip(pushes, outcomes, strict=True):
                if push.answer.done():  # its caller has left
                    continue
                if isinstance(outcome, Receipt):
                    push.answer.set_result(outcome)
                else:
                    push.answer.set_exception(outcome)

    def _take(self, reads: Sequence[Read]) -> Sequence[Receipt | Exception]:
        """Return a receipt or an error for each push."""
        outcomes: list[Receipt | Exception] = []
        batches: list[tuple[Receipt, ReceivedSamples]] = []
        for read in reads:
            receipt = Receipt()
            try:
                batches.append((receipt, read(self._series, receipt)))
                outcomes.append(receipt)
            except BadInputError as error:
                outcomes.append(error)
            except Exception as error:  # a defect: this push fails, the others do not
                outcomes.append(error)
        try:
            self._store(batches)
        except Exception as error:
            failure = _describe(error)
            return [failure if isinstance(one, Receipt) else one for one in outcomes]
        for receipt, _ in batches:
            self._metrics.count(receipt)
        return outcomes

    def _store(self, batches: Sequence[tuple[Receipt, ReceivedSamples]]) -> None:
        if not batches:
            return
        samples = [batch for _, batch in batches]
        append_rows(
            self._series,
            np.concatenate([batch.places for batch in samples]),
            np.concatenate([batch.timestamps for batch in samples]),
            np.concatenate([batch.values for batch in samples]),
            np.repeat(np.arange(len(batches)), [batch.places.size for batch in samples]),
            [receipt for receipt, _ in batches],
            self._clock.now_ms(),
        )
        try:
            self._appender.commit()
        finally:  # samples are readable even where the disk refused them
            if any(receipt.samples > receipt.refused_count for receipt, _ in batches):
                self._on_push(self._series.names)


def _describe(error: Exception) -> Exception:
    if not isinstance(error, StorageFullError):
        return error
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return ApiError(ErrorKind.UNAVAILABLE, f"samples cannot be stored: {error}", headers)
