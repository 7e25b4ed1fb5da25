r"""OpenMetrics with timestamps, of any length: bytes in, numbered series and columns out.

    # TYPE turns counter
    turns_total{channel="http"} 17 1700000000      <- series 0
    turns_total{channel="http"} 18 1700000015      <- series 0: its key was met before
    # EOF

A history has the same few keys in millions of lines. So a line is cut at its last two spaces, and
what stands left of them is looked up among the keys that were scanned before. That finds the same
as scanning it: a key ends where it ends, whatever follows, and what follows is two words. The
numbers of many lines are converted together. Whatever does not fit (a new key, an exemplar, `NaN`,
what is wrong) is scanned as `openmetrics_line.py` does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sakshi.exposition.errors import ExpositionSyntaxError
from sakshi.exposition.line import BOUND_LABELS, TIMESTAMP_MS_MAX
from sakshi.exposition.number import parse_number
from sakshi.exposition.openmetrics_line import EOF, scan_comment, scan_sample
from sakshi.model.labels import Labels

LINE_BYTES_MAX: Final = 1 << 20  # Prometheus' parser has no bound; a line without end is no line

_PLAIN: Final = b"0123456789+-.eE,"
_NAMED: Final = _PLAIN + b"infatyINFATY"  # and `inf`, `infinity`, `nan`


@dataclass(frozen=True)
class Columns:
    """Samples in the order of their lines.

    Args:
        places: shape (n,), the number of each sample's series: its place in `StreamReader.series`.
        timestamps: shape (n,), int64, milliseconds since the epoch.
        values: shape (n,), float64.
    """

    places: NDArray[np.intp]
    timestamps: NDArray[np.int64]
    values: NDArray[np.float64]


class StreamReader:
    r"""Reads one body, part after part.

    Args:
        series: numbers the series that are met, for all bodies that shall share the numbers.

    Example:
        >>> reader = StreamReader()
        >>> [first] = reader.feed(b"turns_total 17 1.5\nturns_to")
        >>> [second] = reader.feed(b"tal 18 2\n# EOF\n")
        >>> reader.finish()
        >>> first.timestamps.tolist(), second.values.tolist(), list(map(str, reader.series))
        ([1500], [18.0], ['turns_total'])
    """

    def __init__(self, series: dict[Labels, int] | None = None) -> None:
        self.series: dict[Labels, int] = {} if series is None else series
        self._known: dict[str, dict[bytes, int]] = {"": {}}
        self._bound_label = ""
        self._rest = b""
        self._number = 0  # of the last line that was read
        self._is_ended = False

    def feed(self, data: bytes) -> Sequence[Columns]:
        """Return the samples of all lines that are complete now.

        Raises:
            ExpositionSyntaxError: a line is not this format, or has no timestamp.
        """
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > LINE_BYTES_MAX:
            raise ExpositionSyntaxError(
                self._number + len(lines) + 1,
                1,
                f"a line of at most {LINE_BYTES_MAX} bytes",
                "more",
            )
        found: list[Columns] = []
        start = 0
        for position, line in enumerate(lines):
            if line[:1] == b"#" or not line:
                found += self._read_samples(lines[start:position])
                self._read_comment(line)
                start = position + 1
        found += self._read_samples(lines[start:])
        return found

    def finish(self) -> None:
        """Check that the body is complete.

        Raises:
            ExpositionSyntaxError: it does not end with `# EOF`.
        """
        if self._rest == EOF and not self._is_ended:
            return
        if self._rest and self._is_ended:
            raise ExpositionSyntaxError(self._number + 1, 1, "nothing after # EOF", "more")
        if not self._is_ended:
            expected, found = "# EOF as the last line", "the end of the body"
            raise ExpositionSyntaxError(self._number + bool(self._rest) or 1, 1, expected, found)

    def _read_comment(self, line: bytes) -> None:
        self._number += 1
        self._refuse_more()
        if not line:
            raise ExpositionSyntaxError(self._number, 1, "no empty line", "one")
        self._is_ended = line == EOF
        meta = scan_comment(line, self._number)
        if meta is not None and meta.type is not None:
            self._bound_label = BOUND_LABELS.get(meta.type, "")
            self._known.setdefault(self._bound_label, {})

    def _refuse_more(self) -> None:
        if self._is_ended:
            raise ExpositionSyntaxError(self._number, 1, "nothing after # EOF", "more")

    def _read_samples(self, lines: Sequence[bytes]) -> Sequence[Columns]:
        if not lines:
            return []
        columns = None if self._is_ended else self._read_known(lines)
        if columns is None:
            scanned = [
                self._scan(line, self._number + index) for index, line in enumerate(lines, 1)
            ]
            places, moments, values = zip(*scanned, strict=True)
            columns = Columns(
                np.array(places, np.intp),
                np.array(moments, np.int64),
                np.array(values, np.float64),
            )
        self._number += len(lines)
        return [columns]

    def _read_known(self, lines: Sequence[bytes]) -> Columns | None:
        """Return the samples of lines with known keys and plain numbers; None where one has not."""
        parts = [line.rsplit(b" ", 2) for line in lines]
        try:
            keys, values, moments = zip(*parts, strict=True)
        except ValueError:
            return None
        self._learn(keys, lines)
        known = self._known[self._bound_label]
        if b",".join(values).translate(None, _NAMED) or b",".join(moments).translate(None, _PLAIN):
            return None
        try:
            places = np.array([known[key] for key in keys], np.intp)
            numbers = np.array(list(map(float, values)))
            milliseconds = np.array(list(map(float, moments))) * 1000
            for index in np.flatnonzero(~np.isfinite(numbers)):
                parse_number(values[index])  # refuses what `float` takes: `-nan`, `1e999`
        except (KeyError, ValueError):
            return None
        if not (np.abs(milliseconds) < TIMESTAMP_MS_MAX).all():
            return None
        return Columns(places, milliseconds.astype(np.int64), numbers)

    def _learn(self, keys: Sequence[bytes], lines: Sequence[bytes]) -> None:
        """Scan each line whose key is new, so that the others like it need not be."""
        known = self._known[self._bound_label]
        for index, key in enumerate(keys):
            if key not in known:
                self._scan(lines[index], self._number + index + 1)

    def _scan(self, line: bytes, number: int) -> tuple[int, int, float]:
        """Return place, moment and value of a line, and remember its key."""
        if self._is_ended:
            raise ExpositionSyntaxError(number, 1, "nothing after # EOF", "more")
        known = self._known[self._bound_label]
        key, pairs, measurement = scan_sample(line, number, self._bound_label)
        if measurement.timestamp_ms is None:
            column = len(line.decode(errors="replace")) + 1
            expected = "a timestamp in seconds behind the value"
            raise ExpositionSyntaxError(number, column, expected, "the end of the line")
        place = known.get(key[:-1])
        if place is None:
            place = self.series.setdefault(Labels(pairs), len(self.series))
            known[key[:-1]] = place
        return place, measurement.timestamp_ms, measurement.value
