"""Samples for moments that have passed: which are there already, and which are still taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sakshi.model.clock import Clock, format_timestamp
from sakshi.model.labels import Labels
from sakshi.storage.errors import DuplicateSampleError, OutOfOrderSampleError, StorageError
from sakshi.storage.history import History
from sakshi.storage.span import SpanDirectory
from sakshi.storage.store import Columns, Values
from sakshi.storage.value import ABSENT, is_absent

AHEAD_MS: Final = 600_000  # what lies further in the future came from a clock that was wrong


@dataclass(frozen=True, slots=True)
class SealedRow:
    """What chunks have at one moment.

    Args:
        spans: where was looked.
        values: shape (k,), of the columns that were asked for; ABSENT where there is none.
    """

    spans: SpanDirectory
    values: Values


@dataclass(frozen=True)
class Past:
    """Judges late samples, for all targets of a store.

    Args:
        history: where sealed rows are read.
        window_ms: see `StorageConfig.out_of_order_ms`.
        clock: tells whether a series' newest sample lies in the future.
    """

    history: History
    window_ms: int
    clock: Clock

    def allows(
        self, timestamp_ms: int, target_newest_ms: int, newest_ms: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Tell which series may get a sample that is older than their newest.

        Inside the window all may. Behind it those may whose newest sample lies far in the future:
        the clock was ahead and has come back, and what is measured now must not be dropped until
        it gets there again.

        Args:
            timestamp_ms: of the sample.
            target_newest_ms: the newest sample of any series of the target.
            newest_ms: shape (k,), each series' newest sample.
        """
        if self.window_ms and timestamp_ms >= target_newest_ms - self.window_ms:
            return np.ones(newest_ms.size, np.bool_)
        allowed: NDArray[np.bool_] = newest_ms > self.clock.now_ms() + AHEAD_MS
        return allowed

    def find(
        self, timestamp_ms: int, columns: Columns, families: Columns, spans: SpanDirectory
    ) -> SealedRow:
        """Return the sealed samples of a moment."""
        found = np.full(columns.size, ABSENT)
        for span in spans.within(timestamp_ms, timestamp_ms):
            timestamps = self.history.timestamps(span.id)
            row = -1 if timestamps is None else int(timestamps.searchsorted(timestamp_ms))
            if timestamps is None or row == timestamps.size or timestamps[row] != timestamp_ms:
                continue
            for family in np.unique(families).tolist():
                chunk = self.history.chunk(span.id, family)
                if chunk is None or len(chunk.values) != timestamps.size:
                    continue
                _, ours, theirs = np.intersect1d(columns, chunk.columns, return_indices=True)
                sealed = chunk.values[row, theirs]
                found[ours] = np.where(is_absent(sealed), found[ours], sealed)
        return SealedRow(spans, found)


def refusal(
    series: Labels | None, timestamp_ms: int, newest_ms: int, *, is_other: bool
) -> StorageError:
    """Return the error that says why a late sample is not taken.

    Args:
        series: whose sample.
        timestamp_ms: of the sample.
        newest_ms: when the series' newest sample is.
        is_other: whether the series has another value at that moment.
    """
    moment = format_timestamp(timestamp_ms)
    if is_other:
        return DuplicateSampleError(f"{series} already has another value at {moment}")
    return OutOfOrderSampleError(
        f"{series} has a sample at {format_timestamp(newest_ms)}, "
        f"which is newer than the one given for {moment}"
    )
