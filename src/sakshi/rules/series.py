"""Writes what a rule yields as rows of its group's target, and ends series that vanish.

A rule's rows are visible before the next rule of the group is evaluated. A series that the rule
yielded the last time and does not now gets one stale marker. A rule that fails writes nothing: its
series lapse by the lookback, as in Prometheus, and the marker comes with its next success.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from sakshi.model.labels import Labels
from sakshi.storage import (
    STALE_MARKER,
    DuplicateSampleError,
    OutOfOrderSampleError,
    StorageError,
    TargetAppender,
)
from sakshi.storage.store import Columns, Values

NO_COLUMNS: Final = np.empty(0, np.intp)

_logger = logging.getLogger(__name__)


class SeriesWriter:
    """The series of one rule.

    Args:
        appender: of the group's target.
        previous: series to end if the next result lacks them.
    """

    def __init__(self, appender: TargetAppender, previous: Iterable[Labels] = ()) -> None:
        self._appender = appender
        self._previous = frozenset(previous)
        self._columns: dict[Labels, int] = {}
        self._written: tuple[list[Labels], Columns] = ([], NO_COLUMNS)
        self._is_refused = False

    def write(self, timestamp_ms: int, rows: Mapping[Labels, float]) -> int:
        """Append a rule's result; return how many samples the storage refused.

        Two rules of a group may record the same series; the one that comes later is then refused.

        Args:
            timestamp_ms: milliseconds since the epoch.
            rows: series, by full label set, and their values.
        """
        known, columns = self._written
        series = [*rows]
        if not series or series != known:
            ended = sorted(self._previous - rows.keys())
            self._previous = frozenset(rows)
            series += ended
            columns = self._find_columns(series)
            for labels in ended:
                del self._columns[labels]
            self._written = (series, columns) if not ended else ([], NO_COLUMNS)
        if not series:
            return 0
        values = np.full(len(series), STALE_MARKER)
        values[: len(rows)] = list(rows.values())
        try:
            self._appender.append(timestamp_ms, columns, values)
        except (DuplicateSampleError, OutOfOrderSampleError):
            return self._write_singly(timestamp_ms, columns, values, len(rows))
        except StorageError as error:
            self._note_refused(error)
            return len(rows)
        self._is_refused = False
        return 0

    def _write_singly(
        self,
        timestamp_ms: int,
        columns: Columns,
        values: Values,
        row_count: int,
    ) -> int:
        """Append one sample after the other, so that one that is refused does not stop the rest."""
        refused = 0
        for index in range(len(columns)):
            try:
                one = slice(index, index + 1)
                self._appender.append(timestamp_ms, columns[one], values[one])
            except (DuplicateSampleError, OutOfOrderSampleError) as error:
                if index < row_count:  # a stale marker is refused where another rule goes on
                    refused += 1
                    self._note_refused(error)
        return refused

    def _note_refused(self, error: StorageError) -> None:
        """Log the first refusal of a run of them: the metric counts them all."""
        if not self._is_refused:
            _logger.warning("rule samples refused error=%r", str(error))
        self._is_refused = True

    def _find_columns(self, series: Sequence[Labels]) -> Columns:
        new = [labels for labels in series if labels not in self._columns]
        if new:
            found = self._appender.columns(new).tolist()
            self._columns.update(zip(new, found, strict=True))
        return np.array([self._columns[labels] for labels in series], dtype=np.intp)
