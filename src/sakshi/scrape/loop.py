"""One target: fetch, read, append; and how that went last."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from sakshi.exposition import ExpositionSyntaxError, Layout, find_format
from sakshi.model.clock import Clock
from sakshi.scrape.errors import SampleLimitError, ScrapeError
from sakshi.scrape.fetch import Fetched, Fetcher
from sakshi.scrape.ingest import Ingester
from sakshi.scrape.metrics import ScrapeMetrics
from sakshi.scrape.resolve import ResolvedTarget
from sakshi.scrape.target import ScrapeConfig, TargetHealth, TargetStatus
from sakshi.storage.store import Values

THREAD_BYTES_MIN: Final = 100_000  # a full parse of more holds the event loop for over 10 ms

log = logging.getLogger(__name__)


class ScrapeLoop:
    """Scrapes one target whenever it is told to; never raises for what the target does.

    Args:
        target: where it is, and its labels.
        config: of its job.
        fetcher: of its URL; closed with the loop.
        ingester: of its samples.
        clock: measures durations.
        metrics: counts.
    """

    def __init__(
        self,
        target: ResolvedTarget,
        config: ScrapeConfig,
        fetcher: Fetcher,
        ingester: Ingester,
        clock: Clock,
        metrics: ScrapeMetrics,
    ) -> None:
        self.target = target
        self.config = config
        self._fetcher = fetcher
        self._ingester = ingester
        self._clock = clock
        self._duration_metric = metrics.duration_seconds.labels(config.job_name)
        self._samples_metric = metrics.samples.labels(config.job_name)
        self._failures_metric = metrics.failures.labels(config.job_name)
        self._learned_metric = metrics.layouts_learned.labels(config.job_name)
        self._layout: Layout | None = None
        self._health = TargetHealth.UNKNOWN
        self._last_scrape_ms: int | None = None
        self._last_samples = 0
        self._last_error = ""
        self.last_duration_seconds = 0.0

    async def scrape(self, timestamp_ms: int) -> None:
        """Scrape once and append the result, whatever it is, at this time."""
        self._last_scrape_ms = timestamp_ms
        started = self._clock.monotonic()
        took: float | None = None
        try:
            fetched = await self._fetcher.fetch()
            took = self._clock.monotonic() - started
            layout, values = await self._read(fetched)
            self._ingester.accept(timestamp_ms, layout, values, took)
        except (ScrapeError, ExpositionSyntaxError) as error:
            took = self._clock.monotonic() - started if took is None else took
            scraped = error.samples if isinstance(error, SampleLimitError) else 0
            self._ingester.fail(timestamp_ms, took, scraped)
            self._note_failure(str(error))
        else:
            self._note_success(len(layout))
        self.last_duration_seconds = took
        self._duration_metric.observe(took)

    @property
    def status(self) -> TargetStatus:
        """The target and its last scrape."""
        return TargetStatus(
            job_name=self.config.job_name,
            labels=self.target.labels,
            discovered_labels=self.target.discovered_labels,
            url=self.target.url,
            interval_ms=self.config.interval_ms,
            timeout_ms=self.config.timeout_ms,
            health=self._health,
            last_scrape_ms=self._last_scrape_ms,
            last_duration_seconds=self.last_duration_seconds,
            last_samples=self._last_samples,
            last_error=self._last_error,
        )

    def close(self) -> None:
        """Close the connection. No stale markers: see `ingest.py`."""
        self._fetcher.close()

    async def _read(self, fetched: Fetched) -> tuple[Layout, Values]:
        """Return the layout and the values of a body, by the last layout where it fits."""
        if find_format(fetched.content_type) is None:
            raise ScrapeError(f'Content-Type "{fetched.content_type}" is no known exposition')
        body, layout = fetched.body, self._layout
        values = layout.values(body) if layout is not None else None
        if layout is not None and values is not None:
            return layout, values
        if len(body) < THREAD_BYTES_MIN:
            learned = Layout.learn(body, layout)
        else:
            learned = await asyncio.to_thread(Layout.learn, body, layout)
        self._layout = learned
        self._learned_metric.inc()
        return learned, learned.learned_values

    def _note_success(self, samples: int) -> None:
        if self._health is TargetHealth.DOWN:
            log.info("target is up url=%s", self.target.url)
        self._health, self._last_error, self._last_samples = TargetHealth.UP, "", samples
        self._samples_metric.inc(samples)

    def _note_failure(self, error: str) -> None:
        if self._health is not TargetHealth.DOWN:
            log.warning("target is down url=%s error=%s", self.target.url, error)
        self._health, self._last_error, self._last_samples = TargetHealth.DOWN, error, 0
        self._failures_metric.inc()
