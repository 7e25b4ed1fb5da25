"""What a query may cost, and the account that is kept of it.

A query is stopped, never the server: numbers are bounded by `Budget.charge` before they pile up,
time by `Budget.check`, which the evaluator calls between blocks of steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event
from typing import Final

from sakshi.model.clock import Clock
from sakshi.promql.errors import QueryLimitError, QueryTimeoutError


@dataclass(frozen=True)
class EvaluationLimits:
    """What one query may cost.

    Args:
        samples: numbers a query may read from the store and make on the way to its answer;
            Prometheus' `--query.max-samples`. At 8 bytes each they are 400 MB.
        points_per_series: steps of a range query; Prometheus' API: a week, a point a minute.
        timeout_seconds: wall time; Prometheus' `--query.timeout`.
        block_cells: numbers of a vector that are computed at once, steps times series: 8 MB, a few
            milliseconds of arithmetic, so that deadlines are seen and intermediates stay small. An
            answer of one block is not copied: half as many made range queries slower.
        transient_cells: numbers that one operator may lay out beside its operands: twenty
            times a block, 80 MB. Only operands that fit badly need more (buckets of very unequal
            histograms, values that differ everywhere).
        label_characters: characters of the label values that a query's functions may make: a
            thousand for each of ten thousand series.
        pairs: series that a binary operator may pair: many more than there are on either side
            come of a match group that has hundreds on both.
        answer_bytes: of an answer, as JSON: five million numbers. A quarter of what all callers
            together may leave unread (`web/connection.py`).
        parsed_queries: syntax trees kept: the rules and panels of a large installation.
        joined_lists: series lists kept that join several targets' series: one for each selector
            that is asked again and again.
    """

    samples: int = 50_000_000
    points_per_series: int = 11_000
    timeout_seconds: float = 120.0
    block_cells: int = 1_000_000
    transient_cells: int = 10_000_000
    label_characters: int = 10_000_000
    pairs: int = 1_000_000
    answer_bytes: int = 128 << 20
    parsed_queries: int = 5_000
    joined_lists: int = 2_000


POINT_BYTES_MIN: Final = 8  # `[0,"1"],`: no number of an answer takes less

DEFAULT_LIMITS: Final = EvaluationLimits()


class Budget:
    """The account of one running query.

    Args:
        clock: its `monotonic` is asked.
        limits: what the query may cost.
        timeout_seconds: a shorter deadline than the limits'; None: theirs.
        stop: set where no query may go on.
    """

    def __init__(
        self,
        clock: Clock,
        limits: EvaluationLimits,
        timeout_seconds: float | None = None,
        stop: Event | None = None,
    ) -> None:
        allowed = limits.timeout_seconds
        if timeout_seconds is not None:
            allowed = min(allowed, timeout_seconds)
        self.limits = limits
        self.timeout_seconds = allowed
        self.samples = 0
        self.label_characters = 0
        self._clock = clock
        self._stop = stop or Event()
        self._deadline = clock.monotonic() + allowed

    def check(self) -> None:
        """Go on, or stop the query.

        Raises:
            QueryTimeoutError: the deadline passed, or sakshi is shutting down.
        """
        if self._stop.is_set():
            raise QueryTimeoutError("query stopped: sakshi is shutting down")
        if self._clock.monotonic() >= self._deadline:
            raise QueryTimeoutError(
                f"query timed out: it was not done after {self.timeout_seconds:g} s"
            )

    def watch(self, cells: int) -> None:
        """Go on reading, which has brought so many numbers that are not charged yet, or stop.

        Raises:
            QueryTimeoutError: as of `check`.
            QueryLimitError: with them the query holds more than its limit.
        """
        self.check()
        self._limit(self.samples + cells)

    def admit(self, cells: int) -> None:
        """Allow an operator to lay out so many numbers for a moment, or stop the query.

        Raises:
            QueryLimitError: it may not.
        """
        if cells > self.limits.transient_cells:
            raise QueryLimitError(
                f"an operator of the query would need {cells:,} numbers at once, of which "
                f"{self.limits.transient_cells:,} are allowed"
            )

    def write(self, size: int) -> None:
        """Go on writing an answer that has so many bytes already, or stop the query.

        Raises:
            QueryTimeoutError: as of `check`.
            QueryLimitError: it is larger than its limit.
        """
        self.check()
        if size > self.limits.answer_bytes:
            raise QueryLimitError(
                f"the answer would have more than {self.limits.answer_bytes:,} bytes; "
                "select fewer series, or take a longer step"
            )

    def admit_answer(self, numbers: int) -> None:
        """Allow an answer to have so many numbers, or stop the query before they are arranged.

        Raises:
            QueryTimeoutError: as of `check`.
            QueryLimitError: the answer would be larger than its limit.
        """
        self.write(numbers * POINT_BYTES_MIN)

    def charge(self, samples: int) -> None:
        """Note numbers that the query is about to hold.

        Raises:
            QueryLimitError: with them it holds more than its limit.
        """
        self.samples += samples
        self._limit(self.samples)

    def _limit(self, samples: int) -> None:
        if samples > self.limits.samples:
            raise QueryLimitError(
                "query processing would load too many samples into memory: "
                f"{samples:,}, of which {self.limits.samples:,} are allowed"
            )

    def charge_text(self, characters: int) -> None:
        """Note characters of a label value that the query is about to make.

        Raises:
            QueryLimitError: with them it makes more than its limit.
        """
        self.label_characters += characters
        if self.label_characters > self.limits.label_characters:
            raise QueryLimitError(
                f"query processing would make {self.label_characters:,} characters of label "
                f"values, of which {self.limits.label_characters:,} are allowed"
            )
