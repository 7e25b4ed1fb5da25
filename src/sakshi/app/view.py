"""What the API shows of the scrape, in its own nouns: descriptions, exemplars, bounds of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sakshi.model.matcher import Matcher
from sakshi.scrape import ExemplarRing, ScrapeManager
from sakshi.storage import Store
from sakshi.web import ExemplarQuerier, MetricDescription, SeriesExemplars


def describe_metrics(scrape: ScrapeManager) -> Callable[[], Sequence[MetricDescription]]:
    """Return what gives the targets' words about their metrics."""

    def describe() -> Sequence[MetricDescription]:
        return [
            MetricDescription(
                target.labels, family.name, str(family.type), family.help, family.unit
            )
            for target in scrape.metadata()
            for family in target.families
        ]

    return describe


def query_exemplars(ring: ExemplarRing) -> ExemplarQuerier:
    """Return what gives the exemplars that were kept."""

    def query(
        selectors: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int
    ) -> Sequence[SeriesExemplars]:
        found = ring.select(selectors, start_ms, end_ms)
        return [SeriesExemplars(series, exemplars) for series, exemplars in found.items()]

    return query


def find_bounds(store: Store) -> tuple[int, int] | None:
    """Return the times of the oldest and the newest sample; None where there is none."""
    statistics = store.statistics()
    if statistics.oldest_ms is None or statistics.newest_ms is None:
        return None
    return statistics.oldest_ms, statistics.newest_ms
