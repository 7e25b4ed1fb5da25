"""What a target hands out: rows to those who write them to the disk, views to those who read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sakshi.model.labels import Labels
from sakshi.storage.deletion import Deletions
from sakshi.storage.matrix import MatrixView
from sakshi.storage.span import SpanDirectory
from sakshi.storage.store import Columns, Timestamps, Values


@dataclass(frozen=True, slots=True)
class Patch:
    """Samples that came late, or for a row that was in the log already; shapes (k,)."""

    timestamp_ms: int
    columns: Columns
    values: Values


@dataclass(frozen=True, slots=True)
class NewColumn:
    """A series that the disk does not know yet."""

    column: int
    labels: Labels
    family: int
    first_ms: int


@dataclass(frozen=True, slots=True)
class TakenRows:
    """What a commit writes of one target: rows (n,) and (n, width), the column in each slot."""

    timestamps: Timestamps
    values: Values
    columns: Columns
    layout: int
    patches: Sequence[Patch]
    new_columns: Sequence[NewColumn]


@dataclass(frozen=True, slots=True)
class TargetView:
    """A target at one moment, for a reader: rows in memory, spans on disk, what is deleted."""

    rows: MatrixView
    spans: SpanDirectory
    deletions: Deletions
