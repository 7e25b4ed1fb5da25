"""Pushed samples, sorted into rows and appended; what a row's series refuse is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sakshi.model.clock import format_timestamp
from sakshi.storage import (
    DuplicateSampleError,
    OutOfOrderSampleError,
    TargetAppender,
    is_absent,
)
from sakshi.storage.store import Columns, Timestamps, Values
from sakshi.web.parameter import TIME_MS_MAX
from sakshi.web.receipt import Receipt, RefusalReason
from sakshi.web.received_series import ReceivedSeries, split_place

AHEAD_MS_MAX: Final = 600_000  # of sakshi's clock; Prometheus' maxAheadTime

_COLUMN_MASK: Final = (1 << 32) - 1


def append_rows(
    series: ReceivedSeries,
    places: NDArray[np.int64],
    timestamps: Timestamps,
    values: Values,
    owners: NDArray[np.intp],
    receipts: Sequence[Receipt],
    now_ms: int,
) -> None:
    """Append samples in the order of their times; note in the receipts what is refused.

    Args:
        series: gave the places.
        places: shape (n,).
        timestamps: shape (n,).
        values: shape (n,), bit by bit.
        owners: shape (n,), the position in `receipts` of each sample's.
        receipts: of the pushes.
        now_ms: by sakshi's clock.
    """
    values = _measured(values)
    within = (timestamps <= now_ms + AHEAD_MS_MAX) & (timestamps >= -TIME_MS_MAX)
    for index in np.flatnonzero(~within).tolist():
        receipts[owners[index]].refuse(RefusalReason.OUT_OF_BOUNDS, _bounds(timestamps[index]))
    targets = places >> 32
    kept = np.flatnonzero(within)
    order = kept[np.lexsort((timestamps[kept], targets[kept]))]
    ends = (np.diff(targets[order]) != 0) | (np.diff(timestamps[order]) != 0)
    for part in np.split(order, np.flatnonzero(ends) + 1):
        if part.size:
            number, _ = split_place(int(places[part[0]]))
            columns = (places[part] & _COLUMN_MASK).astype(np.intp)
            row = _Row(series.target(number), int(timestamps[part[0]]), receipts)
            row.append(columns, values[part], owners[part])


@dataclass(frozen=True)
class _Row:
    target: TargetAppender
    timestamp_ms: int
    receipts: Sequence[Receipt]

    def append(self, columns: Columns, values: Values, owners: NDArray[np.intp]) -> None:
        """Append samples, of which some may be of the same series."""
        distinct, first = np.unique(columns, return_index=True)
        if distinct.size < columns.size:
            again = np.ones(columns.size, np.bool_)
            again[first] = False
            first = np.sort(first)
            self._halve(columns[first], values[first], owners[first])
            self.append(columns[again], values[again], owners[again])
        else:
            self._halve(columns, values, owners)

    def _halve(self, columns: Columns, values: Values, owners: NDArray[np.intp]) -> None:
        """Append samples, or each half of them, down to those that are refused."""
        try:
            self.target.append(self.timestamp_ms, columns, values)
        except (OutOfOrderSampleError, DuplicateSampleError) as error:
            if columns.size == 1:
                self.receipts[owners[0]].refuse(_reason(error), str(error))
                return
            middle = columns.size // 2
            self._halve(columns[:middle], values[:middle], owners[:middle])
            self._halve(columns[middle:], values[middle:], owners[middle:])


def _reason(error: Exception) -> RefusalReason:
    is_duplicate = isinstance(error, DuplicateSampleError)
    return RefusalReason.DUPLICATE if is_duplicate else RefusalReason.OUT_OF_ORDER


def _measured(values: Values) -> Values:
    """Return values without the NaN that the store takes for none at all; nobody measures it."""
    holes = is_absent(values)
    return np.where(holes, np.nan, values) if holes.any() else values


def _bounds(timestamp_ms: np.int64) -> str:
    if int(timestamp_ms) < -TIME_MS_MAX:
        return f"{timestamp_ms} ms is more than 285,000 years ago"
    minutes = AHEAD_MS_MAX // 60_000
    moment = int(timestamp_ms)
    shown = format_timestamp(moment) if moment < _SHOWN_MS_MAX else f"{moment} ms"
    return f"{shown} is more than {minutes} minutes ahead of sakshi's clock"


_SHOWN_MS_MAX: Final = 253_402_300_800_000  # the year 10000
