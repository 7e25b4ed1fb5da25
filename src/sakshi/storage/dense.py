"""Loose samples of one target, put into matrices that have few holes.

What was scraped together has the same timestamps, and becomes one matrix. Series whose timestamps
have little in common stand in matrices of their own: one for all would be nearly empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sakshi.storage.store import Columns, Timestamps, Values
from sakshi.storage.value import ABSENT

ROWS_MAX: Final = 512  # of a matrix: who reads an hour decodes no day; 120 would take a tenth more
FILLED_MIN: Final = 0.5  # of a matrix, more than that: two strangers have just so much in common
CANDIDATES_MAX: Final = 8  # that a group is tried against: what is alike follows each other


@dataclass(frozen=True, slots=True)
class DenseRows:
    """Rows of one target.

    Args:
        timestamps: shape (n,), increasing.
        columns: shape (k,), increasing.
        values: shape (n, k); ABSENT where there is no sample.
    """

    timestamps: Timestamps
    columns: Columns
    values: Values


@dataclass(frozen=True, slots=True)
class _Cluster:
    """Runs of samples, a run a series, that stand in one matrix."""

    timestamps: Timestamps
    runs: Sequence[int]
    sample_count: int

    def joined(self, other: _Cluster) -> _Cluster | None:
        """Return both in one, or None where that would be too empty."""
        timestamps = np.union1d(self.timestamps, other.timestamps)
        count = self.sample_count + other.sample_count
        width = len(self.runs) + len(other.runs)
        if count <= FILLED_MIN * timestamps.size * width:
            return None
        return _Cluster(timestamps, [*self.runs, *other.runs], count)


def arrange(columns: Columns, timestamps: Timestamps, values: Values) -> Iterator[DenseRows]:
    """Yield all samples as matrices of at most `ROWS_MAX` rows.

    Args:
        columns: shape (n,), increasing; each a run.
        timestamps: shape (n,), strictly increasing in each run.
        values: shape (n,).
    """
    if not columns.size:
        return
    starts = np.flatnonzero(np.diff(columns, prepend=columns[0] - 1))
    ends = np.append(starts[1:], columns.size)
    for cluster in _find_clusters(timestamps, starts, ends):
        runs = np.array(sorted(cluster.runs), np.intp)
        matrix = np.full((cluster.timestamps.size, runs.size), ABSENT)
        for slot, run in enumerate(runs.tolist()):
            part = slice(starts[run], ends[run])
            matrix[cluster.timestamps.searchsorted(timestamps[part]), slot] = values[part]
        for first in range(0, cluster.timestamps.size, ROWS_MAX):
            rows = slice(first, first + ROWS_MAX)
            yield DenseRows(cluster.timestamps[rows], columns[starts[runs]], matrix[rows])


def _find_clusters(
    timestamps: Timestamps, starts: NDArray[np.intp], ends: NDArray[np.intp]
) -> list[_Cluster]:
    alike: dict[bytes, list[int]] = {}
    for run, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        alike.setdefault(timestamps[start:end].tobytes(), []).append(run)
    clusters: list[_Cluster] = []
    for runs in alike.values():
        moments = timestamps[starts[runs[0]] : ends[runs[0]]]
        _place(clusters, _Cluster(moments, runs, len(runs) * moments.size))
    return clusters


def _place(clusters: list[_Cluster], new: _Cluster) -> None:
    """Join a cluster to one of the last, or let it stand alone."""
    for position in range(len(clusters) - 1, max(len(clusters) - 1 - CANDIDATES_MAX, -1), -1):
        joined = clusters[position].joined(new)
        if joined is not None:
            clusters[position] = joined
            return
    clusters.append(new)
