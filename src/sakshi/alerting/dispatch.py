"""The dispatcher: looks at each group when its timer runs out, and tells its receiver what is new.

Idea: all state is in the ledger; the dispatcher keeps only which groups are in hand. So a restart
goes on where it was: timers, retries, and what each receiver knows. A message is marked as told
after the receiver accepted it; a crash in between sends it again, with the same key.

    ledger commits, or a timer runs out ──▶ a task for each due group:
        load ──▶ plan (mute, compare with what was told) ──▶ send ──▶ settle, and a new timer

Groups of one integration share a few slots, so a receiver that hangs delays only itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from sakshi.alerting.backoff import RETRY_AFTER_MAX_SECONDS, backoff_seconds
from sakshi.alerting.errors import NotificationError, RefusedError, RetryableError
from sakshi.alerting.flush import (
    FlushTiming,
    Plan,
    conclude_dead,
    conclude_failed,
    conclude_quiet,
    conclude_told,
    must_give_up,
    plan_flush,
)
from sakshi.alerting.metrics import NotificationMetrics
from sakshi.alerting.notification import Muter, Notification, Notifier, notification_key
from sakshi.alerting.router import AlertRouter
from sakshi.ledger.errors import LedgerError
from sakshi.ledger.group import (
    AggregationGroup,
    Attempt,
    DeliveryRecorder,
    DueGroup,
    FlushResult,
)
from sakshi.model.clock import Clock

logger = logging.getLogger(__name__)

Value = TypeVar("Value")

SEND_TIMEOUT_SECONDS: Final = 30.0
"""For one message, from connecting to the answer."""

IN_FLIGHT_MAX: Final = 4
"""Messages at one time to one integration of one receiver."""

WAIT_SECONDS_MAX: Final = 15.0
"""Timers are looked at this often at least: the wall clock may be set, the machine may sleep."""

LEDGER_PAUSE_SECONDS: Final = 1.0
"""After the ledger refused, or a defect."""

PRUNE_INTERVAL_SECONDS: Final = 600.0


class InThread(Protocol):
    """Runs a blocking function elsewhere; as `asyncio.to_thread`."""

    def __call__(
        self, function: Callable[..., Value], /, *arguments: Any
    ) -> Coroutine[Any, Any, Value]:
        """Return the function's result."""


class Dispatcher:
    """Tells receivers what is new, for as long as `run` runs.

    Args:
        ledger: what there is to tell, and what was told.
        router: the one that the ledger has.
        notifiers: for each integration that the router names, by receiver and `email[0]`.
        muters: an alert is told if none of them mutes it.
        clock: the hour, and waiting.
        random: returns a number in [0, 1); spreads retries.
        metrics: counts messages.
        in_thread: runs the ledger's blocking methods.
    """

    def __init__(
        self,
        ledger: DeliveryRecorder,
        router: AlertRouter,
        notifiers: Mapping[tuple[str, str], Notifier],
        muters: Sequence[Muter],
        clock: Clock,
        random: Callable[[], float],
        metrics: NotificationMetrics,
        in_thread: InThread = asyncio.to_thread,
    ) -> None:
        self._ledger = ledger
        self._router = router
        self._notifiers = notifiers
        self._muters = tuple(muters)
        self._clock = clock
        self._random = random
        self._metrics = metrics
        self._in_thread = in_thread
        self._horizon_ms = max(router.horizon_ms, round(RETRY_AFTER_MAX_SECONDS * 1000))
        self._wake = asyncio.Event()
        self._in_hand: set[int] = set()
        self._failing: set[str] = set()  # of what the ledger does, what failed the last time
        self._slots: defaultdict[tuple[str, str], asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(IN_FLIGHT_MAX)
        )

    async def run(self) -> None:
        """Dispatch until cancelled. What is in flight then is sent again by the next run."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(self._wake.set)

        unsubscribe = self._ledger.subscribe(wake)
        try:
            await self._insist(self._ledger.reroute)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._prune_forever())
                while True:
                    self._wake.clear()
                    wait_seconds = await self._start_due(tasks)
                    await self._first_of(self._wake.wait(), self._clock.sleep(wait_seconds))
        finally:
            unsubscribe()

    async def _start_due(self, tasks: asyncio.TaskGroup) -> float:
        """Start a task for each group that is due; return how long until the next one is."""
        now_ms = self._clock.now_ms()
        try:
            due = await self._in_thread(self._ledger.due_groups, now_ms, self._horizon_ms)
            next_due_ms = await self._in_thread(self._ledger.next_due_ms, now_ms)
        except LedgerError as error:
            self._note_ledger("read", error)
            return LEDGER_PAUSE_SECONDS
        self._note_ledger("read")
        for group in due:
            if group.id not in self._in_hand:
                self._in_hand.add(group.id)
                tasks.create_task(self._handle(group))
        if next_due_ms is None:
            return WAIT_SECONDS_MAX
        return min((next_due_ms - now_ms) / 1000, WAIT_SECONDS_MAX)

    async def _handle(self, due: DueGroup) -> None:
        try:
            async with self._slots[due.receiver, due.integration]:
                await self._flush(due)
            self._note_ledger("asked for a group")
        except LedgerError as error:
            self._note_ledger("asked for a group", error)
            await self._clock.sleep(LEDGER_PAUSE_SECONDS)
        except Exception:  # the notification worker's outermost line: the others go on
            self._note_failure(f"group {due.id} could not be flushed")
            await self._clock.sleep(LEDGER_PAUSE_SECONDS)
        finally:
            self._in_hand.discard(due.id)
            self._wake.set()

    async def _flush(self, due: DueGroup) -> None:
        group = await self._in_thread(self._ledger.load_group, due.id)
        timing = self._router.timing(group.destination)
        plan = plan_flush(group, self._muters, timing, self._clock.now_ms())
        if plan.alerts:
            result = await self._tell(group, plan, timing)
        else:
            result = conclude_quiet(group, plan, timing)
        await self._insist(self._ledger.settle, result)

    async def _tell(self, group: AggregationGroup, plan: Plan, timing: FlushTiming) -> FlushResult:
        """Send what is planned, in plain words if that is refused; return what changes."""
        notification = Notification(
            destination=group.destination,
            alerts=plan.alerts,
            key=notification_key(group, plan.alerts),
        )
        started = self._clock.monotonic()
        error = await self._send(notification)
        if isinstance(error, RefusedError):
            error = await self._send(notification.plain())
        attempt = Attempt(
            key=notification.key,
            outcome=_outcome(error, must_give_up(group, plan)),
            duration_seconds=self._clock.monotonic() - started,
            alert_count=len(plan.alerts),
            error="" if error is None else str(error),
        )
        self._note_attempt(group, attempt)
        if error is None:
            return conclude_told(group, plan, timing, attempt)
        if attempt.outcome != "retry" or not isinstance(error, RetryableError):
            return conclude_dead(group, plan, timing, attempt)
        wait = backoff_seconds(group.attempts + 1, self._random, error.after_seconds)
        return conclude_failed(group, plan, attempt, round(wait * 1000))

    async def _send(self, notification: Notification) -> NotificationError | None:
        """Send one message; return why it failed, or None."""
        destination = notification.destination
        notifier = self._notifiers[destination.receiver, destination.integration]
        try:
            await self._within(SEND_TIMEOUT_SECONDS, notifier.notify(notification))
        except NotificationError as error:
            return error
        except (
            Exception
        ) as error:  # an integration's outermost line: a defect is retried like a fault
            self._note_failure(f"defect in {destination.integration} of {destination.receiver}")
            return RetryableError(f"a defect in sakshi: {type(error).__name__}")
        return None

    async def _within(self, seconds: float, sending: Coroutine[Any, Any, None]) -> None:
        """Wait for a message to be sent, but not longer.

        Raises:
            RetryableError: the time ran out.
        """
        task = asyncio.ensure_future(sending)
        if not await self._first_of(task, self._clock.sleep(seconds)):
            raise RetryableError(f"no answer within {seconds:g} s")
        task.result()

    async def _first_of(self, wanted: Awaitable[Any], other: Awaitable[Any]) -> bool:
        """Wait for the first of two, end the other; tell whether the wanted one is done."""
        first, second = asyncio.ensure_future(wanted), asyncio.ensure_future(other)
        try:
            await asyncio.wait((first, second), return_when=asyncio.FIRST_COMPLETED)
            return first.done()
        finally:
            first.cancel()
            second.cancel()
            await asyncio.gather(first, second, return_exceptions=True)

    async def _insist(self, write: Callable[..., None], *arguments: Any) -> None:
        """Write to the ledger, again and again until it is written: a message is not sent twice."""
        failures = 0
        while True:
            try:
                await self._in_thread(write, *arguments)
            except LedgerError as error:
                failures += 1
                self._note_ledger("written", error)
                await self._clock.sleep(backoff_seconds(failures, self._random))
            else:
                self._note_ledger("written")
                return

    async def _prune_forever(self) -> None:
        while True:
            await self._clock.sleep(PRUNE_INTERVAL_SECONDS)
            try:
                while await self._in_thread(self._ledger.prune, self._clock.now_ms()):
                    pass
                self._note_ledger("pruned")
            except LedgerError as error:
                self._note_ledger("pruned", error)

    def _note_attempt(self, group: AggregationGroup, attempt: Attempt) -> None:
        destination = group.destination
        self._metrics.observe(destination.integration, attempt.outcome, attempt.duration_seconds)
        is_first_failure = bool(attempt.error) and not group.attempts
        is_news = attempt.outcome != "retry" or is_first_failure
        logger.log(
            logging.DEBUG if not is_news else logging.WARNING if attempt.error else logging.INFO,
            "notification outcome=%s receiver=%s integration=%s alerts=%d key=%s error=%s",
            attempt.outcome,
            destination.receiver,
            destination.integration,
            attempt.alert_count,
            attempt.key,
            attempt.error,
        )

    def _note_ledger(self, done: str, error: LedgerError | None = None) -> None:
        """Count a failure of the ledger; log the first of a run of them, and its end."""
        if error is None:
            if done in self._failing:
                self._failing.remove(done)
                logger.info("the ledger could be %s again", done)
            return
        self._metrics.dispatcher_errors.inc()
        if done not in self._failing:
            self._failing.add(done)
            logger.error("the ledger could not be %s, trying again error=%s", done, error)

    def _note_failure(self, message: str) -> None:
        self._metrics.dispatcher_errors.inc()
        logger.exception(message)


def _outcome(error: NotificationError | None, is_too_late: bool) -> str:
    if error is None:
        return "delivered"
    if isinstance(error, RefusedError):
        return "refused"
    return "dead" if is_too_late else "retry"
