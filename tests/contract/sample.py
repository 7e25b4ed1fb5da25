"""Samples of a few series, appended to a store and read back, for the laws of every store."""

from __future__ import annotations

import numpy as np

from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, MatchOperator
from sakshi.storage import (
    Store,
    TargetAppender,
    is_absent,
)

START_MS = 1_700_000_000_000
TARGET = Labels({"job": "chat", "instance": "a"})
EVERYTHING = Matcher("__name__", MatchOperator.NOT_EQUAL, "")

Samples = dict[Labels, list[tuple[int, int]]]


def series(name: str, **labels: str) -> Labels:
    return Labels({"__name__": name, **TARGET, **labels})


UP, HITS, MISSES = series("up"), series("hits_total"), series("misses_total")


def bits(value: float) -> int:
    """A value's 64 bits: NaNs compare, and zeros have a sign."""
    return int(np.float64(value).view(np.uint64))


def append(target: TargetAppender, at_ms: int, samples: dict[Labels, float]) -> None:
    columns = target.columns(list(samples))
    target.append(START_MS + at_ms, columns, np.array(list(samples.values())))


def read(
    store: Store, *matchers: Matcher, start_ms: int = -(10**6), end_ms: int = 10**7
) -> Samples:
    """Return (time since START_MS, value bits) of each series that has a sample in the range."""
    found: Samples = {}
    for columns in store.select(matchers or [EVERYTHING], START_MS + start_ms, START_MS + end_ms):
        assert columns.values.shape == (len(columns.timestamps), len(columns.series))
        assert len(columns.timestamps) > 0
        assert (np.diff(columns.timestamps) > 0).all()
        for index, labels in enumerate(columns.series):
            assert labels not in found, "a series appears once"
            column = columns.values[:, index]
            there = ~is_absent(column)
            moments = (columns.timestamps[there] - START_MS).tolist()
            values = column[there].view(np.uint64).tolist()
            if moments:
                found[labels] = list(zip(moments, values, strict=True))
    return found


def samples(*pairs: tuple[int, float]) -> list[tuple[int, int]]:
    return [(at_ms, bits(value)) for at_ms, value in pairs]
