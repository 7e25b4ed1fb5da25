"""Sealed samples as bytes: a metric family of a span, and a span's timestamps.

A chunk holds each series' values in turn, as one stream of pcodec. Nothing changes a bit:

- Where all values are whole numbers, they are written as integers, and a bucket as its difference
  from the bucket below it, which is small and often zero. Integers have no rounding to lose.
- Other values are written as floats, which pcodec keeps bit by bit; the encoder reads back what it
  wrote all the same, for a value is worth more than the 5 ns that this takes.
- Where a value is a NaN (a hole and a stale marker are), its bits are written as integers.

`XOR_ZLIB` is how chunks were written before; they stay readable. Drawn in docs/formats/schema.md.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pcodec import ChunkConfig, standalone

from sakshi.storage.errors import StorageError
from sakshi.storage.history import Chunk
from sakshi.storage.store import Columns, Timestamps, Values
from sakshi.storage.value import is_gap

ZLIB_LEVEL: Final = 1
PCODEC: Final = ChunkConfig(compression_level=6)  # 8 saves 3 % more for twice the time
SAMPLES_MAX: Final = 1 << 27  # of a chunk; a larger number is damage, and would be a GiB
INTEGER_MAX: Final = float(1 << 53)  # up to here every integer is a float64 and the other way round

_SHAPE: Final = struct.Struct("<II")  # series, rows
_FORM: Final = struct.Struct("<BI")  # form of the values, bytes of the directory

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Codec(IntEnum):
    """How a chunk is written; its number stands beside it on the disk."""

    XOR_ZLIB = 1
    PCODEC = 2


class Form(IntEnum):
    """How a chunk of `Codec.PCODEC` writes its values."""

    INTEGERS = 1
    FLOATS = 2
    BITS = 3


class DamagedChunkError(StorageError):
    """Bytes that are no chunk; the message says what is wrong with them."""


def encode_chunk(columns: Columns, values: Values, is_stacked: Flags | None = None) -> bytes:
    """Return a family's samples as bytes, in `Codec.PCODEC`.

    Args:
        columns: shape (k,), increasing.
        values: shape (n, k).
        is_stacked: shape (k,): which columns are likely to be a little more than the one before
            them, as buckets are; None: none is.
    """
    series_major = np.ascontiguousarray(values.T)
    stacked = np.zeros(columns.size, np.bool_) if is_stacked is None else is_stacked
    form, body = _encode_values(series_major, stacked)
    directory = zlib.compress(
        np.diff(columns, prepend=0).astype("<u4").tobytes() + np.packbits(stacked).tobytes(),
        ZLIB_LEVEL,
    )
    return b"".join(
        [_SHAPE.pack(columns.size, len(values)), _FORM.pack(form, len(directory)), directory, body]
    )


def decode_chunk(data: bytes, codec: int = Codec.PCODEC) -> Chunk:
    """Return what `encode_chunk` was given, or what an earlier sakshi wrote.

    Raises:
        DamagedChunkError: the bytes are no chunk, or their codec is not known.
    """
    decode = _DECODERS.get(codec)
    if decode is None:
        raise DamagedChunkError(f"codec {codec}, which a newer sakshi may know")
    try:
        columns, values = decode(data)
    except (zlib.error, struct.error, ValueError, RuntimeError, TypeError) as error:
        raise DamagedChunkError(f"not a chunk: {error}") from None
    values.flags.writeable = False
    return Chunk(columns, values, bool(np.isnan(values).any() and is_gap(values).any()))


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


def _encode_values(values: Values, is_stacked: Flags) -> tuple[Form, bytes]:
    """Return the values, shape (k, n), in the form that suits them."""
    integers = _as_integers(values)
    if integers is not None:
        return Form.INTEGERS, _compress(_unstack(integers, is_stacked))
    if not np.isnan(values).any():
        body = _compress(values)
        if np.array_equal(
            _decompress(body, values.shape, np.float64).view(np.int64), _bits(values)
        ):
            return Form.FLOATS, body
    return Form.BITS, _compress(_bits(values))


def _decode_values(form: int, body: bytes, shape: tuple[int, int], is_stacked: Flags) -> Values:
    if form == Form.INTEGERS:
        return _stack(_decompress(body, shape, np.int64), is_stacked).astype(np.float64)
    if form == Form.FLOATS:
        floats: Values = _decompress(body, shape, np.float64)
        return floats
    if form == Form.BITS:
        bits: Values = _decompress(body, shape, np.int64).view(np.float64)
        return bits
    raise ValueError(f"values in form {form}")


def _as_integers(values: Values) -> Integers | None:
    """Return values that are whole numbers as integers; None where bits would be lost."""
    with np.errstate(invalid="ignore"):
        if not (np.abs(values) <= INTEGER_MAX).all():  # nor is a NaN
            return None
    integers = values.astype(np.int64)
    back = integers.astype(np.float64)
    return integers if np.array_equal(_bits(back), _bits(values)) else None  # -0.0 has a sign


def _unstack(integers: Integers, is_stacked: Flags) -> Integers:
    """Return the integers, those of stacked series less those of the series before."""
    if not is_stacked[1:].any():
        return integers
    differences = integers.copy()
    differences[1:][is_stacked[1:]] -= integers[:-1][is_stacked[1:]]
    return differences


def _stack(differences: Integers, is_stacked: Flags) -> Integers:
    """Undo `_unstack`: a running sum that begins anew at each series that is not stacked."""
    if not is_stacked[1:].any():
        return differences
    sums = differences.cumsum(axis=0)
    starts = np.flatnonzero(~is_stacked)
    starts = starts if starts.size and starts[0] == 0 else np.insert(starts, 0, 0)
    before = np.zeros((starts.size, differences.shape[1]), np.int64)
    before[1:] = sums[starts[1:] - 1]
    counts = np.diff(starts, append=is_stacked.size)
    sums -= np.repeat(before, counts, axis=0)
    return sums


def _compress(values: NDArray[Any]) -> bytes:
    data: bytes = standalone.simple_compress(values.ravel(), PCODEC)
    return data


def _decompress(body: bytes, shape: tuple[int, int], dtype: Any) -> NDArray[Any]:
    """Return exactly so many values; what the bytes say of their number is not believed."""
    values = np.empty(shape[0] * shape[1], dtype)
    progress = standalone.simple_decompress_into(body, values)
    if progress.n_processed != values.size or not progress.finished:
        raise ValueError(f"{progress.n_processed} values, not {values.size}")
    return values.reshape(shape)


def _bits(values: Values) -> Integers:
    return values.view(np.int64)


def _decode_pcodec(data: bytes) -> tuple[Columns, Values]:
    series, rows = _SHAPE.unpack_from(data)
    form, directory_bytes = _FORM.unpack_from(data, _SHAPE.size)
    if series * rows > SAMPLES_MAX:
        raise ValueError(f"{series} series of {rows} rows")
    begin = _SHAPE.size + _FORM.size
    directory = zlib.decompress(data[begin : begin + directory_bytes])
    columns = np.frombuffer(directory, "<u4", series).cumsum(dtype=np.intp)
    flags = np.frombuffer(directory, np.uint8, (series + 7) // 8, 4 * series)
    is_stacked = np.unpackbits(flags, count=series).view(np.bool_)
    values = _decode_values(form, data[begin + directory_bytes :], (series, rows), is_stacked)
    return columns, np.ascontiguousarray(values.T)


def _decode_xor_zlib(data: bytes) -> tuple[Columns, Values]:
    series, rows = _SHAPE.unpack_from(data)
    body = zlib.decompress(memoryview(data)[_SHAPE.size :])
    columns = np.frombuffer(body, "<u4", series).cumsum(dtype=np.intp)
    planes = np.frombuffer(body, np.uint8, -1, 4 * series).reshape(8, series * rows)
    bits = np.ascontiguousarray(planes.T).view(np.uint64).reshape(series, rows)
    bits = np.bitwise_xor.accumulate(bits, axis=1)
    return columns, np.ascontiguousarray(bits.T).view(np.float64)


_DECODERS: Final[Mapping[int, Callable[[bytes], tuple[Columns, Values]]]] = {
    Codec.XOR_ZLIB: _decode_xor_zlib,
    Codec.PCODEC: _decode_pcodec,
}
