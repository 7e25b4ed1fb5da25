"""One target: fetch, read, append; and how that went last."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sakshi.exposition import ExpositionSyntaxError, Layout, MetricFamily, Reading
from sakshi.model.clock import Clock
from sakshi.scrape.errors import LimitError, ScrapeError
from sakshi.scrape.fetch import Fetched, Fetcher
from sakshi.scrape.ingest import Ingester
from sakshi.scrape.metrics import ScrapeMetrics
from sakshi.scrape.negotiate import answer_format
from sakshi.scrape.resolve import ResolvedTarget
from sakshi.scrape.target import ScrapeConfig, TargetHealth, TargetStatus

THREAD_BYTES_MIN: Final = 100_000  # a full parse of more holds the event loop for over 10 ms

LINES_PER_SAMPLE_MAX: Final = 2  # empty ones are none of a sample

FAMILIES_MAX: Final = 10_000  # whose metadata is kept of a target; busy exporters have a thousand
HELP_CHARACTERS_MAX: Final = 1000  # of a help text that is kept

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
        self.forced_error = ""
        """Why nothing is fetched at all; empty: it is."""
        self.ingester = ingester
        self._fetcher = fetcher
        self._clock = clock
        self._duration_metric = metrics.duration_seconds.labels(config.job_name)
        self._samples_metric = metrics.samples.labels(config.job_name)
        self._failures_metric = metrics.failures.labels(config.job_name)
        self._learned_metric = metrics.layouts_learned.labels(config.job_name)
        self._layout: Layout | None = None
        self._families: Sequence[MetricFamily] = ()
        self._health = TargetHealth.UNKNOWN
        self._last_scrape_ms: int | None = None
        self._last_samples = 0
        self._last_error = ""
        self._ended = asyncio.Event()
        self.last_duration_seconds = 0.0

    async def scrape(self, timestamp_ms: int) -> None:
        """Scrape once and append the result, whatever it is, at this time."""
        if self._ended.is_set():
            return
        self._last_scrape_ms = timestamp_ms
        started = self._clock.monotonic()
        took: float | None = None
        failure: ScrapeError | ExpositionSyntaxError | None = None
        samples = 0
        try:
            fetched = await self._fetch()
            took = self._clock.monotonic() - started
            layout, reading = await self._read(fetched)
            if not self._ended.is_set():
                self.ingester.accept(timestamp_ms, layout, reading, took)
            samples = len(layout)
        except (ScrapeError, ExpositionSyntaxError) as error:
            took = self._clock.monotonic() - started if took is None else took
            failure = error
        if self._ended.is_set():
            self._fetcher.close()
            return
        if failure is None:
            self._note_success(samples)
        else:
            self._append_failure(timestamp_ms, took, failure)
            self._note_failure(str(failure))
        self.last_duration_seconds = took
        self._duration_metric.observe(took)

    def end(self) -> Ingester:
        """Append nothing any more; return what has to append the end of the series, or goes on."""
        self._ended.set()
        self._fetcher.close()
        return self.ingester

    @property
    def families(self) -> Sequence[MetricFamily]:
        """What the target said last of its metric families, without samples; bounded."""
        return self._families

    @property
    def status(self) -> TargetStatus:
        """The target and its last scrape."""
        return TargetStatus(
            job_name=self.config.job_name,
            labels=self.target.labels,
            discovered_labels=self.target.discovered_labels,
            url=self.target.url,
            interval_ms=self.target.interval_ms,
            timeout_ms=self.target.timeout_ms,
            health=self._health,
            last_scrape_ms=self._last_scrape_ms,
            last_duration_seconds=self.last_duration_seconds,
            last_samples=self._last_samples,
            last_error=self._last_error,
        )

    def close(self) -> None:
        """Close the connection. No stale markers: see `ingest.py`."""
        self._fetcher.close()

    async def _fetch(self) -> Fetched:
        if self.forced_error:
            raise ScrapeError(self.forced_error)
        return await self._fetcher.fetch()

    def _append_failure(
        self, timestamp_ms: int, took: float, error: ScrapeError | ExpositionSyntaxError
    ) -> None:
        if isinstance(error, LimitError):
            self.ingester.fail(timestamp_ms, took, error.scraped, error.remaining)
        else:
            self.ingester.fail(timestamp_ms, took)

    async def _read(self, fetched: Fetched) -> tuple[Layout, Reading]:
        """Return the layout and the reading of a body, by the last layout where it fits."""
        format = answer_format(fetched.content_type, self.config.fallback_protocol)
        body, layout = fetched.body, self._layout
        if layout is not None and layout.format is format:
            reading = layout.read(body)
            if reading is not None:
                return layout, reading
        self._check_lines(body)
        if len(body) < THREAD_BYTES_MIN:
            learned = Layout.learn(body, layout, format)
        else:
            learned = await asyncio.to_thread(Layout.learn, body, layout, format)
        self._layout = learned
        self._families = [
            family if len(family.help) <= HELP_CHARACTERS_MAX else _with_short_help(family)
            for family in learned.families[:FAMILIES_MAX]
        ]
        self._learned_metric.inc()
        return learned, learned.learned

    def _check_lines(self, body: bytes) -> None:
        """Refuse what has far too many samples before it is parsed: that takes 600 bytes a line.

        Relabelling may drop many, so that their number is known only afterwards.
        """
        limit = self.config.sample_limit
        if not limit or self.config.metric_relabel_rules:
            return
        lines = body.count(b"\n") - body.count(b"\n#")
        if lines > LINES_PER_SAMPLE_MAX * limit + 1:
            message = f"sample limit exceeded (number of lines: {lines}, limit: {limit})"
            raise LimitError(message, lines, lines)

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


def _with_short_help(family: MetricFamily) -> MetricFamily:
    return replace(family, help=f"{family.help[:HELP_CHARACTERS_MAX]}...")
