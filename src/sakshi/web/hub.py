"""The hub: one message made, all clients served, none waited for.

    alerts_changed ─┐                      ┌─▶ client: a slot for each type ─▶ its WebSocket
    every interval ─┴─▶ source ─▶ message ─┼─▶ client: a slot for each type ─▶ its WebSocket
                        (on a thread)      └─▶ ...

A message is made only while somebody listens. It is put into every client's slot of its type,
where it replaces one that was not sent yet: a client that does not read costs two slots and delays
nobody. Messages are made one at a time and offered before the next is begun, so that what arrives
later is never older.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from enum import Enum
from typing import Final

from prometheus_client import CollectorRegistry

from sakshi.model.clock import Clock
from sakshi.web.live import MessageSource
from sakshi.web.metrics import HubMetrics

logger = logging.getLogger(__name__)

CLIENTS_MAX: Final = 500  # as many silent clients hold their kernel buffers, some 100 MB
FRESH_SECONDS: Final = 1.0  # a client that joins is sent a message of at most this age
CHANGE_SECONDS: Final = 0.1  # changes that follow each other this closely are told together
GOING_AWAY: Final = 1001
TRY_AGAIN_LATER: Final = 1013
LEAVE_SECONDS: Final = 1.0  # how long `close` waits for clients to leave


class MessageKind(Enum):
    """The types of message; each has a slot in each client."""

    METRICS = "metrics_update"
    ALERTS = "alerts_update"


class Client:
    """One listener: the messages that wait for it, at most one of each type."""

    def __init__(self) -> None:
        self._slots: dict[MessageKind, str] = {}
        self._changed = asyncio.Event()
        self.close_code: int | None = None
        """Why it must leave: a WebSocket close code; None while it may stay."""

    def offer(self, kind: MessageKind, message: str) -> bool:
        """Put a message into its slot; tell whether one that was not sent yet gave way to it."""
        replaced = self._slots.pop(kind, None) is not None
        self._slots[kind] = message
        self._changed.set()
        return replaced

    def dismiss(self, code: int) -> None:
        """Have the client leave with this close code; what waits is not sent any more."""
        self.close_code = code
        self._changed.set()

    async def next_message(self) -> str | None:
        """Return the message that waits longest, as soon as there is one; None: leave."""
        while not self._slots and self.close_code is None:
            self._changed.clear()
            await self._changed.wait()
        if self.close_code is not None:
            return None
        return self._slots.pop(next(iter(self._slots)))


class Hub:
    """Makes the live messages and hands them to the clients. Belongs to one event loop.

    Args:
        source: makes the messages, on a thread.
        clock: for the interval.
        registry: gets the hub's own metrics.
        interval_seconds: from one `metrics_update` to the next.
        clients_max: how many may listen at once.
    """

    def __init__(
        self,
        source: MessageSource,
        clock: Clock,
        registry: CollectorRegistry,
        *,
        interval_seconds: float = 5.0,
        clients_max: int = CLIENTS_MAX,
    ) -> None:
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._clients_max = clients_max
        self._make = {
            MessageKind.METRICS: source.metrics_update,
            MessageKind.ALERTS: source.alerts_update,
        }
        self._clients: set[Client] = set()
        self._all_left = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._making = asyncio.Lock()
        self._alerts_changed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._newest: tuple[float, str] | None = None
        self._is_closing = False
        self._metrics = HubMetrics(registry, lambda: len(self._clients))

    def alerts_changed(self) -> None:
        """Have an `alerts_update` sent to all clients at once. Safe to call from any thread."""
        if self._loop is None:
            return  # nobody has ever listened
        try:
            self._loop.call_soon_threadsafe(self._alerts_changed.set)
        except RuntimeError:
            logger.debug("alerts changed after the event loop was closed")

    def join(self) -> Client | None:
        """Return a new client, which is to be welcomed; None where no more may listen."""
        if self._is_closing or len(self._clients) >= self._clients_max:
            self._metrics.refused.inc()
            return None
        client = Client()
        self._clients.add(client)
        self._all_left.clear()
        if not self._tasks:
            self._start()
        return client

    async def welcome(self, client: Client) -> None:
        """Offer a client its first message: the newest `metrics_update`, or a new one."""
        async with self._making:
            if self._newest is None or self._clock.monotonic() - self._newest[0] > FRESH_SECONDS:
                await self._remake_metrics()
            if self._newest is not None:
                client.offer(MessageKind.METRICS, self._newest[1])

    def leave(self, client: Client) -> None:
        """Forget a client; when the last one has left, nothing is made any more."""
        self._clients.discard(client)
        if not self._clients:
            self._stop()
            self._all_left.set()

    async def close(self, leave_seconds: float = LEAVE_SECONDS) -> None:
        """Have all clients leave with 1001, and wait so long for them to be gone."""
        self._is_closing = True
        for client in self._clients:
            client.dismiss(GOING_AWAY)
        if self._clients:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_left.wait(), leave_seconds)
        self._stop()

    def _start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._alerts_changed.clear()
        self._tasks = [
            self._loop.create_task(self._send_metrics_forever()),
            self._loop.create_task(self._send_alerts_forever()),
        ]

    def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        self._newest = None

    async def _send_metrics_forever(self) -> None:
        due = self._clock.monotonic()
        while True:
            due = max(due + self._interval_seconds, self._clock.monotonic())
            await self._clock.sleep(due - self._clock.monotonic())
            async with self._making:
                await self._remake_metrics()
                if self._newest is not None:
                    self._broadcast(MessageKind.METRICS, self._newest[1])

    async def _send_alerts_forever(self) -> None:
        while True:
            await self._alerts_changed.wait()
            self._alerts_changed.clear()
            async with self._making:
                self._newest = None  # it says what is no longer so
                message = await self._try_make(MessageKind.ALERTS)
                if message is not None:
                    self._broadcast(MessageKind.ALERTS, message)
            await self._clock.sleep(CHANGE_SECONDS)

    async def _remake_metrics(self) -> None:
        made_at = self._clock.monotonic()
        message = await self._try_make(MessageKind.METRICS)
        self._newest = None if message is None else (made_at, message)

    async def _try_make(self, kind: MessageKind) -> str | None:
        """Return a new message; None where it could not be made: the next one may."""
        try:
            with self._metrics.made.labels(kind.value).time():
                return await asyncio.to_thread(self._make[kind])
        except Exception:
            logger.exception("live message failed type=%s", kind.value)
            self._metrics.failed.labels(kind.value).inc()
            return None

    def _broadcast(self, kind: MessageKind, message: str) -> None:
        replaced = sum(client.offer(kind, message) for client in self._clients)
        self._metrics.conflated.labels(kind.value).inc(replaced)
