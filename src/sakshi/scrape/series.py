"""From an exposed series to the one that is stored: merged, relabelled, and within the limits."""

from __future__ import annotations

from sakshi.exposition import LabelPairs
from sakshi.model.labels import Labels, quote_value
from sakshi.scrape.errors import LimitError, ScrapeError
from sakshi.scrape.merge import merge_labels
from sakshi.scrape.relabel import relabel
from sakshi.scrape.target import ScrapeConfig

FOUND_CHARACTERS_MAX = 50  # of a name in an error, as in Prometheus


class SeriesLabeler:
    """Gives the exposed series of a target the labels that they are stored under.

    Args:
        labels: the target's own.
        config: of its job.
    """

    def __init__(self, labels: Labels, config: ScrapeConfig) -> None:
        self._labels = labels
        self._config = config

    def label(self, exposed: LabelPairs) -> Labels | None:
        """Return the stored labels of a series; None where `metric_relabel_configs` drop it.

        Raises:
            LimitError: there are too many of them, or one is too long.
            ScrapeError: relabelling left no metric name.
        """
        config = self._config
        labels = merge_labels(exposed, self._labels, config.honor_labels)
        if config.metric_relabel_rules:
            relabelled = relabel(labels, config.metric_relabel_rules)
            if relabelled is None:
                return None
            labels = relabelled
            if not labels.name:
                raise ScrapeError("metric_relabel_configs left a series without a metric name")
        self._check(labels)
        return labels

    def _check(self, labels: Labels) -> None:
        """Check the limits; lengths are in bytes of UTF-8."""
        config = self._config
        if config.label_limit and len(labels) > config.label_limit:
            what = f"number of labels: {len(labels)}"
            raise _beyond("label_limit", labels, what, config.label_limit)
        for name, value in labels.pairs:
            size, limit = _count_bytes(name), config.label_name_bytes_max
            if limit and size > limit:
                what = f"label name: {_cut(name)}, length: {size}"
                raise _beyond("label_name_length_limit", labels, what, limit)
            size, limit = _count_bytes(value), config.label_value_bytes_max
            if limit and size > limit:
                what = (
                    f"label name: {_cut(name)}, value: {quote_value(_cut(value))}, length: {size}"
                )
                raise _beyond("label_value_length_limit", labels, what, limit)


def _beyond(key: str, labels: Labels, what: str, limit: int) -> LimitError:
    """Return the error, in Prometheus' words: people search for them."""
    return LimitError(f"{key} exceeded (metric: {_cut(labels.name)}, {what}, limit: {limit})")


def _count_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _cut(text: str) -> str:
    is_long = len(text) > FOUND_CHARACTERS_MAX
    return f"{text[:FOUND_CHARACTERS_MAX]}..." if is_long else text
