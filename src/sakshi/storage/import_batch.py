"""What an import brings, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from sakshi.model.labels import Labels
from sakshi.storage.store import Timestamps, Values


@dataclass(frozen=True)
class ImportBatch:
    """Samples of any series at any moments, in any order.

    Args:
        series: k label sets with metric names, no two alike.
        places: shape (n,), the position in `series` of each sample's.
        timestamps: shape (n,), int64, milliseconds since the epoch.
        values: shape (n,), float64, bit by bit.
    """

    series: Sequence[Labels]
    places: NDArray[np.intp]
    timestamps: Timestamps
    values: Values

    def __len__(self) -> int:
        return self.timestamps.size

    def only(self, chosen: NDArray[np.bool_]) -> ImportBatch:
        """Return the batch of some of the samples; `chosen` has shape (n,)."""
        return ImportBatch(
            self.series, self.places[chosen], self.timestamps[chosen], self.values[chosen]
        )


class ImportRefusal(StrEnum):
    """Why a sample was not imported."""

    INVALID_SERIES = "invalid series"
    TOO_MANY_SERIES = "too many series"
    DUPLICATE = "duplicate sample for timestamp"
    DELETED = "deleted"
    TOO_OLD = "older than the retention"
    OUT_OF_BOUNDS = "out of bounds"
    UNSUPPORTED = "unsupported"


@dataclass
class ImportOutcome:
    """What became of samples: each was taken, was there already, or was refused.

    Args:
        taken: that are new, and durable.
        known: that were there already, with the same bits.
        refused: how many were not taken, by reason.
        first: of each reason, what was wrong with the first.
    """

    taken: int = 0
    known: int = 0
    refused: Counter[ImportRefusal] = field(default_factory=Counter)
    first: dict[ImportRefusal, str] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        """How many came."""
        return self.taken + self.known + self.refused.total()

    def refuse(self, reason: ImportRefusal, text: str, count: int = 1) -> None:
        """Count samples that were not taken."""
        if count:
            self.refused[reason] += count
            self.first.setdefault(reason, text)

    def add(self, other: ImportOutcome) -> None:
        """Count what became of others, too."""
        self.taken += other.taken
        self.known += other.known
        for reason, count in other.refused.items():
            self.refuse(reason, other.first[reason], count)
