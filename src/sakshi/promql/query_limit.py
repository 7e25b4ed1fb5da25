"""How large a query's text and its tree may be.

A limit is reached by a program that went wrong or by an attacker, never by a person: the queries of
published dashboards and rule sets stay far below each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LENGTH_MAX: Final = 32_768
"""Characters: twice what VictoriaMetrics allows (16 KiB). A text of that length is cut into tokens
and parsed in some 30 ms."""

OPERATORS_MAX: Final = 1_000
"""Unary and binary operators. Each is at least one pass over all selected series, at every step."""

REGEXES_MAX: Final = 100
"""Matchers with a regular expression. RE2 takes 20 us for a usual one, but 100 ms and 4 MB for
`\\pL{300}`: a text full of those would take minutes."""

DEPTH_MAX: Final = 100
"""Levels of the tree. Whoever walks it recursively has 1,000 Python frames, so about 8 a level.

Rules in the wild nest less than 30 levels. Operators in a row nest too: `a + b + c` is
`(a + b) + c`, so that a chain of a hundred operators has a hundred levels.
"""


@dataclass(frozen=True)
class QueryLimits:
    """The largest query that `parse_query` accepts; beyond it raises QueryLimitError.

    Args:
        length_max: characters of the text.
        operators_max: unary and binary operators in the text.
        regexes_max: matchers `=~` and `!~` in the text.
        depth_max: levels of the tree; a lone literal or selector has one. The parser needs up to
            five Python frames a level: above 150 it may run out of stack itself.
    """

    length_max: int = LENGTH_MAX
    operators_max: int = OPERATORS_MAX
    regexes_max: int = REGEXES_MAX
    depth_max: int = DEPTH_MAX


DEFAULT_LIMITS: Final = QueryLimits()
