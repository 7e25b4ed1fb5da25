"""The syntax tree of a query: frozen nodes, each with the place where it stands in the text.

Expressions have one of four types, known without evaluation (`Expr.type`): scalar, string, instant
vector, range vector. `str(node)` prints canonical PromQL that parses to an equal tree: positions do
not take part in equality.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from sakshi.model.matcher import Matcher


class ValueType(StrEnum):
    """PromQL's four types; the values are the HTTP API's words."""

    SCALAR = "scalar"
    STRING = "string"
    VECTOR = "vector"
    MATRIX = "matrix"


@dataclass(frozen=True)
class Span:
    """Where a node stands in the query: character offsets [start, end), 0-based."""

    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Expr:
    """A node that has a value."""

    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class NumberLiteral(Expr):
    """`42`, `1e-3`, `0x1F`, `Inf`, `NaN`; a duration such as `5m` is its seconds."""

    value: float
    is_duration: bool = False


@dataclass(frozen=True)
class StringLiteral(Expr):
    """`"text"`, `'text'` or `` `raw` ``, unescaped."""

    value: str


class TimeAnchor(StrEnum):
    """`@ start()` and `@ end()`."""

    START = "start"
    END = "end"


@dataclass(frozen=True)
class VectorSelector(Expr):
    """`name{matchers} offset 5m @ 123`: the newest sample of each series within the lookback.

    Args:
        matchers: at least one of them does not match the empty string; the metric name is one.
        offset_ms: how far back; negative looks forward.
        at: absolute time in milliseconds, or the query's start or end; None: the evaluation time.
    """

    matchers: tuple[Matcher, ...]
    offset_ms: int = 0
    at: int | TimeAnchor | None = None


@dataclass(frozen=True)
class MatrixSelector(Expr):
    """`selector[5m]`: the samples of each series in (t - range, t]. Offset and @ are the selector's."""

    selector: VectorSelector
    range_ms: int


@dataclass(frozen=True)
class Subquery(Expr):
    """`expr[1h:5m]`: the expression at every multiple of the step in (t - range, t].

    Args:
        expr: an instant vector or scalar.
        range_ms: above zero.
        step_ms: None: the engine's default, the global evaluation interval.
    """

    expr: Expr
    range_ms: int
    step_ms: int | None = None
    offset_ms: int = 0
    at: int | TimeAnchor | None = None


@dataclass(frozen=True)
class Call(Expr):
    """`rate(x[5m])`: `function` is a name in the table of functions."""

    function: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True)
class Aggregation(Expr):
    """`sum by (job) (x)`, `topk(5, x)`.

    Args:
        operator: `sum`, `topk`, ...
        expr: the instant vector.
        parameter: of topk, bottomk, quantile, count_values, limitk, limit_ratio; else None.
        grouping: label names.
        without: whether `grouping` is what to drop instead of what to keep.
    """

    operator: str
    expr: Expr
    parameter: Expr | None = None
    grouping: tuple[str, ...] = ()
    without: bool = False


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
    """

    cardinality: Cardinality = Cardinality.ONE_TO_ONE
    on: bool = False
    labels: tuple[str, ...] = ()
    include: tuple[str, ...] = ()


@dataclass(frozen=True)
class Binary(Expr):
    """`left operator right`.

    Args:
        operator: `+ - * / % ^ atan2 == != > < >= <= and or unless`.
        return_bool: whether `bool` makes a comparison answer 0 or 1 instead of filtering.
        matching: None where a side is a scalar.
    """

    operator: str
    left: Expr
    right: Expr
    return_bool: bool = False
    matching: VectorMatching | None = None


@dataclass(frozen=True)
class Unary(Expr):
    """`-x` or `+x`."""

    operator: str
    expr: Expr


@dataclass(frozen=True)
class Parenthesis(Expr):
    """`(x)`."""

    expr: Expr
