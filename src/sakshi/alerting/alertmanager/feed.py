"""One Alertmanager, told of all it must know, for as long as it is there.

    the ledger commits, a rule is evaluated again, a timer runs out
        ──▶ ledger: alerts, owed resolutions ──▶ statements ──▶ what is due ──▶ posts ──▶ settle

Idea: nothing is queued. What must be said is computed from the ledger, and compared with what was
said (which is in memory: after a restart all that fires is said again). So an Alertmanager that was
away learns how things stand now, however long that was, and each feed waits for its own only.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sakshi.alerting.alertmanager.client import AlertmanagerClient
from sakshi.alerting.alertmanager.metrics import AlertmanagerMetrics
from sakshi.alerting.alertmanager.place import LedgerPlace
from sakshi.alerting.alertmanager.schedule import Due, Said, find_due, find_settled_id
from sakshi.alerting.alertmanager.statement import (
    FindSource,
    Relabelling,
    Statement,
    encode_statement,
    make_statements,
)
from sakshi.alerting.backoff import BACKOFF_MAX_SECONDS, backoff_seconds
from sakshi.alerting.dispatch import InThread
from sakshi.alerting.errors import RefusedError, RetryableError
from sakshi.ledger import ResolutionRecorder
from sakshi.model.alert import Alert
from sakshi.model.clock import Clock
from sakshi.model.labels import Labels

ALERTS_MAX: Final = 256  # in one post; Prometheus' --alertmanager.notification-batch-size
WAIT_SECONDS_MAX: Final = 15.0  # timers are looked at as often: the machine may sleep
CRASH_PAUSE_SECONDS: Final = 1.0
THREAD_ALERTS_MIN: Final = 500  # to relabel more holds the event loop for over 5 ms

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AlertmanagerStatus:
    """How it stands with an Alertmanager, for the API.

    Args:
        url: where alerts are posted.
        waiting: alerts that are to be told, and were not accepted yet.
        refused: alerts that it does not take for what they say.
        accepted_ms: when it last accepted a post, milliseconds since the epoch; None before that.
        last_error: why the last post failed, in words; empty where it did not.
    """

    url: str
    waiting: int = 0
    refused: int = 0
    accepted_ms: int | None = None
    last_error: str = ""


@dataclass(frozen=True)
class FeedParts:
    """What the feeds of one process share.

    Args:
        ledger: what there is to tell, and what was told.
        find_source: gives the rule of an alert.
        external_url: where people reach the page, without a slash at the end.
        clock: the hour, and waiting.
        random: returns a number in [0, 1); spreads retries.
        metrics: counts.
        in_thread: runs the ledger's blocking methods.
    """

    ledger: ResolutionRecorder
    find_source: FindSource
    external_url: str
    clock: Clock
    random: Callable[[], float]
    metrics: AlertmanagerMetrics
    in_thread: InThread


class AlertmanagerFeed:
    """Tells one Alertmanager.

    Args:
        url: where alerts are posted.
        name: by which the ledger knows the Alertmanager.
        client: posts to it; closed with the feed.
        relabelling: gives alerts their labels.
        parts: all else.
    """

    def __init__(
        self,
        url: str,
        name: str,
        client: AlertmanagerClient,
        relabelling: Relabelling,
        parts: FeedParts,
    ) -> None:
        self.url, self.name = url, name
        self._client, self._relabelling, self._parts = client, relabelling, parts
        self._wake = asyncio.Event()
        self._said: dict[Labels, Said] = {}
        self._statements: Mapping[Labels, Statement] = {}
        self._place = LedgerPlace(name, url, parts.ledger, parts.in_thread)
        self._alerts: Sequence[Alert] | None = None
        """As they were when they were last looked at."""
        self._quiet_until = 0.0
        self._awaits_evaluation = False
        self._attempts = 0
        self._retry_at = 0.0
        self._accepted_ms: int | None = None
        self._last_error = ""
        self._status = AlertmanagerStatus(url)

    @property
    def status(self) -> AlertmanagerStatus:
        """How it stands; replaced, never changed: any thread may read it."""
        return self._status

    def wake(self) -> None:
        """Have the feed look whether there is something to tell; on the loop's thread."""
        self._wake.set()

    def evaluated(self) -> None:
        """Note that rules were evaluated; on the loop's thread."""
        if self._awaits_evaluation:
            self._quiet_until = 0.0
            self._wake.set()

    async def run(self) -> None:
        """Tell the Alertmanager until cancelled."""
        self._parts.metrics.begin(self.url)
        try:
            while True:
                self._wake.clear()
                await self._wait(await self._safe_round())
        finally:
            self._client.close()
            self._parts.metrics.end(self.url)

    async def _wait(self, seconds: float) -> None:
        sleep = asyncio.ensure_future(self._parts.clock.sleep(seconds))
        wake = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait((sleep, wake), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            wake.cancel()

    async def _safe_round(self) -> float:
        try:
            return await self._round()
        except Exception:  # the loop's outermost line
            self._parts.metrics.crashes.inc()
            logger.exception("alertmanager feed crashed alertmanager=%s", self.url)
            self._retry_at = self._parts.clock.monotonic() + CRASH_PAUSE_SECONDS
            return CRASH_PAUSE_SECONDS

    async def _round(self) -> float:
        """Say what is due; return how many seconds to wait for the next look."""
        now = self._parts.clock.monotonic()
        if await self._place.enrol(now):
            self._alerts = None
        if now < self._retry_at:
            return min(self._retry_at - now, WAIT_SECONDS_MAX)
        if now < self._quiet_until and self._parts.ledger.alerts() is self._alerts:
            return min(self._quiet_until - now, WAIT_SECONDS_MAX)
        await self._look()
        due = self._find_due()
        if due.together or due.alone:
            await self._say(due)
            due = self._find_due()
        await self._place.settle(self._find_settled_id())
        return self._rest(due)

    async def _look(self) -> None:
        """Learn from the ledger what the Alertmanager must know.

        What is owed is read before the alerts are: a change in between is found in the latter.
        """
        parts = self._parts
        await self._place.read(is_changed=parts.ledger.alerts() is not self._alerts)
        self._alerts = parts.ledger.alerts()
        arguments = (self._alerts, self._place.owed.owed, self._relabelling, parts.clock.now_ms())
        self._statements = (
            make_statements(*arguments)
            if len(self._alerts) < THREAD_ALERTS_MIN
            else await parts.in_thread(make_statements, *arguments)
        )
        self._said = {
            labels: said for labels, said in self._said.items() if labels in self._statements
        }

    def _find_due(self) -> Due:
        clock, statements = self._parts.clock, self._statements
        find_source = self._parts.find_source
        return find_due(
            statements.values(), self._said, find_source, clock.monotonic(), clock.now_ms()
        )

    def _find_settled_id(self) -> int:
        owed, labels_of = self._place.owed, self._relabelling.known
        return find_settled_id(owed, self._statements, self._said, labels_of)

    async def _say(self, due: Due) -> None:
        """Post what is due; where the Alertmanager fails, leave the rest for later."""
        together = due.together
        try:
            for start in range(0, len(together), ALERTS_MAX):
                await self._post(together[start : start + ALERTS_MAX])
            for statement in due.alone:
                await self._post([statement])
        except RetryableError as error:
            self._note_failure(error)
        else:
            self._note_success()

    async def _post(self, statements: Sequence[Statement]) -> None:
        """Post statements; where they are refused, halve them until the bad ones stand alone.

        Raises:
            RetryableError: the Alertmanager may take them later.
        """
        try:
            await self._post_once(statements)
        except RefusedError as error:
            if len(statements) == 1:
                self._note_refusal(statements[0], error)
                return
            middle = len(statements) // 2
            await self._post(statements[:middle])
            await self._post(statements[middle:])
        else:
            self._accepted_ms = self._parts.clock.now_ms()
            for statement in statements:
                self._note_said(statement)

    async def _post_once(self, statements: Sequence[Statement]) -> None:
        parts, started = self._parts, self._parts.clock.monotonic()
        body = [
            encode_statement(
                statement, parts.find_source(statement.alert.rule_id), parts.external_url
            )
            for statement in statements
        ]
        try:
            await self._client.post(body)
        except (RefusedError, RetryableError):
            parts.metrics.errors.labels(self.url).inc(len(statements))
            raise
        finally:
            took = parts.clock.monotonic() - started
            parts.metrics.sent.labels(self.url).inc(len(statements))
            parts.metrics.latency_seconds.labels(self.url).observe(took)

    def _rest(self, due: Due) -> float:
        """Note how it stands; return how long there is nothing to do."""
        now = self._parts.clock.monotonic()
        waiting = len(due.together) + len(due.alone)
        refused = sum(said.is_refused for said in self._said.values())
        self._parts.metrics.waiting.labels(self.url).set(waiting)
        self._status = AlertmanagerStatus(
            self.url, waiting, refused, self._accepted_ms, self._last_error
        )
        self._awaits_evaluation = due.awaits_evaluation
        next_at = now + WAIT_SECONDS_MAX if due.next_at is None else due.next_at
        self._quiet_until = max(self._retry_at, now) if waiting else next_at
        return min(self._quiet_until - now, WAIT_SECONDS_MAX)

    def _note_said(self, statement: Statement, *, is_refused: bool = False) -> None:
        now = self._parts.clock.monotonic()
        state = statement.alert.state
        self._said[statement.labels] = Said(state, statement.since_ms, now, is_refused)

    def _note_refusal(self, statement: Statement, error: RefusedError) -> None:
        last = self._said.get(statement.labels)
        self._parts.metrics.refused.labels(self.url).inc()
        if last is None or not (last.is_refused and last.is_about(statement)):
            logger.warning(
                "alert refused alertmanager=%s state=%s labels=%s error=%s",
                self.url,
                statement.alert.state,
                statement.labels,
                error,
            )
        self._note_said(statement, is_refused=True)

    def _note_failure(self, error: RetryableError) -> None:
        self._attempts += 1
        asked = min(error.after_seconds or 0.0, BACKOFF_MAX_SECONDS)  # it is told within a minute
        wait = backoff_seconds(self._attempts, self._parts.random, asked)
        self._retry_at = self._parts.clock.monotonic() + wait
        if str(error) != self._last_error:
            logger.warning("alerts not told alertmanager=%s error=%s", self.url, error)
        self._last_error = str(error)

    def _note_success(self) -> None:
        if self._attempts:
            logger.info("alerts are told again alertmanager=%s", self.url)
        self._attempts, self._retry_at, self._last_error = 0, 0.0, ""
