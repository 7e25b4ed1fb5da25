"""Prometheus' remote write 1.0: the body of a push to label sets, times and values.

    WriteRequest = snappy( { 1: TimeSeries } { 3: MetricMetadata } )
    TimeSeries   = { 1: Label } { 2: Sample } { 3: Exemplar } { 4: Histogram }
    Label        = 1: name  2: value         Sample = 1: value (double)  2: timestamp (int64)

Senders push the same series again and again, mostly one sample at a time. So a label set is known
by its bytes: where a TimeSeries is bytes that were seen before, followed by what can only be one
Sample, nothing is read but the sample, and all samples of the request are read at once.

Exemplars and metadata are passed over.

Source:
    https://prometheus.io/docs/specs/prw/remote_write_spec/
    prometheus/prometheus prompb/types.proto, prompb/remote.proto
"""

from __future__ import annotations

import struct
from collections.abc import Container
from dataclasses import dataclass
from typing import Final

import cramjam
import numpy as np
from numpy.typing import NDArray

from sakshi.exposition.errors import TooLargeError, WireFormatError
from sakshi.exposition.wire import (
    BYTES,
    FIXED64,
    VARINT,
    as_signed,
    format_bytes_field,
    iter_fields,
    read_varint,
)

BODY_BYTES_MAX: Final = 32 << 20  # uncompressed: some 250,000 series
FIELDS_MAX: Final = 1_000_000  # of series that are new: a second's work
SAMPLES_MAX: Final = 100_000  # Prometheus sends 2,000 at once, agents 10,000; 25 MB of memory
SERIES_BYTES_MAX: Final = 10 << 20  # 128 labels of 64 KB, and all its samples

_RATIO_MAX: Final = 32  # snappy writes 64 bytes for 3, at most

_TIME_SERIES: Final = 0x0A  # the key of field 1, a message
_LABEL, _SAMPLE, _HISTOGRAM = 1, 2, 4

# A sample as senders of this century write it: a double, and a time of six bytes (2004 to 2109).
# A value of +0.0 is left out.
_FULL_SAMPLE: Final = bytes((0x12, 16, 0x09))
_ZERO_SAMPLE: Final = bytes((0x12, 7, 0x10))
_FULL_BYTES: Final = 18
_ZERO_BYTES: Final = 9
_SHORT_KEYS: Final = (0x0A, 0x0A, 0x12)  # of a label, its name and its value
_TIME_KEY: Final = 0x10
_TIME_SHIFTS: Final = np.arange(0, 42, 7, dtype=np.int64)


@dataclass(frozen=True)
class WrittenBatch:
    """What a request writes: n samples of its series, in its order.

    Args:
        keys: n label sets, encoded: see `read_label_pairs`.
        timestamps: shape (n,), int64, milliseconds since the epoch.
        values: shape (n,), float64, bit by bit.
        histograms: label sets, encoded, of the native histograms that were passed over.
    """

    keys: list[bytes]
    timestamps: NDArray[np.int64]
    values: NDArray[np.float64]
    histograms: list[bytes]


def decompress(body: bytes) -> bytes:
    """Return a body as it was before snappy compressed it (the block format).

    Raises:
        WireFormatError: it is not snappy's.
        TooLargeError: it would be more than BODY_BYTES_MAX; nothing was decompressed.
    """
    size, _ = read_varint(body, 0)
    if size > BODY_BYTES_MAX:
        raise TooLargeError("the body", f"at most {BODY_BYTES_MAX} bytes uncompressed", f"{size}")
    try:
        if size > _RATIO_MAX * len(body):
            raise cramjam.DecompressionError
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError:
        raise WireFormatError(0, "snappy's block format", "something else") from None


def read_write_request(message: bytes, known: Container[bytes] = frozenset()) -> WrittenBatch:
    """Return what an uncompressed request writes.

    Args:
        message: a WriteRequest.
        known: encoded label sets that `read_label_pairs` has accepted before.

    Raises:
        WireFormatError: the bytes are no WriteRequest.
        TooLargeError: it has more than FIELDS_MAX or SAMPLES_MAX.
    """
    reader = _Reader(known)
    position, end = 0, len(message)
    while position < end:
        if message[position] != _TIME_SERIES:
            position = _pass_over(message, position)
            reader.count_field()
            continue
        size, start = read_varint(message, position + 1)
        position = start + size
        if position > end:
            raise WireFormatError(start, f"{size} bytes", f"{end - start}")
        if size > SERIES_BYTES_MAX:
            raise TooLargeError("a series", f"at most {SERIES_BYTES_MAX} bytes", f"{size}")
        reader.read(message[start:position])
    return reader.batch()


def read_label_pairs(key: bytes) -> list[tuple[str, str]]:
    """Return the names and values of an encoded label set, in its order.

    Raises:
        WireFormatError: a label is no message, or not UTF-8.
    """
    short = _read_short_labels(key)
    if short is not None:
        return short
    return [_read_label(value) for _, _, value in iter_fields(key) if isinstance(value, bytes)]


class _Reader:
    """Collects samples; those of the usual form as bytes, to be read together at the end."""

    def __init__(self, known: Container[bytes]) -> None:
        self._known = known
        self._keys: list[bytes] = []
        self._tails: list[bytes] = []
        self._odd: list[tuple[int, int, float]] = []  # position in _keys, time, value
        self._histograms: list[bytes] = []
        self._fields = 0

    def count_field(self) -> None:
        """Count a field that took time to read.

        Raises:
            TooLargeError: there were too many.
        """
        self._fields += 1
        if self._fields > FIELDS_MAX:
            raise TooLargeError("the body", f"at most {FIELDS_MAX} fields", "more")

    def read(self, series: bytes) -> None:
        """Take the samples of one TimeSeries."""
        if series[-18:-15] == _FULL_SAMPLE and series[:-18] in self._known:
            key, tail = series[:-18], series[-15:]
            if tail[8] == _TIME_KEY and tail[-1] < 0x80 and min(tail[9:14]) >= 0x80:
                self._keys.append(key)
                self._tails.append(tail)
                return
        elif series[-9:-6] == _ZERO_SAMPLE and series[:-9] in self._known:
            tail = series[-7:]
            if tail[-1] < 0x80 and min(tail[1:6]) >= 0x80:
                self._keys.append(series[:-9])
                self._tails.append(bytes(8) + tail)
                return
        self.count_field()
        self._read_slowly(series)

    def _read_slowly(self, series: bytes) -> None:
        labels: list[bytes] = []
        samples: list[tuple[int, float]] = []
        has_histogram = False
        for number, kind, value in iter_fields(series):
            self.count_field()
            if len(samples) > SAMPLES_MAX:
                break  # counted below
            if number in (_LABEL, _SAMPLE, _HISTOGRAM) and kind != BYTES:
                raise WireFormatError(0, f"a message in field {number} of a series", f"type {kind}")
            if number == _LABEL:
                assert isinstance(value, bytes)
                labels.append(format_bytes_field(_LABEL, value))
            elif number == _SAMPLE:
                assert isinstance(value, bytes)
                samples.append(_read_sample(value))
            has_histogram |= number == _HISTOGRAM
        key = b"".join(labels)
        if has_histogram:
            self._histograms.append(key)
        for timestamp_ms, sample in samples:
            self._odd.append((len(self._keys), timestamp_ms, sample))
            self._keys.append(key)
            self._tails.append(_NO_TAIL)
        if len(self._keys) > SAMPLES_MAX:
            raise TooLargeError("the body", f"at most {SAMPLES_MAX} samples", "more")

    def batch(self) -> WrittenBatch:
        """Return everything that was read."""
        tails = np.frombuffer(b"".join(self._tails), np.uint8).reshape(-1, 15)
        values = tails[:, :8].copy().view("<f8").reshape(-1).astype(np.float64, copy=False)
        digits = (tails[:, 9:15] & 0x7F).astype(np.int64)
        timestamps: NDArray[np.int64] = (digits << _TIME_SHIFTS).sum(axis=1)
        if self._odd:
            where, times, samples = zip(*self._odd, strict=True)
            timestamps[list(where)] = times
            values[list(where)] = samples
        return WrittenBatch(self._keys, timestamps, values, self._histograms)


_NO_TAIL: Final = bytes(15)


def _pass_over(message: bytes, position: int) -> int:
    """Return where the field that begins at a position ends."""
    start = position
    key, position = read_varint(message, position)
    if key & 7 != BYTES or not key >> 3 or key >> 3 == 1:
        raise WireFormatError(start, "a series or metadata of a write request", f"key {key}")
    size, position = read_varint(message, position)
    if position + size > len(message):
        raise WireFormatError(position, f"{size} bytes", f"{len(message) - position}")
    return position + size


def _read_sample(message: bytes) -> tuple[int, float]:
    timestamp_ms, sample = 0, 0.0
    for number, kind, value in iter_fields(message):
        if number == 1 and kind == FIXED64:
            assert isinstance(value, bytes)
            (sample,) = struct.unpack("<d", value)
        elif number == 2 and kind == VARINT:
            assert isinstance(value, int)
            timestamp_ms = as_signed(value)
        elif number in (1, 2):
            raise WireFormatError(0, "a double and an int64 in a sample", f"type {kind}")
    return timestamp_ms, sample


def _read_short_labels(key: bytes) -> list[tuple[str, str]] | None:
    """Return the pairs of labels that have all their lengths in one byte each; None for others.

    Most series have only such ones: eight of them take 5 us instead of 49 us.
    """
    pairs, position, end = [], 0, len(key)
    while position + 6 <= end:
        value_start = position + 4 + key[position + 3]
        label_end = position + 2 + key[position + 1]
        if value_start + 2 > end or label_end > end or key[position + 1] >= 0x80:
            return None
        keys = key[position], key[position + 2], key[value_start]
        if keys != _SHORT_KEYS or value_start + 2 + key[value_start + 1] != label_end:
            return None
        try:
            name = key[position + 4 : value_start].decode()
            pairs.append((name, key[value_start + 2 : label_end].decode()))
        except UnicodeDecodeError:
            return None
        position = label_end
    return pairs if position == end else None


def _read_label(message: bytes) -> tuple[str, str]:
    texts = {1: "", 2: ""}
    for number, _, value in iter_fields(message):
        if number in texts:
            try:
                texts[number] = value.decode() if isinstance(value, bytes) else ""
            except UnicodeDecodeError:
                raise WireFormatError(0, "UTF-8 in a label", repr(value)) from None
    return texts[1], texts[2]
