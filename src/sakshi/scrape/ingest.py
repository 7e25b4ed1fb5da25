"""Turns what a scrape brought into rows of its target.

One scrape is one row: a column for each exposed series, a stale marker for each that is gone, and
the five series that the scrape itself makes:

    up  scrape_duration_seconds  scrape_samples_scraped  scrape_samples_post_metric_relabeling
    scrape_series_added

As long as the layout of the exposition stays, the columns stay, and a scrape is one copy and one
`append`. Invariants, as in Prometheus:

- A series gets exactly one stale marker after its last sample: when a scrape no longer has it, or
  fails. None is written at shutdown: whoever restarts within the lookback sees no gap.
- Series with explicit timestamps get no stale markers.
- A series that is exposed twice in one scrape keeps its first sample; the others are counted as
  duplicates, and the scrape succeeds. (Prometheus 3 does the same.)
- Which labels a series has, after merging and `metric_relabel_configs`, and whether they are within
  the limits, is asked once, when its line is new: a layout that stays costs nothing.
- Samples that the storage refuses, mostly because they are older than their series' newest, are
  counted and dropped; the rest is kept. A row whose `up` it refuses is dropped whole: the wall
  clock stepped back a little. (Where it was far ahead before, the storage takes what is older.)

Where a target exposes one of the five under its own identity, the scrape's own value wins.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sakshi.exposition import LabelPairs, Layout, Reading
from sakshi.model.labels import METRIC_NAME, Labels
from sakshi.scrape.errors import LimitError
from sakshi.scrape.exemplar import ExemplarSink
from sakshi.scrape.metrics import DropReason, ScrapeMetrics
from sakshi.scrape.series import SeriesLabeler
from sakshi.scrape.target import ScrapeConfig
from sakshi.storage import (
    STALE_MARKER,
    DuplicateSampleError,
    OutOfOrderSampleError,
    TargetAppender,
)
from sakshi.storage.store import Columns, Values

AHEAD_MS_MAX: Final = 600_000  # of explicit timestamps; Prometheus' maxAheadTime

REPORT_NAMES: Final = (
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
)

_DROPPED: Final = -1  # the column of a series that relabelling dropped
_NO_COLUMNS: Final[Columns] = np.empty(0, dtype=np.intp)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Plan:
    """Where the values of one layout go.

    Args:
        columns: shape (n,), the column of each line; `_DROPPED` where relabelling dropped it.
        remaining: how many lines were not dropped.
        plain: shape (k,), the lines that make the row: without timestamp, first of their series.
        plain_columns: shape (k,), their columns.
        row_columns: shape (k + 5,), the columns of the whole row: with the report's.
        timed: the lines with a timestamp of their own.
        duplicates: how many lines repeat the series of another, or pose as the report's.
    """

    columns: Columns
    remaining: int
    plain: NDArray[np.intp]
    plain_columns: Columns
    row_columns: Columns
    timed: NDArray[np.intp]
    duplicates: int


class Ingester:
    """Appends the scrapes of one target.

    Args:
        labels: the target's own, which every series of it carries.
        config: of its job.
        appender: of the target.
        metrics: where drops are counted.
        exemplars: where exemplars go; None: nowhere.
    """

    def __init__(
        self,
        labels: Labels,
        config: ScrapeConfig,
        appender: TargetAppender,
        metrics: ScrapeMetrics,
        exemplars: ExemplarSink | None = None,
    ) -> None:
        self._labels = labels
        self._config = config
        self._labeler = SeriesLabeler(labels, config)
        self._appender = appender
        self._exemplars = exemplars
        self._metrics = metrics
        self._report_columns = appender.columns(
            [labels.updated({METRIC_NAME: name}) for name in REPORT_NAMES]
        )
        self._layout: Layout | None = None
        self._plan = self._make_plan(_NO_COLUMNS, None)
        self._known_columns = _NO_COLUMNS  # of the last scrape that brought anything
        self._live_columns = _NO_COLUMNS  # of the series that owe a stale marker
        self._newest_ms: int | None = None  # of the last row that was taken
        self._is_behind = False

    def accept(
        self, timestamp_ms: int, layout: Layout, reading: Reading, duration_seconds: float
    ) -> None:
        """Append what a successful scrape brought.

        Args:
            timestamp_ms: when the scrape began.
            layout: of the body.
            reading: of the body, by this layout.
            duration_seconds: how long the fetch took.

        Raises:
            LimitError: there is more than the job allows; nothing was appended.
            ScrapeError: relabelling left a series without a name; nothing was appended.
        """
        added = 0 if layout is self._layout else self._learn(layout)
        count, values, plan = len(layout), reading.values, self._plan
        if plan.duplicates:
            self._metrics.drop(DropReason.DUPLICATE, plan.duplicates)
        if plan.timed.size:
            self._append_timed(timestamp_ms, layout, values)
        if reading.exemplars and self._exemplars is not None:
            self._append_exemplars(timestamp_ms, layout, reading, self._exemplars)
        plain = values if plan.plain.size == count else values[plan.plain]
        report = np.array([1.0, duration_seconds, count, plan.remaining, added])
        if self._live_columns is plan.plain_columns:
            row = np.concatenate([plain, report])
            self._append_row(timestamp_ms, plan.row_columns, row)
            return
        gone = np.setdiff1d(self._live_columns, plan.plain_columns)
        columns = np.concatenate([plan.row_columns, gone])
        row = np.concatenate([plain, report, np.full(gone.size, STALE_MARKER)])
        if self._append_row(timestamp_ms, columns, row):
            self._live_columns = plan.plain_columns

    def fail(
        self, timestamp_ms: int, duration_seconds: float, scraped: int = 0, remaining: int = 0
    ) -> None:
        """Append `up 0` and a stale marker for each series that the last scrape had.

        Args:
            timestamp_ms: when the scrape began.
            duration_seconds: until it failed.
            scraped: how many samples it would have brought, where that is why it failed.
            remaining: how many of them were left after relabelling.
        """
        report = np.array([0.0, duration_seconds, scraped, remaining, 0.0])
        columns = np.concatenate([self._report_columns, self._live_columns])
        row = np.concatenate([report, np.full(self._live_columns.size, STALE_MARKER)])
        if self._append_row(timestamp_ms, columns, row):
            self._live_columns = _NO_COLUMNS

    def end(self, timestamp_ms: int) -> None:
        """Append a stale marker for each series, those of the report too: the target is gone.

        Args:
            timestamp_ms: when that was noticed.
        """
        if self._newest_ms is None:
            return
        columns = np.concatenate([self._report_columns, self._live_columns])
        row = np.full(columns.size, STALE_MARKER)
        if self._append_row(max(timestamp_ms, self._newest_ms + 1), columns, row):
            self._live_columns = _NO_COLUMNS

    def _learn(self, layout: Layout) -> int:
        """Plan for a new layout; return how many of its series the last scrape did not have."""
        columns = self._columns_of(layout)
        self._layout = layout
        timestamps_ms = layout.timestamps_ms if self._config.honor_timestamps else None
        self._plan = self._make_plan(columns, timestamps_ms)
        distinct = np.unique(columns[columns != _DROPPED])
        added = np.setdiff1d(distinct, self._known_columns, assume_unique=True).size
        if distinct.size:
            self._known_columns = distinct
        return int(added)

    def _columns_of(self, layout: Layout) -> Columns:
        """Return the column of each line, asking the storage only about new ones."""
        known: dict[LabelPairs, int] = {}
        if self._layout is not None:
            known = dict(zip(self._layout.pairs, self._plan.columns.tolist(), strict=True))
        labels = self._label_new(layout, known)
        distinct = list(dict.fromkeys(label for label in labels.values() if label is not None))
        self._check_samples(layout, known, labels)
        if distinct:
            new = dict(zip(distinct, self._appender.columns(distinct).tolist(), strict=True))
            known.update(
                (pairs, new[label]) for pairs, label in labels.items() if label is not None
            )
        return np.array([known.get(pairs, _DROPPED) for pairs in layout.pairs], dtype=np.intp)

    def _label_new(
        self, layout: Layout, known: Mapping[LabelPairs, int]
    ) -> dict[LabelPairs, Labels | None]:
        """Return the labels of each new line; None where relabelling drops it."""
        labels: dict[LabelPairs, Labels | None] = {}
        for position, pairs in enumerate(layout.pairs):
            if pairs in known or pairs in labels:
                continue
            try:
                labels[pairs] = self._labeler.label(pairs)
            except LimitError as error:
                error.scraped = position + 1
                error.remaining = _remaining(layout.pairs[:position], known, labels)
                raise
        return labels

    def _check_samples(
        self,
        layout: Layout,
        known: Mapping[LabelPairs, int],
        labels: Mapping[LabelPairs, Labels | None],
    ) -> None:
        limit = self._config.sample_limit
        if not limit or len(layout) <= limit:
            return
        remaining = _remaining(layout.pairs, known, labels)
        if remaining > limit:
            message = f"sample limit exceeded (number of samples: {remaining}, limit: {limit})"
            raise LimitError(message, len(layout), remaining)

    def _make_plan(self, columns: Columns, timestamps_ms: Sequence[int | None] | None) -> _Plan:
        is_timed = np.zeros(columns.size, dtype=np.bool_)
        if timestamps_ms is not None:
            is_timed = np.array([timestamp is not None for timestamp in timestamps_ms])
        is_kept = columns != _DROPPED
        candidates = np.flatnonzero(~is_timed & is_kept)
        _, first = np.unique(columns[candidates], return_index=True)
        plain = candidates[np.sort(first)]
        plain = plain[~np.isin(columns[plain], self._report_columns)]
        plain_columns = columns[plain]
        return _Plan(
            columns,
            int(np.count_nonzero(is_kept)),
            plain,
            plain_columns,
            np.concatenate([plain_columns, self._report_columns]),
            np.flatnonzero(is_timed & is_kept),
            candidates.size - plain.size,
        )

    def _append_timed(self, scrape_ms: int, layout: Layout, values: Values) -> None:
        """Append the samples with a timestamp of their own, a row for each moment, oldest first."""
        assert layout.timestamps_ms is not None
        rows: dict[int, dict[int, float]] = {}
        for line in self._plan.timed.tolist():
            timestamp_ms = layout.timestamps_ms[line]
            assert timestamp_ms is not None
            row = rows.setdefault(timestamp_ms, {})
            column = int(self._plan.columns[line])
            if timestamp_ms > scrape_ms + AHEAD_MS_MAX:
                self._metrics.drop(DropReason.TOO_FAR_AHEAD, 1)
            elif column in row:
                self._metrics.drop(DropReason.DUPLICATE, 1)
            else:
                row[column] = float(values[line])
        for timestamp_ms, row in sorted(rows.items()):
            columns = np.fromiter(row.keys(), dtype=np.intp, count=len(row))
            self._append(timestamp_ms, columns, np.fromiter(row.values(), np.float64, len(row)))

    def _append_exemplars(
        self, scrape_ms: int, layout: Layout, reading: Reading, sink: ExemplarSink
    ) -> None:
        """Hand on the exemplars of the series that are kept."""
        is_timed = self._config.honor_timestamps and layout.timestamps_ms is not None
        for position, exemplar in reading.exemplars:
            series = self._labeler.label(layout.pairs[position])
            own_ms = layout.timestamps_ms[position] if is_timed and layout.timestamps_ms else None
            if series is not None:
                sink.append(series, exemplar, scrape_ms if own_ms is None else own_ms)

    def _append_row(self, timestamp_ms: int, columns: Columns, values: Values) -> bool:
        """Append a scrape's row; drop it whole, and say so, where the wall clock stepped back."""
        is_other = timestamp_ms != self._newest_ms  # the clock stands still: a repetition
        if is_other and self._try_append_row(timestamp_ms, columns, values):
            self._newest_ms, self._is_behind = timestamp_ms, False
            return True
        self._metrics.drop(DropReason.OUT_OF_ORDER, columns.size)
        if not self._is_behind:
            log.warning("samples are dropped, the clock is behind target=%s", self._labels)
        self._is_behind = True
        return False

    def _try_append_row(self, timestamp_ms: int, columns: Columns, values: Values) -> bool:
        """Append what the storage takes of a row; nothing where it has a newer `up`.

        The clock is behind then, unless the row is newer than all of ours: then somebody pushed it.
        """
        try:
            self._appender.append(timestamp_ms, columns, values)
        except (OutOfOrderSampleError, DuplicateSampleError):
            if self._newest_ms is not None and timestamp_ms > self._newest_ms:
                self._append(timestamp_ms, columns, values)
                return True
            is_up = columns == self._report_columns[0]
            try:
                self._appender.append(timestamp_ms, columns[is_up], values[is_up])
            except (OutOfOrderSampleError, DuplicateSampleError):
                return False
            self._append(timestamp_ms, columns[~is_up], values[~is_up])
        return True

    def _append(self, timestamp_ms: int, columns: Columns, values: Values) -> None:
        """Append what the storage takes, in halves where it does not take all; count the rest."""
        if not columns.size:
            return
        try:
            self._appender.append(timestamp_ms, columns, values)
        except (OutOfOrderSampleError, DuplicateSampleError) as error:
            if columns.size == 1:
                is_old = isinstance(error, OutOfOrderSampleError)
                self._metrics.drop(DropReason.OUT_OF_ORDER if is_old else DropReason.DUPLICATE, 1)
                return
            middle = columns.size // 2
            self._append(timestamp_ms, columns[:middle], values[:middle])
            self._append(timestamp_ms, columns[middle:], values[middle:])


def _remaining(
    pairs: Sequence[LabelPairs],
    known: Mapping[LabelPairs, int],
    labels: Mapping[LabelPairs, Labels | None],
) -> int:
    """Return how many lines relabelling leaves."""
    return sum(
        labels[line] is not None if line in labels else known[line] != _DROPPED for line in pairs
    )
