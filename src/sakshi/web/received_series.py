"""The series that senders push: which are accepted, and where each stands in the store.

A pushed series belongs to the target of its `job` and `instance`, as if it had been scraped. What a
sender scraped together then stays together: one scrape is one row, however many connections it came
by, and a series has one place, whoever sends it. (A target a connection would part a row, and give
a series two places when the sender moves it to another connection, as senders do.)

Series without `job` and `instance` share one target.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Final

from sakshi.exposition.remote_write import read_label_pairs
from sakshi.model.labels import METRIC_NAME, Labels
from sakshi.storage import Appender, TargetAppender
from sakshi.storage.head import IDENTITY

LABELS_MAX: Final = 128  # of a series: a pod with all its annotations has some fifty
NAME_BYTES_MAX: Final = 1024
VALUE_BYTES_MAX: Final = 64 << 10  # a query or a stack trace that somebody made a label of
KNOWN_MAX: Final = 1_000_000  # encoded label sets remembered, some 300 bytes each
NAMES_MAX: Final = 100_000  # of metrics; rules know no more of them

_COLUMN_BITS: Final = 32


class RefusedSeriesError(Exception):
    """A label set that no series may have; the message says which and why."""


class ReceivedSeries:
    """Gives each series its place: the target's number and the column, as one whole number.

    For one thread at a time.

    Args:
        appender: the store.
    """

    def __init__(self, appender: Appender) -> None:
        self._appender = appender
        self._targets: list[TargetAppender] = []
        self._target_numbers: dict[Labels, int] = {}
        self._places: dict[Labels, int] = {}
        self._names: set[str] = set()
        self._shown_names: frozenset[str] = frozenset()
        self.known: dict[bytes, int] = {}
        """The place of each encoded label set that was accepted."""

    def place_of_key(self, key: bytes) -> int:
        """Return the place of an encoded label set.

        Raises:
            RefusedSeriesError: no series may have it.
            WireFormatError: it is no label set.
        """
        place = self.known.get(key)
        if place is None:
            place = self.place_of_labels(check_pairs(read_label_pairs(key)))
            if len(self.known) >= KNOWN_MAX:
                self.known.clear()
            self.known[key] = place
        return place

    def place_of_labels(self, labels: Labels) -> int:
        """Return the place of a label set that was checked."""
        place = self._places.get(labels)
        if place is None:
            number = self._number(labels.only(IDENTITY))
            column = int(self._targets[number].columns([labels])[0])
            place = number << _COLUMN_BITS | column
            if len(self._places) >= KNOWN_MAX:
                self._places.clear()
            self._places[labels] = place
            if len(self._names) < NAMES_MAX:
                self._names.add(labels.name)
        return place

    @property
    def names(self) -> Set[str]:
        """The names of all metrics that were pushed; the same object while there is no new one."""
        if len(self._shown_names) < len(self._names):
            self._shown_names = frozenset(self._names)
        return self._shown_names

    def target(self, number: int) -> TargetAppender:
        """Return the target of a number."""
        return self._targets[number]

    def _number(self, identity: Labels) -> int:
        number = self._target_numbers.get(identity)
        if number is None:
            number = self._target_numbers[identity] = len(self._targets)
            self._targets.append(self._appender.target(identity))
        return number


def split_place(place: int) -> tuple[int, int]:
    """Return the target's number and the column of a place.

    Example:
        >>> split_place(3 << 32 | 7)
        (3, 7)
    """
    return place >> _COLUMN_BITS, place & ((1 << _COLUMN_BITS) - 1)


def check_pairs(pairs: Sequence[tuple[str, str]]) -> Labels:
    """Return the label set of a series; the pairs may come in any order.

    Raises:
        RefusedSeriesError: there is no metric name, a name that is empty or comes twice, or too
            many or too long ones.

    Example:
        >>> print(check_pairs([("__name__", "up"), ("job", "chat"), ("zone", "")]))
        up{job="chat"}
    """
    if len(pairs) > LABELS_MAX:
        raise RefusedSeriesError(
            f"expected at most {LABELS_MAX} labels, found {len(pairs)}: {_shown(pairs)}"
        )
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise RefusedSeriesError(
            f'expected each label once, found "{twice}" twice: {_shown(pairs)}'
        )
    for name, value in pairs:
        _check_pair(name, value)
    labels = Labels(pairs)
    if not labels.name:
        raise RefusedSeriesError(f"expected a metric name, found none: {_shown(pairs)}")
    return labels


def _check_pair(name: str, value: str) -> None:
    if not (_is_unicode(name) and _is_unicode(value)):
        raise RefusedSeriesError(f"expected Unicode, found half a character: {name!r}={value!r}")
    if not name:
        raise RefusedSeriesError(f'expected a label name, found none for the value "{value[:64]}"')
    if len(name.encode()) > NAME_BYTES_MAX:
        raise RefusedSeriesError(
            f"expected a label name of at most {NAME_BYTES_MAX} bytes, "
            f'found {len(name.encode())}: "{name[:64]}..."'
        )
    bytes_max = NAME_BYTES_MAX if name == METRIC_NAME else VALUE_BYTES_MAX
    if len(value.encode()) > bytes_max:
        raise RefusedSeriesError(
            f'expected a value of at most {bytes_max} bytes for "{name}", '
            f'found {len(value.encode())}: "{value[:64]}..."'
        )


def _is_unicode(text: str) -> bool:
    """Tell whether a text has none of the halves of characters that JSON can smuggle in."""
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _shown(pairs: Sequence[tuple[str, str]]) -> str:
    """Return the beginning of a label set."""
    text = ", ".join(f"{name[:64]}={value[:64]!r}" for name, value in pairs[:8])
    return f"{{{text}{', ...' if len(pairs) > 8 else ''}}}"
