"""The seams of the storage: who appends samples, and who selects them.

All samples of one scrape share a timestamp, so samples come and go as rows of a target: a
**target** is whatever appends many series at one time: a scrape target, a rule group, a pushing
sender. Its recent past is one vector of timestamps and one matrix of values, a column a series:

                  up   requests_total{code="200"}   requests_total{code="500"}
    12:00:00.000   1                         4711                            3
    12:00:01.000   1                         4719                       ABSENT
    12:00:02.000   0                        STALE                       ABSENT

Invariants, held by tests/contract for every implementation:

- The samples of a series that are selected are strictly increasing in time.
- What `append` accepted is visible to every `select` that begins afterwards.
- What was appended before `commit` was called survives a kill -9 and a power cut once it returned
  (for a store that has a disk).
- Arrays handed out are never changed afterwards: a reader needs no lock.
- Values are kept bit by bit: NaN payloads, -0.0 and infinities come back as they went in.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher

Timestamps = NDArray[np.int64]
Values = NDArray[np.float64]
Columns = NDArray[np.intp]


class SeriesList(Sequence[Labels]):
    """An immutable list of label sets, with a memo for what is derived from it.

    The same selection yields the same object for as long as its series do not change, so that
    groupings and matchings, once computed, are found again in `memo`.
    """

    __slots__ = ("_labels", "memo")

    def __init__(self, labels: Sequence[Labels]) -> None:
        self._labels = tuple(labels)
        self.memo: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        return len(self._labels)

    def __iter__(self) -> Iterator[Labels]:
        return iter(self._labels)

    def __getitem__(self, index: Any) -> Any:
        return self._labels[index]


@dataclass(frozen=True)
class SeriesColumns:
    """Samples of series that share their timestamps: some columns of one target.

    Args:
        series: k label sets, one a column.
        timestamps: shape (n,), int64, milliseconds since the epoch, strictly increasing.
        values: shape (n, k), float64. `ABSENT` where a series has no sample at that time,
            `STALE_MARKER` where it ended. Read-only by agreement.
        has_gaps: whether any value may be ABSENT or a stale marker; False promises that none is.
    """

    series: SeriesList
    timestamps: Timestamps
    values: Values
    has_gaps: bool = True


class TargetAppender(Protocol):
    """Appends the rows of one target. Safe to call from any thread."""

    def columns(self, series: Sequence[Labels]) -> Columns:
        """Return the column of each series, new ones being made; stable for the store's lifetime.

        Args:
            series: full label sets, with metric name and target labels; no two alike.

        Returns:
            Shape (len(series),), the position of each series in this target; -1 where the store has
            too many series for a new one (`StorageConfig.series_max`): what is appended to it is
            dropped, and its neighbours are kept.
        """

    def append(self, timestamp_ms: int, columns: Columns, values: Values) -> None:
        """Append one sample to each of these columns, all or none of them.

        An exact repetition (same series, moment and value bits) is accepted and changes nothing.

        Args:
            timestamp_ms: milliseconds since the epoch. May lie before other series' newest sample,
                before or at the newest one of a series named here only inside
                `StorageConfig.out_of_order_ms`, or where that one lies far in the future.
            columns: shape (k,), from `columns`; no column twice.
            values: shape (k,), float64; a `STALE_MARKER` ends its series.

        Raises:
            OutOfOrderSampleError: a named series has a newer sample, and this one is too late.
            DuplicateSampleError: a named series has another value at this moment.
            ForgottenColumnError: a column was held without samples, far longer than they are kept,
                while its target got very many others.
        """


class Appender(Protocol):
    """Takes samples in."""

    def target(self, labels: Labels) -> TargetAppender:
        """Return the appender of the target with this identity; the same one for equal labels."""

    def commit(self) -> None:
        """Return once everything appended before the call is durable. Blocks on the disk.

        Raises:
            StorageFullError: the disk refused. Samples stay readable in memory, and the next
                commit tries them again.
        """


Watch: TypeAlias = Callable[[int], None]
"""Told again and again, while samples are looked for and read, how many numbers that has brought so
far; raises what ends it."""


def unwatched(_cells: int) -> None:
    """Let everything be read."""


class Querier(Protocol):
    """Gives samples out. Safe to call from any thread; no appender and no reader waits for it."""

    def select(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        watch: Watch = unwatched,
    ) -> Sequence[SeriesColumns]:
        """Return the samples of all series that meet every matcher, in [start_ms, end_ms], closed.

        What `watch` raises passes through, and ends the selection early.

        A series appears in exactly one `SeriesColumns`. Series without any sample in the range may
        be left out; columns without any row are. Empty where nothing matches.
        """

    def series(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        watch: Watch = unwatched,
    ) -> Sequence[Labels]:
        """Return the label sets of the series that `select` would return, sorted, without samples.

        May include a series whose samples lie near the range but not in it.
        """


@dataclass(frozen=True)
class Progress:
    """How far a store's samples are durable.

    Args:
        committed: by target, the moment up to which its rows are; a target without any is not
            there.
        late_id: of the last `LateSamples`; 0 where there never were any.
    """

    committed: Mapping[Labels, int]
    late_id: int = 0


@dataclass(frozen=True)
class LateSamples:
    """Samples of one moment that became durable when their target's rows were, up to a later one.

    Args:
        id: larger than that of everything that became durable before.
        target: its identity.
        timestamp_ms: of all of them.
        series: k label sets.
        values: shape (k,); none is ABSENT.
    """

    id: int
    target: Labels
    timestamp_ms: int
    series: Sequence[Labels]
    values: Values


class Journal(Protocol):
    """Gives samples out in the order in which they became durable: to whoever passes them on.

    A target's rows come in the order of their times, up to `Progress.committed`. What becomes
    durable for a moment up to there comes as `LateSamples`. So who has read all rows up to a
    `Progress`, and all late samples, has read every sample that was durable then. Safe to call from
    any thread.
    """

    def progress(self) -> Progress:
        """Return how far samples are durable.

        Late samples that are asked for afterwards include all that became durable before any row
        that this counts.
        """

    def backlog(self, after: Mapping[Labels, int]) -> int:
        """Return about how many durable samples are newer than a moment of their target.

        Args:
            after: the moment, by target; of a target that is not named, everything counts.
        """

    def read_target(
        self, target: Labels, after_ms: int, end_ms: int, samples_max: int
    ) -> SeriesColumns | None:
        """Return the oldest rows of a target in (after_ms, end_ms], whole; None: there is none.

        Args:
            target: its identity; one that is not known has no rows.
            after_ms: exclusive.
            end_ms: inclusive.
            samples_max: so many samples at most, unless a single row has more.
        """

    def late_samples(self, after_id: int, count_max: int) -> Sequence[LateSamples]:
        """Return the oldest late samples with a larger id, at most so many.

        Only a store with `StorageConfig.keeps_late` keeps any; they expire as all samples do.
        """

    def forget_late(self, id: int) -> None:
        """Forget late samples up to an id: everybody has read them.

        Raises:
            StorageFullError: the disk refused; they stay.
        """


class Store(Appender, Querier, Journal, Protocol):
    """A whole store: what `app` opens, hands out, expires and closes."""

    def expire(self, before_ms: int) -> int:
        """Forget samples older than `before_ms`, at once or soon; return how many rows went."""

    def delete_series(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> int:
        """Delete the samples of all series that meet every matcher; return of how many series.

        They are in no answer to what is asked afterwards, and for a store that has a disk, not
        after a restart either. A series of which nothing is left is not listed any more. What is
        appended later is there, unless it comes late into a range that was deleted.

        Args:
            matchers: as in `select`.
            start_ms: first moment, inclusive.
            end_ms: last moment, inclusive.

        Raises:
            StorageFullError: the disk refused; nothing was deleted.
        """

    def statistics(self) -> StoreStatistics:
        """Return what the store holds, for sakshi's own metrics and the status page."""

    def close(self) -> None:
        """Commit and release files; the store is unusable afterwards. Calling twice is harmless."""


@dataclass(frozen=True)
class StoreStatistics:
    """What a store holds.

    Args:
        series: label sets with at least one sample that has not expired.
        samples: samples appended since the store was opened, stale markers included.
        targets: targets known.
        oldest_ms: timestamp of the oldest sample; None for an empty store.
        newest_ms: timestamp of the newest sample; None for an empty store.
        commits: transactions since the store was opened.
        disk_bytes: size of the files; 0 for a store in memory.
        lost_samples: samples given up since the store was opened, because the disk refused for
            longer than memory lasts.
        damaged_records: log records and chunks that were left out since the store was opened,
            because their checksum was wrong.
        refused_series: how often a new series was refused since the store was opened, because
            there were too many.
        refusals: the same, by target.
        damaged_files: databases that could not be read when the store was opened, and were set
            aside: everything in them is missing.
    """

    series: int
    samples: int
    targets: int
    oldest_ms: int | None
    newest_ms: int | None
    commits: int = 0
    disk_bytes: int = field(default=0)
    lost_samples: int = 0
    damaged_records: int = 0
    damaged_files: int = 0
    refused_series: int = 0
    refusals: Mapping[Labels, int] = field(default_factory=dict)
