"""The root of sakshi's errors, and the shape of every complaint about bad input.

    SakshiError            what sakshi raises on purpose; each package has a tree of its own below
    └── BadInputError      a query, file, exposition or request is wrong: says where and how

Programmer errors are assertions. The world failing (a timeout, a full disk) is caught at the rim
and becomes data: `up 0`, a retry, a metric.
"""

from __future__ import annotations

from dataclasses import dataclass


class SakshiError(Exception):
    """Root of every error that sakshi raises on purpose."""


@dataclass(frozen=True)
class Problem:
    """One complaint about bad input, complete enough to act on.

    Args:
        place: where, as precisely as is known: `sakshi.yml:12:5: kpis[0].unit`, `1:17`.
        expected: what would have been right there, in words.
        found: what stood there instead.
    """

    place: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.place}: expected {self.expected}, found {self.found}"


class BadInputError(SakshiError):
    """Input that a person or a program got wrong, with every problem that was found in it."""

    def __init__(self, *problems: Problem) -> None:
        assert problems, "a BadInputError names at least one problem"
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))
