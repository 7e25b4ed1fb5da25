"""The seam between those who ask and what answers: the embedded evaluator, or a remote API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sakshi.model.labels import Labels
from sakshi.storage import SeriesList


@dataclass(frozen=True)
class Scalar:
    """One number a step; a string query's answer has no numbers and is a `Text`.

    Args:
        values: shape (steps,), float64.
    """

    values: NDArray[np.float64]


@dataclass(frozen=True)
class Text:
    """The answer to a query that is a string literal."""

    value: str


@dataclass(frozen=True)
class Vector:
    """Series with one value a step, or none.

    Args:
        series: n label sets; no two alike at the same step.
        values: shape (steps, n), float64; where `present` is False the number means nothing.
        present: shape (steps, n), or None where every series has a value at every step.
        nameless: shape (n,), or one truth for all: which series lose their metric name when the
            query is done; in an answer, none has one to lose.
    """

    series: SeriesList
    values: NDArray[np.float64]
    present: NDArray[np.bool_] | None = None
    nameless: NDArray[np.bool_] | bool = False

    def holding(
        self, values: NDArray[np.float64], present: NDArray[np.bool_] | None = None
    ) -> Vector:
        """Return other values of the same series."""
        return Vector(self.series, values, present, self.nameless)

    def at(self, step: int = 0) -> list[tuple[Labels, float]]:
        """Return the series that have a value at a step, with that value, in the answer's order."""
        row = self.values[step]
        if self.present is None:
            return list(zip(self.series, row.tolist(), strict=True))
        return [
            (self.series[index], float(row[index]))
            for index in np.flatnonzero(self.present[step]).tolist()
        ]


@dataclass(frozen=True)
class SeriesSamples:
    """The samples of one series: timestamps (n,) int64 milliseconds, values (n,) float64; n > 0."""

    labels: Labels
    timestamps: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """The answer to an instant query for a range vector."""

    series: Sequence[SeriesSamples]


@dataclass(frozen=True)
class QueryStatistics:
    """What a query read.

    Args:
        samples_per_step: shape (steps,), int64: samples that were read for each step.
        samples_held: at most, at one moment.
    """

    samples_per_step: NDArray[np.int64]
    samples_held: int


@dataclass(frozen=True)
class QueryResult:
    """An answer, with what the engine wants to say about it.

    Args:
        steps: shape (steps,), int64: evaluation times in milliseconds; one for an instant query.
        value: a range query answers Scalar or Vector only.
        warnings: texts; the answer may be incomplete or wrong.
        infos: texts; the query is probably not what was meant.
        statistics: None where they were not asked for, or nobody counts.
    """

    steps: NDArray[np.int64]
    value: Scalar | Text | Vector | Samples
    warnings: Sequence[str] = field(default=())
    infos: Sequence[str] = field(default=())
    statistics: QueryStatistics | None = None


class QueryEngine(Protocol):
    """Answers PromQL. Blocking; safe to call from any thread."""

    def instant(
        self,
        query: str,
        at_ms: int,
        *,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
        counts_samples: bool = False,
    ) -> QueryResult:
        """Return the value of a query at one moment.

        Args:
            query: PromQL.
            at_ms: milliseconds since the epoch.
            timeout_seconds: a shorter deadline than the engine's own.
            lookback_ms: above zero: how old a sample may be for an instant vector, exclusive;
                None: as old as the engine's own lookback.
            counts_samples: whether `statistics` are wanted: they cost a second look at all of it.

        Raises:
            QueryError: the query is wrong, too large, too slow, or the data does not allow it.
        """

    def range(
        self,
        query: str,
        start_ms: int,
        end_ms: int,
        step_ms: int,
        *,
        timeout_seconds: float | None = None,
        lookback_ms: int | None = None,
        counts_samples: bool = False,
    ) -> QueryResult:
        """Return the value of a query at start_ms, start_ms + step_ms, ... up to end_ms, inclusive.

        The arguments are those of `instant`.

        Raises:
            QueryError: as for `instant`; also where the expression is a range vector or a string.
        """


@runtime_checkable
class PassEngine(QueryEngine, Protocol):
    """Answers queries that come together, reading once what several read; for one thread."""

    def forget(self, metric_name: str) -> None:
        """Read anew whatever may hold series of this name: there are new samples of them."""

    def end_pass(self) -> None:
        """Read everything anew: the queries that follow are of another pass."""
