"""Sealed samples as bytes: a metric family of a span, and a span's timestamps.

A chunk holds each series' values in turn. A value is written as its difference in bits (exclusive
or) from the one before, and the bytes of all values are grouped by their place, so that zlib finds
the zeros. Nothing passes through arithmetic: a NaN keeps its payload. Drawn in
docs/formats/schema.md.
"""

from __future__ import annotations

import struct
import zlib
from enum import IntEnum
from typing import Final

import numpy as np

from sakshi.storage.errors import StorageError
from sakshi.storage.history import Chunk
from sakshi.storage.store import Columns, Timestamps, Values
from sakshi.storage.value import is_gap

ZLIB_LEVEL: Final = 1

_SHAPE: Final = struct.Struct("<II")  # series, rows


class Codec(IntEnum):
    """How a chunk is written; its number stands beside it on the disk."""

    XOR_ZLIB = 1


class DamagedChunkError(StorageError):
    """Bytes that are no chunk; the message says what is wrong with them."""


def encode_chunk(columns: Columns, values: Values) -> bytes:
    """Return a family's samples as bytes.

    Args:
        columns: shape (k,), increasing.
        values: shape (n, k).
    """
    bits = np.ascontiguousarray(values.T).view(np.uint64)
    differences = bits.copy()
    differences[:, 1:] ^= bits[:, :-1]
    planes = np.ascontiguousarray(differences.reshape(-1, 1).view(np.uint8).T)
    body = np.diff(columns, prepend=0).astype("<u4").tobytes() + planes.tobytes()
    return _SHAPE.pack(columns.size, len(values)) + zlib.compress(body, ZLIB_LEVEL)


def decode_chunk(data: bytes) -> Chunk:
    """Return what `encode_chunk` was given.

    Raises:
        DamagedChunkError: the bytes are no chunk.
    """
    try:
        series, rows = _SHAPE.unpack_from(data)
        body = zlib.decompress(memoryview(data)[_SHAPE.size :])
        columns = np.frombuffer(body, "<u4", series).cumsum(dtype=np.intp)
        planes = np.frombuffer(body, np.uint8, -1, 4 * series).reshape(8, series * rows)
    except (zlib.error, struct.error, ValueError) as error:
        raise DamagedChunkError(f"not a chunk: {error}") from None
    bits = np.ascontiguousarray(planes.T).view(np.uint64).reshape(series, rows)
    bits = np.bitwise_xor.accumulate(bits, axis=1)
    values = np.ascontiguousarray(bits.T).view(np.float64)
    values.flags.writeable = False
    return Chunk(columns, values, bool(is_gap(values).any()))


def encode_timestamps(timestamps: Timestamps) -> bytes:
    """Return timestamps, shape (n,), increasing, as bytes."""
    return zlib.compress(np.diff(timestamps, prepend=0).astype("<i8").tobytes(), ZLIB_LEVEL)


def decode_timestamps(data: bytes) -> Timestamps:
    """Return what `encode_timestamps` was given.

    Raises:
        DamagedChunkError: the bytes are no timestamps.
    """
    try:
        timestamps = np.frombuffer(zlib.decompress(data), "<i8").cumsum(dtype=np.int64)
    except (zlib.error, ValueError) as error:
        raise DamagedChunkError(f"not timestamps: {error}") from None
    timestamps.flags.writeable = False
    return timestamps
