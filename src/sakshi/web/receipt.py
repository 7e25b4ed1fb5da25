"""What became of the samples of one push."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class RefusalReason(StrEnum):
    """Why a sample was not taken; in Prometheus' words, where it has them."""

    INVALID_SERIES = "invalid series"
    OUT_OF_ORDER = "out of order sample"
    DUPLICATE = "duplicate sample for timestamp"
    OUT_OF_BOUNDS = "out of bounds"
    UNSUPPORTED = "unsupported"


@dataclass
class Receipt:
    """What one push brought, and what was not taken of it.

    Args:
        samples: that came, those that were refused included.
        refused: how many were not taken, by reason.
        first: of each reason, what was wrong with the first.
    """

    samples: int = 0
    refused: Counter[RefusalReason] = field(default_factory=Counter)
    first: dict[RefusalReason, str] = field(default_factory=dict)

    def refuse(self, reason: RefusalReason, text: str, count: int = 1) -> None:
        """Count samples that were not taken."""
        self.refused[reason] += count
        self.first.setdefault(reason, text)

    @property
    def refused_count(self) -> int:
        """How many samples were not taken."""
        return self.refused.total()

    def __str__(self) -> str:
        """Return what was not taken, in one line; empty where everything was."""
        if not self.refused:
            return ""
        reasons = "; ".join(
            f"{reason} ({count}): {self.first[reason]}" for reason, count in self.refused.items()
        )
        return f"{self.refused_count} of {self.samples} samples were not taken: {reasons}"
