"""The syntax tree of a query: frozen nodes, each with the place where it stands in the text.

Expressions have one of four types, known without evaluation (`Expr.type`): scalar, string, instant
vector, range vector. `str(node)` prints canonical PromQL that parses to an equal tree: positions do
not take part in equality.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import ClassVar, Final, TypeAlias

from sakshi.model.matcher import Matcher
from sakshi.promql.function import SIGNATURES
from sakshi.promql.value_type import ValueType as ValueType

DURATION_FIELDS: Final = ("range_ms", "step_ms", "offset_ms")
"""The fields of nodes that hold a `Duration`."""


@dataclass(frozen=True)
class Span:
    """Where a node stands in the query: character offsets [start, end), 0-based."""

    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Expr:
    """A node that has a value."""

    span: Span = field(compare=False, repr=False)

    @property
    def type(self) -> ValueType:
        """What the expression evaluates to; known without data."""
        raise NotImplementedError

    @property
    def children(self) -> tuple[Expr, ...]:
        """The expressions directly below, in the order of the text; empty for literals."""
        return ()

    @cached_property
    def is_resolved(self) -> bool:
        """Whether all durations in it are known, remembered: none depends on the query."""
        own = (getattr(self, name, None) for name in DURATION_FIELDS)
        return not any(isinstance(duration, Expr) for duration in own) and all(
            child.is_resolved for child in self.children
        )

    @cached_property
    def text(self) -> str:
        """Canonical PromQL as `str` gives it, remembered: equal trees have equal texts."""
        return str(self)

    def __str__(self) -> str:
        """Return canonical PromQL, in one line, that parses to an equal tree."""
        from sakshi.promql.printer import print_expr  # it walks these classes: import it late

        return print_expr(self)


def iter_nodes(expr: Expr) -> Iterator[Expr]:
    """Yield an expression and all below it, depth first, each before its children, left to right.

    It uses no recursion: any depth is safe.
    """
    pending = [expr]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(node.children))


@dataclass(frozen=True)
class NumberLiteral(Expr):
    """`42`, `1e-3`, `0x1F`, `Inf`, `NaN`; a duration such as `5m` is its seconds.

    Two are equal where they are written alike: NaN equals NaN, and 0 is not -0 (1/0 is not 1/-0).
    """

    type: ClassVar[ValueType] = ValueType.SCALAR
    value: float
    is_duration: bool = False

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NumberLiteral):
            return NotImplemented
        return self._written == other._written

    def __hash__(self) -> int:
        return hash(self._written)

    @property
    def _written(self) -> tuple[str, bool]:
        return repr(float(self.value)), self.is_duration


@dataclass(frozen=True)
class StringLiteral(Expr):
    """`"text"`, `'text'` or `` `raw` ``, unescaped."""

    type: ClassVar[ValueType] = ValueType.STRING
    value: str


class TimeAnchor(StrEnum):
    """`@ start()` and `@ end()`."""

    START = "start"
    END = "end"


class Extension(StrEnum):
    """What a range does with the samples around its edges."""

    ANCHORED = "anchored"  # it begins with the last sample at or before its left edge
    SMOOTHED = "smoothed"  # it begins and ends with values between the samples at its edges


Duration: TypeAlias = int | Expr
"""Milliseconds, or a scalar expression in seconds, where it depends on the query's step or range.

`duration.resolved` turns the second into the first; the evaluator meets no other.
"""


@dataclass(frozen=True)
class VectorSelector(Expr):
    """`name{matchers} offset 5m @ 123`: the newest sample of each series within the lookback.

    Args:
        matchers: at least one of them does not match the empty string; the metric name is one.
        offset_ms: how far back; negative looks forward.
        at: absolute time in milliseconds, or the query's start or end; None: the evaluation time.
        extension: of the range that the selector has; SMOOTHED too where it has none.
    """

    type: ClassVar[ValueType] = ValueType.VECTOR
    matchers: tuple[Matcher, ...]
    offset_ms: Duration = 0
    at: int | TimeAnchor | None = None
    extension: Extension | None = None


@dataclass(frozen=True)
class MatrixSelector(Expr):
    """`selector[5m]`: the samples of each series in (t - range, t].

    Args:
        selector: holds offset, @ and extension; its span leaves out the range and what follows.
        range_ms: above zero.
    """

    type: ClassVar[ValueType] = ValueType.MATRIX
    selector: VectorSelector
    range_ms: Duration

    @property
    def children(self) -> tuple[Expr, ...]:
        """The selector."""
        return (self.selector,)


def extension_of(expr: Expr) -> Extension | None:
    """Return what a range, in parentheses or not, does with the samples around its edges."""
    while isinstance(expr, Parenthesis):
        expr = expr.expr
    return expr.selector.extension if isinstance(expr, MatrixSelector) else None


@dataclass(frozen=True)
class Subquery(Expr):
    """`expr[1h:5m]`: the expression at every multiple of the step in (t - range, t].

    Args:
        expr: an instant vector.
        range_ms: above zero.
        step_ms: above zero; None: the engine's default, the global evaluation interval.
        offset_ms: as a selector's.
        at: as a selector's.
    """

    type: ClassVar[ValueType] = ValueType.MATRIX
    expr: Expr
    range_ms: Duration
    step_ms: Duration | None = None
    offset_ms: Duration = 0
    at: int | TimeAnchor | None = None

    @property
    def children(self) -> tuple[Expr, ...]:
        """The expression inside."""
        return (self.expr,)


@dataclass(frozen=True)
class Call(Expr):
    """`rate(x[5m])`: `function` is a name in the table of functions."""

    function: str
    arguments: tuple[Expr, ...]

    @property
    def type(self) -> ValueType:
        """What the function returns."""
        return SIGNATURES[self.function].return_type

    @property
    def children(self) -> tuple[Expr, ...]:
        """The arguments."""
        return self.arguments


@dataclass(frozen=True)
class Aggregation(Expr):
    """`sum by (job) (x)`, `topk(5, x)`.

    Args:
        operator: `sum`, `topk`, ..., in lower case.
        expr: an instant vector.
        parameter: of topk, bottomk, quantile, limitk, limit_ratio (a scalar) and count_values (a
            string); None for all others.
        grouping: label names.
        without: whether `grouping` is what to drop instead of what to keep.
    """

    type: ClassVar[ValueType] = ValueType.VECTOR
    operator: str
    expr: Expr
    parameter: Expr | None = None
    grouping: tuple[str, ...] = ()
    without: bool = False

    @property
    def children(self) -> tuple[Expr, ...]:
        """The parameter, if any, and the operand."""
        return (self.expr,) if self.parameter is None else (self.parameter, self.expr)


class Cardinality(StrEnum):
    """Which side of a vector matching may have several series."""

    ONE_TO_ONE = "one-to-one"
    MANY_TO_ONE = "many-to-one"  # group_left
    ONE_TO_MANY = "one-to-many"  # group_right
    MANY_TO_MANY = "many-to-many"  # and, or, unless


@dataclass(frozen=True)
class VectorMatching:
    """How series of both sides find each other.

    Args:
        on: whether `labels` are those compared (`on`) or those left out (`ignoring`).
        labels: label names.
        include: labels that group_left or group_right copies from the one side.
        fill_left: the value of a series that the left side lacks; None: there is no result.
        fill_right: the same for the right side.
    """

    cardinality: Cardinality = Cardinality.ONE_TO_ONE
    on: bool = False
    labels: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    fill_left: float | None = None
    fill_right: float | None = None


@dataclass(frozen=True)
class Binary(Expr):
    """`left operator right`.

    Args:
        operator: `+ - * / % ^ atan2 == != > < >= <= and or unless`.
        return_bool: whether `bool` makes a comparison answer 0 or 1 instead of filtering.
        matching: None where a side is a scalar; else never None.
    """

    operator: str
    left: Expr
    right: Expr
    return_bool: bool = False
    matching: VectorMatching | None = None

    @cached_property
    def type(self) -> ValueType:
        """A scalar where both sides are, else an instant vector."""
        if self.left.type is self.right.type is ValueType.SCALAR:
            return ValueType.SCALAR
        return ValueType.VECTOR

    @property
    def children(self) -> tuple[Expr, ...]:
        """Both sides."""
        return (self.left, self.right)


@dataclass(frozen=True)
class Unary(Expr):
    """`-x` or `+x`."""

    operator: str
    expr: Expr

    @cached_property
    def type(self) -> ValueType:
        """The operand's."""
        return self.expr.type

    @property
    def children(self) -> tuple[Expr, ...]:
        """The expression inside."""
        return (self.expr,)


@dataclass(frozen=True)
class Parenthesis(Expr):
    """`(x)`."""

    expr: Expr

    @cached_property
    def type(self) -> ValueType:
        """The operand's."""
        return self.expr.type

    @property
    def children(self) -> tuple[Expr, ...]:
        """The expression inside."""
        return (self.expr,)
