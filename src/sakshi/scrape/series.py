"""From an exposed series to the one that is stored: merged, relabelled, and within the limits."""

from __future__ import annotations

from sakshi.exposition import LabelPairs
from sakshi.model.labels import Labels
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
            raise _beyond("labels", len(labels), "label_limit", config.label_limit, labels)
        for name, value in labels.pairs:
            for part, key, limit in (
                (name, "label_name_length_limit", config.label_name_bytes_max),
                (value, "label_value_length_limit", config.label_value_bytes_max),
            ):
                size = len(part) if part.isascii() else len(part.encode())
                if limit and size > limit:
                    raise _beyond(f"bytes in the label {_cut(name)}", size, key, limit, labels)


def _beyond(what: str, count: int, key: str, limit: int, labels: Labels) -> LimitError:
    return LimitError(f"{count} {what} of {_cut(labels.name)} are more than the {key} of {limit}")


def _cut(text: str) -> str:
    is_long = len(text) > FOUND_CHARACTERS_MAX
    return f"{text[:FOUND_CHARACTERS_MAX]}..." if is_long else text
