"""The fast path: a body read against the one before it.

A target exposes the same lines in the same order nearly always; only the values differ. So the
first body is parsed line by line, and what it looked like is kept:

    # TYPE turns_total counter              comment: must come again as it is
    turns_total{channel="websocket"} 4711   key `turns_total{channel="websocket"} `, then a value
    turns_total{channel="http"} 17          key `turns_total{channel="http"} `, then a value

The next body is split into lines, each line's key is stripped (`bytes.removeprefix`), and what is
left is joined and parsed by one call in C: about 0.2 us a line. That is only right if it is known
that nothing but numbers was left. Three checks make it so; each looks at the body as a whole:

1. There are as many lines as before, and the comments are the same, in the same places.
2. Every key was really there: the lengths add up. `removeprefix` takes all of a key or nothing, so
   the sum of what it took is the sum of the keys' lengths only if it took every one. (Otherwise a
   line `12` in the place of `turns_total{channel="http"} 12` would pass as 12.)
3. What is left consists of the characters of numbers, and of exactly the commas that joined it.
   (Otherwise JSON would take `true`, `"2"`, `[1` with `2]`, or `1,2` beside nothing.)

What passes them is read as JSON, whose numbers are a subset of the text format's; what JSON refuses
(`+Inf`, `NaN`, `1.`, `007`) is read by `float`, and whatever is not finite is checked once more.
A body that does not fit costs a full parse, which learns the new layout and reuses every key that
it has met before. Bodies with timestamps always go that way.

OpenMetrics differs in one point: an exemplar may follow a value. It is cut off once the keys were
found to be there, and read as a full parse reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray

from sakshi.exposition.errors import ExpositionSyntaxError
from sakshi.exposition.family import Exemplar, MetricFamily
from sakshi.exposition.format import GRAMMARS, ExpositionFormat
from sakshi.exposition.grammar import Grammar
from sakshi.exposition.grouping import FamilyBuilder
from sakshi.exposition.line import BOUND_LABELS, LabelPairs
from sakshi.exposition.number import parse_number

_JSON_CHARACTERS: Final = b"0123456789+-.eE"
_FLOAT_CHARACTERS: Final = _JSON_CHARACTERS + b"infatyINFATY"  # and `inf`, `infinity`, `nan`

_Key = tuple[str, bytes]  # with the bound label in force: the same text may mean other labels


LineExemplar = tuple[int, Exemplar]
"""The position of a sample among those of its body, and its exemplar."""


@dataclass(frozen=True)
class Reading:
    """What a body brought.

    Args:
        values: shape (n,), float64, in the order of the lines.
        exemplars: of the lines that have one.
    """

    values: NDArray[np.float64]
    exemplars: Sequence[LineExemplar] = ()


class Layout:
    """What the lines of a body are, learned from one body, to read the next ones by.

    A layout is never changed: its identity says whether a target's series are still the same.

    Args:
        pairs: n label sets, one a sample, in the order of the lines; repetitions included.
        learned: what the body brought that was learned from.
        timestamps_ms: n explicit timestamps, None where a line has none; None as a whole where
            no line has one.
        families: what comments say of them, without samples; in the order of their appearance.
        format: of the body, and of every other that this layout reads.
    """

    def __init__(
        self, body: bytes, known: dict[_Key, LabelPairs], format: ExpositionFormat
    ) -> None:
        self.format = format
        self._grammar = GRAMMARS[format]
        reader = _BodyReader(body, known, self._grammar)
        self.pairs: Sequence[LabelPairs] = tuple(reader.pairs)
        self.families: Sequence[MetricFamily] = reader.families.finish()
        self.learned = Reading(np.array(reader.values, dtype=np.float64), tuple(reader.exemplars))
        self.timestamps_ms: Sequence[int | None] | None = (
            tuple(reader.timestamps_ms)
            if any(t is not None for t in reader.timestamps_ms)
            else None
        )
        self._keys = tuple(reader.keys)
        self._bound_labels = tuple(reader.bound_labels)
        self._is_sample = reader.is_sample
        self._is_comment = [not sample for sample in reader.is_sample]
        self._comments = list(compress(body.split(b"\n"), self._is_comment))
        self._commas = b"," * (len(self._keys) - 1)
        self._fixed_bytes = (
            sum(map(len, self._keys)) + sum(map(len, self._comments)) + len(reader.is_sample) - 1
        )

    @classmethod
    def learn(
        cls,
        body: bytes,
        previous: Layout | None = None,
        format: ExpositionFormat = ExpositionFormat.TEXT,
    ) -> Layout:
        r"""Return the layout of a body; lines that a previous one knows cost little.

        Series that occur twice are kept twice: the scrape decides which one counts.

        Raises:
            ExpositionSyntaxError: the body is not of this format.

        Example:
            >>> layout = Layout.learn(b"turns_total 17\nturns_lost 0\n")
            >>> layout.read(b"turns_total 18\nturns_lost 1\n").values
            array([18.,  1.])
            >>> layout.read(b"turns_total 18\nturns_found 1\n") is None
            True
        """
        is_alike = previous is not None and previous.format is format
        return cls(body, dict(previous._known()) if previous and is_alike else {}, format)

    def __len__(self) -> int:
        return len(self._keys)

    def read(self, body: bytes) -> Reading | None:
        """Return what a body of this layout brought, or None where it has another one.

        None also for every body with timestamps, and for one that is malformed: `learn` says how.

        Returns:
            Bit by bit what `learn` would find.
        """
        if self.timestamps_ms is not None:
            return None
        lines = body.split(b"\n")
        if len(lines) != len(self._is_sample):
            return None
        if list(compress(lines, self._is_comment)) != self._comments:
            return None
        texts = list(map(bytes.removeprefix, compress(lines, self._is_sample), self._keys))
        joined = b",".join(texts)
        if len(joined) - len(self._commas) != len(body) - self._fixed_bytes:
            return None
        if not texts:
            return self.learned
        if self._grammar.exemplar_mark and b"#" in joined:
            return self._read_exemplars(texts)
        values = _numbers(texts, joined, self._commas)
        return None if values is None else Reading(values)

    def _read_exemplars(self, texts: list[bytes]) -> Reading | None:
        """Return what lines brought of which some have exemplars, their keys being stripped."""
        mark = self._grammar.exemplar_mark
        numbers, exemplars = [], []
        for position, text in enumerate(texts):
            number, separator, _ = text.partition(mark)
            numbers.append(number)
            if separator:
                try:
                    measurement = self._grammar.scan_measurement(text, 1, 0)
                except ExpositionSyntaxError:
                    return None
                assert measurement.exemplar is not None
                exemplars.append((position, measurement.exemplar))
        values = _numbers(numbers, b",".join(numbers), self._commas)
        return None if values is None else Reading(values, exemplars)

    def _known(self) -> zip[tuple[_Key, LabelPairs]]:
        return zip(zip(self._bound_labels, self._keys, strict=True), self.pairs, strict=True)


class _BodyReader:
    """The slow way through one body: columns of what its lines are."""

    def __init__(self, body: bytes, known: dict[_Key, LabelPairs], grammar: Grammar) -> None:
        self.is_sample: list[bool] = []
        self.bound_labels: list[str] = []
        self.keys: list[bytes] = []
        self.pairs: list[LabelPairs] = []
        self.values: list[float] = []
        self.timestamps_ms: list[int | None] = []
        self.exemplars: list[LineExemplar] = []
        self.families = FamilyBuilder(grammar.suffixes)
        self._grammar = grammar
        self._known = known
        self._bound_label = ""
        for number, line in enumerate(grammar.split(body), start=1):
            self.is_sample.append(not grammar.is_comment(line))
            if self.is_sample[-1]:
                self._read_sample(line, number)
            else:
                self._read_comment(line, number)

    def _read_comment(self, line: bytes, number: int) -> None:
        meta = self._grammar.scan_comment(line, number)
        if meta is None:
            return
        self.families.add_meta(meta)
        if meta.type is not None:
            self._bound_label = BOUND_LABELS.get(meta.type, "")

    def _read_sample(self, line: bytes, number: int) -> None:
        match = self._grammar.key.match(line)
        key = match[0] if match is not None else b""
        pairs = self._known.get((self._bound_label, key))
        if pairs is None:
            key, pairs, measurement = self._grammar.scan_sample(line, number, self._bound_label)
        else:
            measurement = self._grammar.scan_measurement(line, number, len(key))
        value, timestamp_ms, exemplar = measurement
        if exemplar is not None:
            self.exemplars.append((len(self.keys), exemplar))
        self.bound_labels.append(self._bound_label)
        self.keys.append(key)
        self.pairs.append(pairs)
        self.values.append(value)
        self.timestamps_ms.append(timestamp_ms)


def _numbers(texts: list[bytes], joined: bytes, commas: bytes) -> NDArray[np.float64] | None:
    """Return the numbers of texts that were joined with commas; None where one is no number."""
    if joined.translate(None, _JSON_CHARACTERS) == commas and not _has_negative_zero(joined):
        try:
            numbers = orjson.loads(b"[" + joined + b"]")
        except orjson.JSONDecodeError:
            return _floats(texts)
        return np.array(numbers, dtype=np.float64) if len(numbers) == len(texts) else None
    if joined.translate(None, _FLOAT_CHARACTERS) == commas:
        return _floats(texts)
    return None


def _has_negative_zero(joined: bytes) -> bool:
    """Tell whether a value may be `-0`, which JSON reads as the integer 0; `1e-0` counts too."""
    return b"-0," in joined or joined.endswith(b"-0")


def _floats(texts: list[bytes]) -> NDArray[np.float64] | None:
    """Return the numbers of texts that have no characters but those of numbers."""
    try:
        numbers = np.array(list(map(float, texts)), dtype=np.float64)
        for index in np.flatnonzero(~np.isfinite(numbers)):
            parse_number(texts[index])  # refuses what `float` takes: `-nan`, `1e999`
    except ValueError:
        return None
    return numbers
