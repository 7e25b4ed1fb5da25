"""PromQL's four types of value."""

from __future__ import annotations

from enum import StrEnum


class ValueType(StrEnum):
    """PromQL's four types; the values are the HTTP API's words."""

    SCALAR = "scalar"
    STRING = "string"
    VECTOR = "vector"
    MATRIX = "matrix"

    @property
    def noun(self) -> str:
        """The type as the documentation calls it, with its article: `an instant vector`."""
        return _NOUNS[self]


_NOUNS = {
    ValueType.SCALAR: "a scalar",
    ValueType.STRING: "a string",
    ValueType.VECTOR: "an instant vector",
    ValueType.MATRIX: "a range vector",
}
