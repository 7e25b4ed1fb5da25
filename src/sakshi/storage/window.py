"""Reading a time range of a group of columns: from memory, from chunks, from several targets.

The usual case costs no copy: the range lies in memory, the columns stand side by side, and what is
handed out is a slice of the target's matrix. Where the range reaches into sealed spans, the parts
are put together; where two targets have the same series, its samples are merged.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sakshi.storage.history import History
from sakshi.storage.matrix import MatrixView
from sakshi.storage.selection import Group
from sakshi.storage.span import Span
from sakshi.storage.store import SeriesColumns, Timestamps, Values, Watch
from sakshi.storage.value import ABSENT, is_absent, is_gap, is_stale


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a group: timestamps (n,), values (n, k)."""

    timestamps: Timestamps
    values: Values
    has_gaps: bool


class Tally:
    """Counts the numbers that one selection reads.

    Args:
        watch: told of the count before what is counted is laid out.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._cells = 0

    def add(self, cells: int) -> None:
        """Count so many more; raises what ends the selection."""
        self._cells += cells
        self._watch(self._cells)


def read_group(
    group: Group, start_ms: int, end_ms: int, history: History, tally: Tally
) -> SeriesColumns | None:
    """Return the group's samples in [start_ms, end_ms], both inclusive; None where it has none."""
    living = group.target.lives_within(group.columns, start_ms, end_ms)
    if not living.all():
        if not living.any():
            return None
        group = group.subset(living)
    part = _read(group, start_ms, end_ms, history, tally)
    if part is None:
        return None
    return SeriesColumns(group.series, part.timestamps, part.values, part.has_gaps)


def read_shared(
    groups: Sequence[Group], start_ms: int, end_ms: int, history: History, tally: Tally
) -> SeriesColumns | None:
    """Return the samples of series that several targets have; None where they have none.

    At one moment a measured value counts more than a stale marker, then the older target's sample
    more than the younger's.

    Args:
        groups: one for each target, oldest first; of the same series in the same order.
        start_ms: first moment, inclusive.
        end_ms: last moment, inclusive.
        history: where sealed rows are read.
        tally: counts what is read.
    """
    living = np.logical_or.reduce(
        [group.target.lives_within(group.columns, start_ms, end_ms) for group in groups]
    )
    if not living.any():
        return None
    if not living.all():
        groups = [group.subset(living) for group in groups]
    found = [_read(group, start_ms, end_ms, history, tally) for group in groups]
    parts = [part for part in found if part is not None]
    if not parts:
        return None
    # In a merge, what comes first wins.
    ended = [_with_holes(part, ~is_stale(part.values)) for part in parts if part.has_gaps]
    measured = [_with_holes(part, is_stale(part.values)) for part in parts]
    merged = _without_empty_rows(_merge([*measured, *ended]))
    if not merged.timestamps.size:
        return None
    return SeriesColumns(groups[0].series, merged.timestamps, merged.values, merged.has_gaps)


def _read(group: Group, start_ms: int, end_ms: int, history: History, tally: Tally) -> Part | None:
    """Return the group's rows in [start_ms, end_ms]; None where it has none."""
    view = group.target.view()
    parts = [
        part
        for span in view.spans.within(start_ms, end_ms)
        if (part := _read_span(group, span, start_ms, end_ms, history, tally)) is not None
    ]
    recent = _read_rows(group, view.rows, start_ms, end_ms)
    tally.add(recent.values.size)
    if recent.timestamps.size:
        parts.append(recent)
    if not parts:
        return None
    part = parts[0] if len(parts) == 1 else _join(parts)
    hidden = view.deletions.hide(group.columns, part.timestamps, part.values)
    return part if hidden is None else Part(part.timestamps, hidden, True)


def _read_rows(group: Group, rows: MatrixView, start_ms: int, end_ms: int) -> Part:
    first = int(rows.timestamps.searchsorted(start_ms, "left"))
    end = int(rows.timestamps.searchsorted(end_ms, "right"))
    timestamps = rows.timestamps[first:end]
    slots, complete = group.slots(rows)
    if complete:
        return Part(timestamps, rows.values[first:end, slots], rows.has_gaps(slots, first, end))
    assert not isinstance(slots, slice)
    values = np.full((timestamps.size, slots.size), ABSENT)
    there = np.flatnonzero(slots >= 0)
    values[:, there] = rows.values[first:end, slots[there]]
    return Part(timestamps, values, True)


def _read_span(
    group: Group, span: Span, start_ms: int, end_ms: int, history: History, tally: Tally
) -> Part | None:
    timestamps = history.timestamps(span.id)
    if timestamps is None:
        return None
    first, end = timestamps.searchsorted(start_ms, "left"), timestamps.searchsorted(end_ms, "right")
    if first == end:
        return None
    tally.add(int(end - first) * group.columns.size)
    values = np.full((int(end - first), group.columns.size), ABSENT)
    has_gaps = False
    edges = [0, *(np.flatnonzero(np.diff(group.families)) + 1).tolist(), group.columns.size]
    for left, right in itertools.pairwise(edges):
        chunk = history.chunk(span.id, int(group.families[left]))
        wanted = group.columns[left:right]
        if chunk is None or len(chunk.values) != timestamps.size:
            has_gaps = True
        elif np.array_equal(chunk.columns, wanted):
            values[:, left:right] = chunk.values[first:end]
            has_gaps = has_gaps or chunk.has_gaps
        else:
            common, ours, theirs = np.intersect1d(
                wanted, chunk.columns, assume_unique=True, return_indices=True
            )
            values[:, left + ours] = chunk.values[first:end, theirs]
            has_gaps = has_gaps or chunk.has_gaps or common.size < wanted.size
    return Part(timestamps[first:end], values, has_gaps)


def _join(parts: Sequence[Part]) -> Part:
    """Put parts one after the other; merge them where they overlap in time."""
    follow = all(
        int(before.timestamps[-1]) < int(after.timestamps[0])
        for before, after in itertools.pairwise(parts)
    )
    if not follow:
        return _merge(parts)
    return Part(
        np.concatenate([part.timestamps for part in parts]),
        np.concatenate([part.values for part in parts]),
        any(part.has_gaps for part in parts),
    )


def _merge(parts: Sequence[Part]) -> Part:
    """Interleave parts by time; where several have a moment, the first part's values win."""
    timestamps = np.unique(np.concatenate([part.timestamps for part in parts]))
    values = np.full((timestamps.size, parts[0].values.shape[1]), ABSENT)
    for part in reversed(parts):
        rows = timestamps.searchsorted(part.timestamps)
        values[rows] = np.where(is_absent(part.values), values[rows], part.values)
    return Part(timestamps, values, bool(is_gap(values).any()))


def _with_holes(part: Part, holes: np.typing.NDArray[np.bool_]) -> Part:
    if not holes.any():
        return part
    return Part(part.timestamps, np.where(holes, ABSENT, part.values), True)


def _without_empty_rows(part: Part) -> Part:
    if not part.has_gaps:
        return part
    there = ~is_absent(part.values).all(axis=1)
    return part if there.all() else Part(part.timestamps[there], part.values[there], True)
