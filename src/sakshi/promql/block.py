"""What the implementation of a function or operator is given: the block of steps at hand.

A query's steps are evaluated in blocks, all steps of a block at once. An implementation asks its
block for the values of its arguments and answers with a value for every step of the block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from sakshi.model.matcher import Matcher
from sakshi.promql.annotation import Annotations
from sakshi.promql.ast import Call, Expr
from sakshi.promql.duration import QueryTimes
from sakshi.promql.engine import Scalar, Text, Vector
from sakshi.promql.extended import ExtendedKernel
from sakshi.promql.limit import Budget
from sakshi.promql.window import Kernel
from sakshi.storage.store import Timestamps, Values

Value: TypeAlias = Scalar | Text | Vector
"""What an expression other than a range vector amounts to, at every step of a block."""


class Block(Protocol):
    """Some consecutive steps of a query or subquery, and the values of expressions at them."""

    @property
    def times(self) -> Timestamps:
        """The steps, shape (steps,), int64 milliseconds; at least one."""

    @property
    def query_times(self) -> QueryTimes:
        """Where the query starts and ends."""

    @property
    def annotations(self) -> Annotations:
        """Where to say what does not stop the query."""

    def vector(self, expr: Expr) -> Vector:
        """Return the value of an instant vector expression."""

    def scalar(self, expr: Expr) -> Values:
        """Return the value of a scalar expression, shape (steps,)."""

    def text(self, expr: Expr) -> str:
        """Return the value of a string expression."""

    @property
    def budget(self) -> Budget:
        """What the query may cost: to be asked before numbers are laid out."""

    def windows(
        self, expr: Expr, kernel: Kernel, samples_min: int = 1, parameters: Sequence[Values] = ()
    ) -> Vector:
        """Return a range function's value of a range vector expression, metric names kept."""

    def extended(self, expr: Expr, kernel: ExtendedKernel) -> Vector:
        """Return a function's value of an anchored or smoothed range, metric names kept."""

    def sample_times(self, expr: Expr) -> Vector:
        """Return the times, in seconds, of the samples that a vector expression consists of."""

    def times_beside(self, expr: Expr, matchers: tuple[Matcher, ...]) -> Vector:
        """Return the times of other series' newest samples, where an expression's are looked for.

        In seconds; offset and @ are those of the first selector in the expression.
        """


Implementation: TypeAlias = Callable[[Block, Call], Value]
"""Evaluates a call; its arguments are as the function's signature says."""
