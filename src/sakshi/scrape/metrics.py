"""What sakshi measures of its own scraping, exposed at its `/metrics`."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SCRAPE_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_COMMIT_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)


class DropReason(StrEnum):
    """Why a sample of a successful scrape was not kept."""

    OUT_OF_ORDER = "out_of_order"
    DUPLICATE = "duplicate"
    TOO_FAR_AHEAD = "too_far_ahead"


class ScrapeMetrics:
    """The metrics of all scraping in one process.

    Args:
        registry: where they are registered; no second `ScrapeMetrics` fits in.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.targets = Gauge(
            "sakshi_scrape_targets", "Targets that are scraped.", ["job"], registry=registry
        )
        self.duration_seconds = Histogram(
            "sakshi_scrape_duration_seconds",
            "Time from the start of a scrape to the last byte of its body, or to its failure.",
            ["job"],
            buckets=_SCRAPE_BUCKETS,
            registry=registry,
        )
        self.failures = Counter(
            "sakshi_scrape_failures", "Scrapes that ended as up 0.", ["job"], registry=registry
        )
        self.samples = Counter(
            "sakshi_scrape_samples", "Samples that scrapes brought.", ["job"], registry=registry
        )
        self.samples_dropped = Counter(
            "sakshi_scrape_samples_dropped",
            "Samples of successful scrapes that were not kept.",
            ["reason"],
            registry=registry,
        )
        self.layouts_learned = Counter(
            "sakshi_scrape_layouts_learned",
            "Bodies that did not look like the one before and were parsed in full.",
            ["job"],
            registry=registry,
        )
        self.ticks_missed = Counter(
            "sakshi_scrape_ticks_missed",
            "Scrapes left out because the one before, or the process, was late.",
            registry=registry,
        )
        self.commit_seconds = Histogram(
            "sakshi_scrape_commit_duration_seconds",
            "Time to make the samples of a burst durable.",
            buckets=_COMMIT_BUCKETS,
            registry=registry,
        )
        self.commit_failures = Counter(
            "sakshi_scrape_commit_failures",
            "Commits that the disk refused; the next one tries again.",
            registry=registry,
        )
        self.discovery_failures = Counter(
            "sakshi_scrape_discovery_failures",
            "Questions to service discovery that failed; the targets before stay.",
            registry=registry,
        )
        self.crashes = Counter(
            "sakshi_scrape_crashes",
            "Errors in sakshi itself that were caught at the outermost line of a loop.",
            registry=registry,
        )
        self._dropped = {reason: self.samples_dropped.labels(reason) for reason in DropReason}

    def drop(self, reason: DropReason, count: int) -> None:
        """Count samples that were not kept."""
        self._dropped[reason].inc(count)
