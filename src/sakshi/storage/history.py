"""What a reader sees of rows that left memory: the seam between selections and the disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sakshi.storage.store import Columns, Timestamps, Values


@dataclass(frozen=True, slots=True)
class Chunk:
    """The sealed samples of one metric family of one target: part of a span.

    Args:
        columns: shape (k,), increasing.
        values: shape (n, k), a row for each timestamp of the span.
        has_gaps: whether any value is ABSENT or a stale marker.
    """

    columns: Columns
    values: Values
    has_gaps: bool


class History(Protocol):
    """Reads sealed rows. Safe to call from any thread; may wait for the disk's reads."""

    def timestamps(self, span_id: int) -> Timestamps | None:
        """Return the timestamps of a span; None where it is damaged, or has expired."""

    def chunk(self, span_id: int, family: int) -> Chunk | None:
        """Return a family's part of a span; None where there is none, or it is damaged."""


class NoHistory:
    """The history of a store in memory: nothing ever left it."""

    def timestamps(self, span_id: int) -> Timestamps | None:
        """Never be asked."""
        raise AssertionError(f"span {span_id} of a store that seals nothing")

    def chunk(self, span_id: int, family: int) -> Chunk | None:
        """Never be asked."""
        raise AssertionError(f"span {span_id} of a store that seals nothing")
