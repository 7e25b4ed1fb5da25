"""The scraping of a whole configuration: builds every part, runs them, tells how targets are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from prometheus_client import CollectorRegistry

from sakshi.model.clock import Clock
from sakshi.scrape.burst import BurstSchedule
from sakshi.scrape.commit import Burst, Committer, OnBurst
from sakshi.scrape.discovery import Discovery, refresh_forever, refresh_once
from sakshi.scrape.exemplar import ExemplarSink
from sakshi.scrape.fetch import Fetcher
from sakshi.scrape.file_discovery import FileDiscovery
from sakshi.scrape.http_discovery import HttpDiscovery
from sakshi.scrape.ingest import Ingester
from sakshi.scrape.loop import ScrapeLoop
from sakshi.scrape.metrics import ScrapeMetrics
from sakshi.scrape.negotiate import accept_header
from sakshi.scrape.oauth2 import OAuth2Config, TokenSource
from sakshi.scrape.pool import TargetPool
from sakshi.scrape.resolve import ResolvedTarget
from sakshi.scrape.target import DroppedTarget, ScrapeConfig, TargetMetadata, TargetStatus
from sakshi.scrape.tls import TlsConfig, TlsContexts
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
        exemplars: where exemplars go; None: nowhere.

    Raises:
        InvalidTargetError: a static address of a job is none.
    """

    def __init__(
        self,
        configs: Sequence[ScrapeConfig],
        appender: Appender,
        clock: Clock,
        registry: CollectorRegistry,
        on_burst: OnBurst | None = None,
        exemplars: ExemplarSink | None = None,
    ) -> None:
        self._appender = appender
        self._clock = clock
        self._exemplars = exemplars
        self._metrics = ScrapeMetrics(registry)
        self._tls: dict[TlsConfig, TlsContexts] = {}
        self._tokens: dict[OAuth2Config, TokenSource] = {}
        self._committer = Committer(appender, on_burst, clock, self._metrics)
        self._schedules: dict[int, BurstSchedule] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._pools = [TargetPool(config, self, clock) for config in configs]

    async def run(self) -> None:
        """Scrape until cancelled; what was appended is committed before it ends."""
        try:
            async with asyncio.TaskGroup() as group:
                await self._discover(group)
                self._tasks = group
                group.create_task(self._committer.run())
                for schedule in self._schedules.values():
                    group.create_task(schedule.run())
        finally:
            self._tasks = None
            for pool in self._pools:
                for loop in pool.loops:
                    loop.close()
            await self._committer.close()

    def targets(self) -> list[TargetStatus]:
        """Return every target and how its last scrape went, by job in configured order."""
        return [loop.status for pool in self._pools for loop in pool.loops]

    def dropped_targets(self) -> list[DroppedTarget]:
        """Return the targets that relabelling dropped, as many as each job keeps."""
        return [target for pool in self._pools for target in pool.dropped]

    def dropped_target_counts(self) -> dict[str, int]:
        """Return how many targets relabelling dropped, by job."""
        return {pool.config.job_name: pool.dropped_count for pool in self._pools}

    def metadata(self) -> list[TargetMetadata]:
        """Return what every target says of its metric families; see `targets` for the order."""
        return [
            TargetMetadata(loop.config.job_name, loop.target.labels, loop.families)
            for pool in self._pools
            for loop in pool.loops
        ]

    # What pools ask for.

    def start(
        self, target: ResolvedTarget, config: ScrapeConfig, ingester: Ingester | None
    ) -> ScrapeLoop:
        """Return a loop that scrapes from the next tick on; see `LoopKeeper`."""
        self._metrics.targets.labels(config.job_name).inc()
        fetcher = Fetcher(
            target.url,
            target.timeout_ms,
            config.body_bytes_max,
            self._contexts(config.http.tls).get,
            http=config.http,
            headers={"Accept": accept_header(config.protocols)},
            is_compressed=config.is_compressed,
            tokens=self._token_source(config.http.oauth2),
        )
        if ingester is None:
            appender = self._appender.target(target.labels)
            ingester = Ingester(target.labels, config, appender, self._metrics, self._exemplars)
        loop = ScrapeLoop(target, config, fetcher, ingester, self._clock, self._metrics)
        self._schedule(target.interval_ms).add(loop)
        return loop

    def stop(self, loop: ScrapeLoop) -> Ingester:
        """Have a loop scrape no more; see `LoopKeeper`."""
        self._metrics.targets.labels(loop.config.job_name).dec()
        self._schedules[loop.target.interval_ms].remove(loop)
        return loop.end()

    def ended(self, timestamp_ms: int) -> None:
        """Have stale markers committed; see `LoopKeeper`."""
        self._committer.appended(Burst(timestamp_ms))

    def _schedule(self, interval_ms: int) -> BurstSchedule:
        """Return the schedule of an interval; a new one starts where the others run already."""
        schedule = self._schedules.get(interval_ms)
        if schedule is None:
            schedule = BurstSchedule(interval_ms, [], self._clock, self._committer, self._metrics)
            self._schedules[interval_ms] = schedule
            if self._tasks is not None:
                self._tasks.create_task(schedule.run())
        return schedule

    def _contexts(self, config: TlsConfig) -> TlsContexts:
        return self._tls.setdefault(config, TlsContexts(config))

    def _token_source(self, config: OAuth2Config | None) -> TokenSource | None:
        """Return what has the tokens of a configuration; all that have the same one share it."""
        if config is None:
            return None
        source = self._tokens.get(config)
        if source is None:
            source = TokenSource(config, self._contexts(config.tls).get, self._clock)
            self._tokens[config] = source
        return source

    async def _discover(self, group: asyncio.TaskGroup) -> None:
        """Read the files that name targets, then have all discoveries asked again and again."""
        for pool in self._pools:
            for position, discovery in enumerate(self._discoveries(pool.config)):
                update, error = partial(pool.set_groups, position), ""
                is_local = isinstance(discovery, FileDiscovery)
                if is_local:
                    error = await refresh_once(discovery, update, self._metrics, "")
                forever = refresh_forever(
                    discovery, update, self._metrics, self._clock, error, is_first_due=not is_local
                )
                group.create_task(forever)

    def _discoveries(self, config: ScrapeConfig) -> list[Discovery]:
        files = [FileDiscovery(entry) for entry in config.file_discoveries]
        servers = [
            HttpDiscovery(
                entry,
                self._contexts(entry.http.tls).get,
                self._token_source(entry.http.oauth2),
            )
            for entry in config.http_discoveries
        ]
        return [*files, *servers]
