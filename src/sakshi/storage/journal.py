"""Reading one target in the order of time, a few rows at a time: for whoever passes samples on.

    ...  span 7        span 8        memory
         ├──────────┤  ├──────────┤  ├─────── committed
              after ──▶├───┤                      a read: the oldest rows, within one span

A read reaches over one span at most, so that a backlog of hours is never in memory as a whole.
"""

from __future__ import annotations

import numpy as np

from sakshi.storage.history import History
from sakshi.storage.selection import Group
from sakshi.storage.store import SeriesColumns, Timestamps, unwatched
from sakshi.storage.taken import TargetView
from sakshi.storage.target import TargetHead
from sakshi.storage.window import Tally, read_group


def read_oldest(
    group: Group, after_ms: int, end_ms: int, samples_max: int, history: History
) -> SeriesColumns | None:
    """Return the oldest rows of a target in (after_ms, end_ms]: see `Journal.read_target`.

    Args:
        group: all series of the target.
        after_ms: exclusive.
        end_ms: inclusive.
        samples_max: of all rows together, unless it is one.
        history: where rows are read that left memory.
    """
    while after_ms < end_ms:
        view = group.target.view()
        spans = view.spans.within(after_ms + 1, end_ms)
        part_end_ms = min([end_ms, *(span.end_ms for span in spans)])
        living = group.target.lives_within(group.columns, after_ms + 1, part_end_ms)
        width = int(np.count_nonzero(living))
        moments = _find_moments(view, after_ms + 1, part_end_ms, history)
        if moments.size and width:
            last = min(moments.size, max(1, samples_max // width)) - 1
            part_end_ms = int(moments[last])
            found = read_group(group, after_ms + 1, part_end_ms, history, Tally(unwatched))
            if found is not None:
                return found
        after_ms = part_end_ms
    return None


def count_after(target: TargetHead, after_ms: int) -> int:
    """Return about how many durable samples of a target are newer than a moment."""
    if target.committed_ms <= after_ms:
        return 0
    view = target.view()
    spans = view.spans.table
    rows = int(spans[spans[:, 2] > after_ms, 3].sum())
    first, end = view.rows.timestamps.searchsorted([after_ms, target.committed_ms], "right")
    return (rows + int(end - first)) * target.known_columns().size


def _find_moments(view: TargetView, start_ms: int, end_ms: int, history: History) -> Timestamps:
    """Return when a target has rows in [start_ms, end_ms], in memory and in spans; sorted."""
    parts = [view.rows.timestamps]
    for span in view.spans.within(start_ms, end_ms):
        timestamps = history.timestamps(span.id)
        if timestamps is not None:
            parts.append(timestamps)
    moments = np.unique(np.concatenate(parts))
    first, end = moments.searchsorted(start_ms, "left"), moments.searchsorted(end_ms, "right")
    return moments[first:end]
