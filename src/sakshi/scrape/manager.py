"""The scraping of a whole configuration: builds every part, runs them, tells how targets are."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Sequence
from functools import cache

from prometheus_client import CollectorRegistry

from sakshi.model.clock import Clock
from sakshi.scrape.burst import BurstSchedule
from sakshi.scrape.commit import Committer, OnBurst
from sakshi.scrape.fetch import Fetcher
from sakshi.scrape.ingest import Ingester
from sakshi.scrape.loop import ScrapeLoop
from sakshi.scrape.metrics import ScrapeMetrics
from sakshi.scrape.resolve import ResolvedTarget, resolve_targets
from sakshi.scrape.target import ScrapeConfig, TargetStatus
from sakshi.storage import Appender


class ScrapeManager:
    """Scrapes all targets of all jobs.

    Args:
        configs: the jobs.
        appender: where samples go; `commit` is called from a thread of ours.
        clock: of schedule, timestamps and durations. (Timeouts within a scrape are the event
            loop's.)
        registry: where our own metrics are registered.
        on_burst: awaited once a burst, after its commit, with the timestamp of its samples; where
            it takes longer than an interval, bursts in between are left out.

    Raises:
        InvalidTargetError: an address of a job is none.
    """

    def __init__(
        self,
        configs: Sequence[ScrapeConfig],
        appender: Appender,
        clock: Clock,
        registry: CollectorRegistry,
        on_burst: OnBurst | None = None,
    ) -> None:
        self._appender = appender
        self._clock = clock
        self._metrics = ScrapeMetrics(registry)
        self._make_tls = cache(ssl.create_default_context)
        self._committer = Committer(appender, on_burst, clock, self._metrics)
        self._loops = [
            self._make_loop(target, config)
            for config in configs
            for target in resolve_targets(config)
        ]
        self._schedules = self._make_schedules()

    async def run(self) -> None:
        """Scrape until cancelled; what was appended is committed before it ends."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._committer.run())
                for schedule in self._schedules:
                    group.create_task(schedule.run())
        finally:
            for loop in self._loops:
                loop.close()
            await self._committer.close()

    def targets(self) -> list[TargetStatus]:
        """Return every target and how its last scrape went, in configured order."""
        return [loop.status for loop in self._loops]

    def _make_loop(self, target: ResolvedTarget, config: ScrapeConfig) -> ScrapeLoop:
        self._metrics.targets.labels(config.job_name).inc()
        fetcher = Fetcher(target.url, config.timeout_ms, config.body_bytes_max, self._make_tls)
        appender = self._appender.target(target.labels)
        ingester = Ingester(target.labels, config, appender, self._metrics)
        return ScrapeLoop(target, config, fetcher, ingester, self._clock, self._metrics)

    def _make_schedules(self) -> list[BurstSchedule]:
        by_interval: defaultdict[int, list[ScrapeLoop]] = defaultdict(list)
        for loop in self._loops:
            by_interval[loop.config.interval_ms].append(loop)
        return [
            BurstSchedule(interval_ms, loops, self._clock, self._committer, self._metrics)
            for interval_ms, loops in by_interval.items()
        ]
