"""What can be wrong with a query.

SakshiError
└── QueryError
    ├── QuerySyntaxError    the text is not PromQL, or its types do not fit; has a position
    ├── QueryEvaluationError  the data does not allow it: many-to-many matching, ...
    │   └── QueryTypeError  a range query of what has no value at each step
    ├── QueryLimitError     more samples, points, length or depth than allowed
    └── QueryTimeoutError   the deadline passed
"""

from __future__ import annotations

from typing import Self

from sakshi.model.errors import SakshiError


class QueryError(SakshiError):
    """Root of the query errors."""


class QuerySyntaxError(QueryError):
    """The text is not PromQL: `1:17: expected a duration after "[", found "x"`.

    Args:
        line: 1-based.
        column: 1-based, in characters.
        expected: in words.
        found: the offending token or text.
    """

    def __init__(self, line: int, column: int, expected: str, found: str) -> None:
        self.line, self.column, self.expected, self.found = line, column, expected, found
        super().__init__(f"{line}:{column}: expected {expected}, found {found}")

    @classmethod
    def at(cls, text: str, offset: int, expected: str, found: str) -> Self:
        r"""Return the error at a place in a text.

        Args:
            text: the whole query.
            offset: of the offending character in it, 0-based; `len(text)` is the end.
            expected: in words.
            found: the offending token or text.

        Example:
            >>> str(QuerySyntaxError.at("a\n+ )", 4, "an expression", '")"'))
            '2:3: expected an expression, found ")"'
        """
        line = text.count("\n", 0, offset) + 1
        return cls(line, offset - text.rfind("\n", 0, offset), expected, found)


class QueryEvaluationError(QueryError):
    """The data does not allow what the query asks; the message says which series are in the way."""


class QueryTypeError(QueryEvaluationError):
    """A range query asks for a range vector or a string."""


class QueryLimitError(QueryError):
    """The query asks for more than a limit allows; the message names limit and value."""


class QueryTimeoutError(QueryError):
    """The query ran into its deadline and was stopped."""
