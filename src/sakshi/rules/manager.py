"""Evaluates all groups when they are due, on a thread of its own.

    scrape burst committed ──▶ scraped() ─┐
    push committed ──────────▶ pushed() ──┤
    the clock ────────────────────────────┴─▶ due groups, in order ──▶ rules' thread:
        evaluate ─▶ append (visible at once) ─▶ record alerts (durable) ──▶ on_change, on the loop
    after the pass: commit the recorded series

Order of durability: nobody hears of a transition before the ledger has it; and the samples' disk is
asked last, so that it never delays an alert.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from prometheus_client import CollectorRegistry

from sakshi.ledger.errors import LedgerError
from sakshi.ledger.record import AlertRecorder
from sakshi.model.alert import Alert, Transition
from sakshi.model.clock import Clock
from sakshi.promql.engine import PassEngine, QueryEngine
from sakshi.rules.expansion import External
from sakshi.rules.feed import Feed, FeedFinder
from sakshi.rules.group import GroupEvaluator
from sakshi.rules.metrics import RuleMetrics
from sakshi.rules.order import order_groups
from sakshi.rules.rule import RuleGroup, RuleGroupStatus, rule_ids
from sakshi.rules.schedule import BurstSource, GroupSchedule
from sakshi.rules.state import resolve_all
from sakshi.storage import Appender, StorageError

OnChange = Callable[[Sequence[Transition]], None]
OnPass = Callable[[int], None]

_logger = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class RuleManager:
    """All rule groups at work.

    Alerts go on as recorded: one that fired before a restart fires on and is not announced again;
    those of rules that are no more are resolved.

    Args:
        groups: in the order of the files; each is evaluated behind those whose series it reads.
        engine: answers the expressions; one that shares reads is told when a pass ends.
        appender: takes recorded series.
        recorder: the ledger. Asked for its alerts here: blocking.
        clock: the hour of evaluations and the rhythm of groups.
        external_labels: `$externalLabels` in templates.
        external_url: `$externalURL` in templates.
        registry: where the rules' own metrics go.
        on_change: called on the event loop's thread with what changed, after it is durable. Quick.
        on_pass: called on the rules' thread with the moment of a pass, behind its last group and
            before its series are committed.
        executor: where rules run, one at a time; None: a thread of its own, closed by `run`.
    """

    def __init__(
        self,
        groups: Sequence[RuleGroup],
        engine: QueryEngine,
        appender: Appender,
        recorder: AlertRecorder,
        clock: Clock,
        external_labels: Mapping[str, str] | None = None,
        external_url: str = "",
        registry: CollectorRegistry | None = None,
        on_change: OnChange | None = None,
        on_pass: OnPass | None = None,
        executor: Executor | None = None,
    ) -> None:
        self._clock, self._appender, self._recorder = clock, appender, recorder
        self._sharing = engine if isinstance(engine, PassEngine) else None
        self._on_change, self._on_pass = on_change, on_pass
        self._executor = executor
        self._metrics = RuleMetrics(registry)
        restored = _by_rule(recorder.load_alerts())
        external = External(dict(external_labels or {}), external_url)
        evaluators = {
            group.id: GroupEvaluator(
                group, engine, appender, recorder, clock, external, self._metrics, restored
            )
            for group in groups
        }
        self._shown = list(evaluators.values())
        ordered = order_groups(groups)
        self._evaluators = [evaluators[group.id] for group in ordered]
        self._feed_finder = FeedFinder(ordered)
        self._pushed: Set[str] = frozenset()
        self._feeds = self._feed_finder.find(self._pushed)
        known = {rule_id for group in groups for rule_id in rule_ids(group)}
        self._orphans = {key: alerts for key, alerts in restored.items() if key not in known}
        self._schedules: dict[str, GroupSchedule] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._woken_by: set[BurstSource] = set()
        self._is_refused = self._is_ending = False

    def groups(self) -> list[RuleGroupStatus]:
        """Return the groups with their last evaluation, in the files' order; from any thread."""
        return [evaluator.status for evaluator in self._shown]

    def scraped(self, timestamp_ms: int) -> None:
        """Have the groups that are due evaluated now: a burst of scrapes was committed.

        From any thread; returns at once. Evaluations look at the present moment, so the burst's
        own is not needed: its samples are older.
        """
        self._call(self._wake_up, BurstSource.SCRAPES)

    def pushed(self, names: Set[str]) -> None:
        """Have the groups that live on pushed samples, and are due, evaluated now.

        From any thread; returns at once.

        Args:
            names: of all metrics that were ever pushed; the same object while there is no new one.
        """
        self._call(self._take_push, names)

    async def run(self) -> None:
        """Evaluate groups until cancelled; then wait for the rule that is being evaluated."""
        self._loop = asyncio.get_running_loop()
        start = self._clock.monotonic()
        self._schedules = {
            evaluator.group.id: GroupSchedule(evaluator.group.interval_ms / 1000, start)
            for evaluator in self._evaluators
        }
        executor = self._executor or ThreadPoolExecutor(1, thread_name_prefix="rules")
        try:
            await self._in(executor, self._resolve_orphans)
            while True:
                sources = await self._wait()
                try:
                    await self._pass(executor, sources)
                except Exception:  # the loop's outermost line
                    _logger.exception("rule pass failed")
        finally:
            self._loop = None
            if self._executor is None:
                executor.shutdown(wait=True, cancel_futures=True)

    def _call(self, function: Callable[..., None], argument: object) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, argument)

    def _take_push(self, names: Set[str]) -> None:
        if names is not self._pushed:
            self._pushed, self._feeds = names, self._feed_finder.find(names)
        self._wake_up(BurstSource.PUSH)

    def _wake_up(self, source: BurstSource) -> None:
        self._woken_by.add(source)
        self._wake.set()

    async def _wait(self) -> Set[BurstSource]:
        """Wait for bursts, or for the first group that is due by the clock; return whose came."""
        due = min((schedule.due_at() for schedule in self._schedules.values()), default=None)
        waiting: list[asyncio.Future[object]] = [asyncio.ensure_future(self._wake.wait())]
        if due is not None:
            pause = self._clock.sleep(due - self._clock.monotonic())
            waiting.append(asyncio.ensure_future(pause))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        sources, self._woken_by = self._woken_by, set()
        self._wake.clear()
        return sources

    async def _pass(self, executor: Executor, sources: Set[BurstSource]) -> None:
        """Evaluate the groups that are due, all at one moment."""
        now, at_ms = self._clock.monotonic(), self._clock.now_ms()
        due = [evaluator for evaluator in self._evaluators if self._take(evaluator, now, sources)]
        if due:
            try:
                await self._in(executor, partial(self._evaluate, due, at_ms))
            except asyncio.CancelledError:
                self._is_ending = True
                raise
            finally:
                await self._in(executor, partial(self._end_pass, at_ms))

    def _evaluate(self, due: Sequence[GroupEvaluator], at_ms: int) -> None:
        """Evaluate groups in one go, for it costs to change threads; tell at once what changed."""
        for evaluator in due:
            if self._is_ending:
                break
            transitions = evaluator.evaluate(at_ms)
            if transitions:
                self._call(self._announce, transitions)

    def _take(self, evaluator: GroupEvaluator, now: float, sources: Set[BurstSource]) -> bool:
        group_id = evaluator.group.id
        schedule = self._schedules[group_id]
        missed = schedule.missed
        is_due = any(
            schedule.take_burst(now, source)
            for source in BurstSource
            if source in sources and _concerns(source, self._feeds[group_id], schedule)
        ) or schedule.take_time(now)
        self._metrics.missed.labels(group_id).inc(schedule.missed - missed)
        return is_due

    def _announce(self, transitions: Sequence[Transition]) -> None:
        if self._on_change is not None:
            self._on_change(transitions)

    def _end_pass(self, at_ms: int) -> None:
        if self._sharing is not None:
            self._sharing.end_pass()
        try:
            if self._on_pass is not None:
                self._on_pass(at_ms)
        finally:
            self._commit()

    def _commit(self) -> None:
        try:
            self._appender.commit()
        except StorageError as error:  # kept in memory, and tried again with the next commit
            self._metrics.commit_failures.inc()
            if not self._is_refused:
                _logger.warning("recorded series not committed error=%r", str(error))
            self._is_refused = True
        else:
            self._is_refused = False

    def _resolve_orphans(self) -> None:
        """Resolve the alerts of rules that are no more."""
        at_ms = self._clock.now_ms()
        for rule_id, alerts in self._orphans.items():
            resolved = resolve_all(alerts, at_ms)
            if not resolved.transitions and resolved.alerts:
                continue  # only what was resolved before: it lapses by itself
            try:
                self._recorder.record(rule_id, (), resolved.transitions, at_ms)
            except LedgerError as error:
                _logger.error("alerts not resolved rule=%r error=%r", rule_id, str(error))

    async def _in(self, executor: Executor, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(executor, work)


def _concerns(source: BurstSource, feed: Feed, schedule: GroupSchedule) -> bool:
    """Tell whether a group that is fed so may wait for bursts of this kind."""
    if source is BurstSource.SCRAPES:
        return not (feed is Feed.ALL and schedule.follows(BurstSource.PUSH))
    return feed is Feed.ALL or (feed is Feed.SOME and not schedule.follows(BurstSource.SCRAPES))


def _by_rule(alerts: Sequence[Alert]) -> Mapping[str, Sequence[Alert]]:
    """Return alerts by the id of their rule."""
    found: dict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        found[alert.rule_id].append(alert)
    return found
