"""Which spans of a target's rows are on disk, sealed, and when each begins and ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Span:
    """Rows of one target that were sealed together; both ends are inclusive."""

    id: int
    start_ms: int
    end_ms: int
    row_count: int


@dataclass(frozen=True)
class SpanDirectory:
    """The spans of one target, in order of sealing. Immutable: a reader keeps what it saw.

    A span may reach back into older ones: a late row is sealed with the rows that it arrived among.

    Args:
        table: shape (n, 4), int64: id, start_ms, end_ms, row_count.
    """

    table: NDArray[np.int64]

    @classmethod
    def of(cls, spans: Sequence[Span]) -> Self:
        """Return the directory of these spans."""
        rows = [(span.id, span.start_ms, span.end_ms, span.row_count) for span in spans]
        return cls(np.array(rows, np.int64).reshape(-1, 4))

    def __len__(self) -> int:
        return len(self.table)

    @property
    def start_ms(self) -> int | None:
        """When the oldest row is; None where there is none."""
        return int(self.table[:, 1].min()) if len(self.table) else None

    @cached_property
    def end_ms(self) -> int | None:
        """When the newest row is; None where there is none."""
        return int(self.table[:, 2].max()) if len(self.table) else None

    def within(self, start_ms: int, end_ms: int) -> list[Span]:
        """Return the spans that may have rows in [start_ms, end_ms], both inclusive."""
        newest_ms = self.end_ms
        if newest_ms is None or newest_ms < start_ms:  # most look at what is in memory
            return []
        touching = (self.table[:, 2] >= start_ms) & (self.table[:, 1] <= end_ms)
        return [Span(*row) for row in self.table[touching].tolist()]

    def before(self, before_ms: int) -> list[Span]:
        """Return the spans that end before a moment."""
        return [Span(*row) for row in self.table[self.table[:, 2] < before_ms].tolist()]

    def plus(self, *spans: Span) -> SpanDirectory:
        """Return the directory with more spans."""
        return SpanDirectory(np.concatenate([self.table, SpanDirectory.of(spans).table]))

    def since(self, before_ms: int) -> SpanDirectory:
        """Return the directory without the spans that end before a moment."""
        return SpanDirectory(self.table[self.table[:, 2] >= before_ms])


NO_SPANS = SpanDirectory.of(())
