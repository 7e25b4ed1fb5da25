"""sakshi's own metrics about its store, read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sakshi.storage import Store


class StorageCollector(Collector):
    """Gives what a store holds."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        """Yield the store's metric families."""
        statistics = self._store.statistics()
        yield GaugeMetricFamily(
            "sakshi_storage_series", "Series with samples.", value=statistics.series
        )
        yield GaugeMetricFamily(
            "sakshi_storage_targets", "What appended samples.", value=statistics.targets
        )
        yield GaugeMetricFamily(
            "sakshi_storage_disk_bytes", "Size of the store's files.", value=statistics.disk_bytes
        )
        yield CounterMetricFamily(
            "sakshi_storage_samples_appended", "Samples appended.", value=statistics.samples
        )
        yield CounterMetricFamily(
            "sakshi_storage_commits", "Transactions of samples.", value=statistics.commits
        )
        yield CounterMetricFamily(
            "sakshi_storage_samples_lost",
            "Samples given up as the disk refused them for too long.",
            value=statistics.lost_samples,
        )
        yield CounterMetricFamily(
            "sakshi_storage_damaged_records",
            "Log records and chunks left out, as their checksum was wrong.",
            value=statistics.damaged_records,
        )
        yield CounterMetricFamily(
            "sakshi_storage_damaged_files",
            "Databases set aside, as they could not be read.",
            value=statistics.damaged_files,
        )
        yield CounterMetricFamily(
            "sakshi_storage_series_refused",
            "Requests for a new series refused, as there were too many.",
            value=statistics.refused_series,
        )
        refusals = CounterMetricFamily(
            "sakshi_storage_target_series_refused",
            "The same, by target.",
            labels=("target",),
        )
        for target, count in statistics.refusals.items():
            refusals.add_metric([str(target)], count)
        yield refusals
