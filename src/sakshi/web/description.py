"""What targets tell about their metrics, beside the samples; who scrapes brings it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sakshi.exposition import Exemplar
from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher
from sakshi.storage import ImportBatch, ImportOutcome


@dataclass(frozen=True)
class MetricDescription:
    """What a target says about one of its metric families.

    Args:
        target: the target's labels; empty where nobody knows whose it is.
        metric: the family's name.
        type: in Prometheus' words: counter, gauge, histogram, summary, unknown, ...
        help: may be empty.
        unit: may be empty.
    """

    target: Labels
    metric: str
    type: str
    help: str = ""
    unit: str = ""


@dataclass(frozen=True)
class SeriesExemplars:
    """The exemplars of one series, oldest first; at least one, each with its time."""

    series: Labels
    exemplars: Sequence[Exemplar]


class ExemplarQuerier(Protocol):
    """Gives exemplars out. Safe to call from any thread."""

    def __call__(
        self, selectors: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int
    ) -> Sequence[SeriesExemplars]:
        """Return those in [start_ms, end_ms] of the series that meet any of the selectors."""


def no_exemplars(
    selectors: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int
) -> Sequence[SeriesExemplars]:
    """Return none: nobody keeps them."""
    return ()


class StoreAdmin(Protocol):
    """What operators do to the samples. Blocking; safe to call from any thread."""

    def delete_series(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> object:
        """Forget the samples in [start_ms, end_ms] of the series that meet every matcher.

        They are in no answer any more once it returned.
        """

    def clean_tombstones(self) -> object:
        """Free the room of what was deleted, where that was put off."""

    def import_samples(self, batch: ImportBatch, newest_ms: int | None = None) -> ImportOutcome:
        """Take samples of any time in, and return what became of them, once they are durable.

        Args:
            batch: of samples whose series were checked.
            newest_ms: of the newest sample that the import as a whole will bring; None: of this
                batch. What is kept is counted from there, where nothing newer is known.

        Raises:
            StorageError: the disk refused; the batch may be repeated.
        """

    def snapshot(self) -> str:
        """Copy all samples while the store runs; return the name of the copy's folder.

        Raises:
            StorageError: the copy cannot be written; nothing of it is left.
        """
