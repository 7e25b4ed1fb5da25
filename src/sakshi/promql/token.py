"""Tokens: the words of a query, and which of them are keywords.

A token's kind is one of the seven constants below, or, for symbols and keywords, the symbol or the
keyword in lower case: `(`, `=~`, `and`, `sum`. Keywords are recognised in any case and only outside
of braces and brackets; most of them are also good names for a metric or a label.
"""

from __future__ import annotations

from typing import Final, NamedTuple

IDENTIFIER: Final = "IDENTIFIER"
NUMBER: Final = "NUMBER"
DURATION: Final = "DURATION"
STRING: Final = "STRING"
BAD_NUMBER: Final = "BAD_NUMBER"  # begins like a number or duration, and is none
OPEN_STRING: Final = "OPEN_STRING"  # a quote that is never closed
UNKNOWN: Final = "UNKNOWN"  # a character that no token begins with
END: Final = "END"  # after the last character; its text is empty

AGGREGATORS: Final = frozenset(
    {"avg", "count", "group", "max", "min", "stddev", "stdvar", "sum"}
    | {"bottomk", "count_values", "limit_ratio", "limitk", "quantile", "topk"}
)
OPERATOR_WORDS: Final = frozenset({"and", "or", "unless", "atan2"})
MODIFIERS: Final = frozenset(
    {"offset", "by", "without", "on", "ignoring", "group_left", "group_right", "bool"}
    | {"anchored", "smoothed"}
)
NUMBER_WORDS: Final = frozenset({"inf", "nan"})
KEYWORDS: Final = AGGREGATORS | OPERATOR_WORDS | MODIFIERS

METRIC_KEYWORDS: Final = KEYWORDS - {
    "atan2", "bool", "group_left", "group_right", "ignoring", "on",
}  # fmt: skip
"""Keywords that may stand for a metric of that name: `sum + by` adds two metrics.

Source:
    prometheus/prometheus promql/parser/generated_parser.y, metric_identifier.
"""

LABEL_KEYWORDS: Final = KEYWORDS - {"without"}
"""Keywords that may stand for a label of that name in `by (...)` and its like.

Source:
    prometheus/prometheus promql/parser/generated_parser.y, maybe_label (which lacks `without`).
"""


class Token(NamedTuple):
    """A word of a query.

    Args:
        kind: what it is; see the module.
        text: as it stands in the query, quotes included.
        start: character offset of its first character, 0-based.
    """

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Character offset after its last character."""
        return self.start + len(self.text)
