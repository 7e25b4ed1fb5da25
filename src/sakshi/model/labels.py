"""Label sets: the identity of a series, an alert or a target."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Self

import orjson

METRIC_NAME: Final = "__name__"
LEGACY_METRIC_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LEGACY_LABEL_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

_ESCAPES: Final = {"\\": "\\\\", "\n": "\\n", '"': '\\"'}


class Labels(Mapping[str, str]):
    """An immutable label set, sorted by name; a label with an empty value is no label.

    Two label sets are equal when their pairs are; they hash and sort by their pairs.

    Example:
        >>> labels = Labels({"__name__": "up", "job": "chat", "zone": ""})
        >>> labels["job"], labels.get("zone", ""), labels.name
        ('chat', '', 'up')
        >>> print(labels)
        up{job="chat"}
    """

    __slots__ = ("_hash", "_json", "pairs")

    pairs: tuple[tuple[str, str], ...]
    """The (name, value) pairs, sorted by name, without empty values."""

    def __init__(self, pairs: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        items = pairs.items() if isinstance(pairs, Mapping) else pairs
        self.pairs = tuple(sorted(pair for pair in items if pair[1]))
        self._hash = hash(self.pairs)

    @classmethod
    def from_sorted(cls, pairs: tuple[tuple[str, str], ...]) -> Self:
        """Return the label set of pairs that are known to be sorted, unique and not empty."""
        labels = cls.__new__(cls)
        labels.pairs = pairs
        labels._hash = hash(pairs)
        return labels

    @property
    def name(self) -> str:
        """The metric name, or the empty string where there is none."""
        return self.get(METRIC_NAME, "")

    @property
    def json(self) -> bytes:
        """The label set as a JSON object, encoded once: it is asked for again and again."""
        try:
            return self._json
        except AttributeError:
            self._json: bytes = orjson.dumps(dict(self.pairs))
            return self._json

    def without(self, names: Iterable[str]) -> Labels:
        """Return the label set less the labels of these names."""
        dropped = frozenset(names)
        return Labels.from_sorted(tuple(pair for pair in self.pairs if pair[0] not in dropped))

    def without_name(self) -> Labels:
        """Return the label set less the metric name."""
        return Labels.from_sorted(tuple(pair for pair in self.pairs if pair[0] != METRIC_NAME))

    def only(self, names: Iterable[str]) -> Labels:
        """Return the labels of these names, where present."""
        kept = frozenset(names)
        return Labels.from_sorted(tuple(pair for pair in self.pairs if pair[0] in kept))

    def updated(self, changes: Mapping[str, str]) -> Labels:
        """Return the label set with these labels set; an empty value removes the label."""
        return Labels({**dict(self.pairs), **changes})

    def __getitem__(self, name: str) -> str:
        for label_name, value in self.pairs:
            if label_name == name:
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Labels):
            return self.pairs == other.pairs
        return NotImplemented

    def __lt__(self, other: Labels) -> bool:
        return self.pairs < other.pairs

    def __str__(self) -> str:
        """Return the label set as PromQL writes it: `name{a="x", b="y"}`."""
        name = self.name
        rest = ", ".join(
            f"{format_label_name(label)}={quote_value(value)}"
            for label, value in self.pairs
            if label != METRIC_NAME or not LEGACY_METRIC_NAME.fullmatch(name)
        )
        if LEGACY_METRIC_NAME.fullmatch(name):
            return f"{name}{{{rest}}}" if rest else name
        return f"{{{rest}}}"

    def __repr__(self) -> str:
        return f"Labels({dict(self.pairs)!r})"


EMPTY_LABELS: Final = Labels()


def quote_value(value: str) -> str:
    r"""Return a label value in double quotes, with backslash, quote and newline escaped.

    Example:
        >>> print(quote_value('say "hi"'))
        "say \"hi\""
    """
    return '"' + "".join(_ESCAPES.get(character, character) for character in value) + '"'


def is_name(text: str) -> bool:
    r"""Tell whether a text can be the name of a metric or a label: any that has characters.

    Half a character, which YAML and JSON can smuggle in, is none.

    Example:
        >>> is_name("service.name"), is_name(""), is_name("\ud800")
        (True, False, False)
    """
    return bool(text) and (text.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in text))


def format_label_name(name: str) -> str:
    """Return a label name as PromQL writes it: bare where it can be, else in quotes."""
    return name if LEGACY_LABEL_NAME.fullmatch(name) else quote_value(name)
