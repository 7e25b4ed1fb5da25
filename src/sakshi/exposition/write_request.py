"""Prometheus' remote write 1.0: label sets, times and values to the body of a push.

    WriteRequest   = snappy( { 1: TimeSeries } { 3: MetricMetadata } )
    TimeSeries     = { 1: Label } { 2: Sample }
    MetricMetadata = 1: type  2: family name  4: help  5: unit

The other direction of `remote_write.py`. A label set is encoded once, by whoever sends it
(`encode_labels`), and all samples of a block at once: each has the same eighteen bytes but for its
value and its time, so they are one array.

Source:
    https://prometheus.io/docs/specs/prw/remote_write_spec/
    prometheus/prometheus prompb/types.proto, prompb/remote.proto
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

import cramjam
import numpy as np
from numpy.typing import NDArray

from sakshi.exposition.family import MetricFamily, MetricType
from sakshi.exposition.wire import format_bytes_field, format_varint, format_varint_field

_SERIES, _METADATA = 1, 3
_LABEL, _SAMPLE = 1, 2
_SAMPLE_BYTES: Final = 18
_VALUE: Final = slice(3, 11)  # of the eighteen bytes
_TIME: Final = slice(12, 18)
_TIME_SHIFTS: Final = np.arange(0, 42, 7, dtype=np.int64)
_SHORT_MS: Final = (1 << 35, 1 << 42)  # times of six bytes, as a sample of eighteen has: 1971-2109

_TYPES: Final[Mapping[MetricType, int]] = {
    MetricType.UNKNOWN: 0,
    MetricType.COUNTER: 1,
    MetricType.GAUGE: 2,
    MetricType.HISTOGRAM: 3,
    MetricType.GAUGE_HISTOGRAM: 4,
    MetricType.SUMMARY: 5,
    MetricType.INFO: 6,
    MetricType.STATE_SET: 7,
}


def encode_labels(pairs: Iterable[tuple[str, str]]) -> bytes:
    """Return the labels of a series, encoded; they come sorted by name.

    Example:
        >>> encode_labels([("a", "b")]).hex()
        '0a060a0161120162'
    """
    return b"".join(
        format_bytes_field(
            _LABEL, format_bytes_field(1, name.encode()) + format_bytes_field(2, value.encode())
        )
        for name, value in pairs
    )


def encode_series(
    labels: Sequence[bytes],
    timestamps: NDArray[np.int64],
    values: NDArray[np.float64],
    present: NDArray[np.bool_] | None = None,
) -> bytes:
    """Return series that share their timestamps, encoded; those without a sample are left out.

    Args:
        labels: k label sets, from `encode_labels`.
        timestamps: shape (n,), increasing.
        values: shape (n, k), sent bit by bit.
        present: shape (n, k), which samples there are; None: all.
    """
    samples = _encode_samples(timestamps, values)
    if samples is None:
        return _encode_slowly(labels, timestamps, values, present)
    if present is None:
        counts = [timestamps.size] * len(labels)
        data = samples.tobytes()
    else:
        counts = present.sum(axis=0).tolist()
        data = samples[present.T].tobytes()
    parts: list[bytes] = []
    start = 0
    for encoded, count in zip(labels, counts, strict=True):
        if count:
            end = start + count * _SAMPLE_BYTES
            parts += (_series_head(len(encoded) + end - start), encoded, data[start:end])
            start = end
    return b"".join(parts)


def encode_metadata(families: Iterable[MetricFamily]) -> bytes:
    """Return what is said of metric families, encoded; their samples are not."""
    return b"".join(
        format_bytes_field(
            _METADATA,
            format_varint_field(1, _TYPES[family.type])
            + format_bytes_field(2, family.name.encode())
            + format_bytes_field(4, family.help.encode())
            + format_bytes_field(5, family.unit.encode()),
        )
        for family in families
    )


def compress(message: bytes) -> bytes:
    """Return a request's body: the encoded message, compressed by snappy (the block format)."""
    return bytes(cramjam.snappy.compress_raw(message))


def _encode_samples(
    timestamps: NDArray[np.int64], values: NDArray[np.float64]
) -> NDArray[np.uint8] | None:
    """Return shape (k, n, 18), the sample fields of each series; None where a time is unusual."""
    if not timestamps.size or timestamps[0] < _SHORT_MS[0] or timestamps[-1] >= _SHORT_MS[1]:
        return None
    rows, columns = values.shape
    template = np.zeros((rows, _SAMPLE_BYTES), np.uint8)
    template[:, :3] = (0x12, _SAMPLE_BYTES - 2, 0x09)
    template[:, 11] = 0x10
    digits = timestamps[:, np.newaxis] >> _TIME_SHIFTS & 0x7F
    digits[:, :-1] |= 0x80
    template[:, _TIME] = digits
    samples = np.empty((columns, rows, _SAMPLE_BYTES), np.uint8)
    samples[:] = template
    bits = np.ascontiguousarray(values.T).astype("<f8", copy=False).view(np.uint8)
    samples[:, :, _VALUE] = bits.reshape(columns, rows, 8)
    return samples


def _encode_slowly(
    labels: Sequence[bytes],
    timestamps: NDArray[np.int64],
    values: NDArray[np.float64],
    present: NDArray[np.bool_] | None,
) -> bytes:
    """Return the series sample by sample: times before 1971 or after 2109."""
    series: list[bytes] = []
    for column, encoded in enumerate(labels):
        rows = np.arange(timestamps.size) if present is None else np.flatnonzero(present[:, column])
        samples = b"".join(
            format_bytes_field(
                _SAMPLE,
                b"\x09"
                + struct.pack("<Q", int(values[row : row + 1, column].view(np.uint64)[0]))
                + format_varint_field(2, int(timestamps[row]) & (1 << 64) - 1),
            )
            for row in rows.tolist()
        )
        if samples:
            series.append(format_bytes_field(_SERIES, encoded + samples))
    return b"".join(series)


@lru_cache(maxsize=4096)  # label sets have few lengths
def _series_head(size: int) -> bytes:
    return format_varint(_SERIES << 3 | 2) + format_varint(size)
