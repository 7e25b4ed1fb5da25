"""Log records: the rows of one target that one commit made durable, as bytes.

Most series keep their value from one scrape to the next, so a row is written as what changed since
the row before it: a bitmap over the slots, and the changed values. Every now and then, and
whenever the slots were rearranged, a row is written in full. The bytes are drawn in
docs/formats/schema.md.

Values are copied as bits: a NaN keeps its payload. Each row carries the checksum of the whole row
that it stands for, columns included. So after a record that was lost, the reader goes on applying
changes, and takes rows again as soon as a checksum proves that nothing of the lost record matters
any more: at the next row in full, or earlier, when all that it changed has changed again.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sakshi.storage.errors import StorageError
from sakshi.storage.store import Columns, Values
from sakshi.storage.taken import Patch, TakenRows
from sakshi.storage.value import ABSENT

Bytes = NDArray[np.uint8]

ROWS_PER_FULL: Final = (
    60  # one in so many rows is written in full: what a lost record costs at most
)
ZLIB_LEVEL: Final = 1  # halves a record for 40 us; level 6 takes three times that for a tenth less

# kind, timestamp in ms, slots, columns that follow, values that follow, checksum of the whole row
_HEADER: Final = struct.Struct("<BqIIII")


class RowKind(IntEnum):
    """How a row is written."""

    FULL = 1
    """The column in each slot, and all values."""
    CHANGES = 2
    """The columns in new slots, a bitmap of the slots whose value changed, and those values."""
    LATE = 3
    """Some columns and their values, for a moment that has passed; not part of the chain."""


class DamagedRecordError(StorageError):
    """A record that cannot have been written so; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class EncodedRecord:
    """A record to be written: bounds inclusive; `is_full`: no record before it is needed."""

    start_ms: int
    end_ms: int
    row_count: int
    is_full: bool
    body: bytes


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A record that is on disk."""

    id: int
    end_ms: int
    is_full: bool


@dataclass(frozen=True, slots=True)
class LoggedRow:
    """A row as it was read; `columns` is the same object as long as the slots are.

    Args:
        is_late: whether the samples came for a moment that had passed.
    """

    timestamp_ms: int
    columns: Columns
    values: Values
    is_late: bool


class RowEncoder:
    """Writes the rows of one target, each relative to the one before."""

    def __init__(self) -> None:
        self._layout = -1
        self._previous: Values | None = None
        self._rows_since_full = 0
        self._columns_checksum = 0

    def reset(self) -> None:
        """Begin anew: what was encoded last did not reach the disk."""
        self._previous = None

    def encode(self, taken: TakenRows) -> EncodedRecord:
        """Return the record of these rows and patches; there is at least one of them."""
        if taken.layout != self._layout:
            self._previous = None
        if self._previous is None or self._previous.size != taken.columns.size:
            self._columns_checksum = zlib.crc32(_encode_columns(taken.columns))
        is_full = self._previous is None or self._rows_since_full >= ROWS_PER_FULL
        parts: list[bytes] = []
        for patch in taken.patches:  # first: they are older than all of the rows
            parts += _encode_late(patch)
        for timestamp_ms, row in zip(taken.timestamps.tolist(), taken.values, strict=True):
            parts += self._encode_row(timestamp_ms, taken.columns, row)
        if len(taken.timestamps):
            self._layout = taken.layout
            self._previous = taken.values[-1].copy()  # a view would keep its whole matrix alive
        moments = [*taken.timestamps.tolist(), *(patch.timestamp_ms for patch in taken.patches)]
        return EncodedRecord(
            start_ms=min(moments),
            end_ms=max(moments),
            row_count=len(moments),
            is_full=is_full and taken.timestamps.size > 0,
            body=zlib.compress(b"".join(parts), ZLIB_LEVEL),
        )

    def _encode_row(self, timestamp_ms: int, columns: Columns, row: Values) -> Sequence[bytes]:
        previous, self._previous = self._previous, row
        checksum = zlib.crc32(row.data, self._columns_checksum)
        if previous is None or self._rows_since_full >= ROWS_PER_FULL:
            self._rows_since_full = 1
            header = (RowKind.FULL, timestamp_ms, row.size, row.size, row.size, checksum)
            return _HEADER.pack(*header), _encode_columns(columns), row.tobytes()
        self._rows_since_full += 1
        added = row.size - previous.size
        if added:
            previous = np.concatenate([previous, np.full(added, ABSENT)])
        changed = row.view(np.uint64) != previous.view(np.uint64)
        values = row[changed]
        header = (RowKind.CHANGES, timestamp_ms, row.size, added, values.size, checksum)
        return (
            _HEADER.pack(*header),
            _encode_columns(columns[row.size - added :]),
            np.packbits(changed).tobytes(),
            values.tobytes(),
        )


class RowDecoder:
    """Reads the records of one target, in the order in which they were written."""

    def __init__(self) -> None:
        self._columns: Columns = np.empty(0, np.intp)
        self._row: Values = np.empty(0)
        self._columns_checksum = 0
        self._is_broken = False

    def break_chain(self) -> None:
        """Trust the next rows only by their checksum: a record was lost."""
        self._is_broken = True

    def decode(self, record: bytes) -> Iterator[LoggedRow]:
        """Yield the rows of a record; those that a lost record made unknowable are left out.

        Raises:
            DamagedRecordError: the bytes are no record.
        """
        try:
            body = memoryview(zlib.decompress(record))
            offset = 0
            while offset < len(body):
                row, offset = self._decode_row(body, offset)
                if row is not None:
                    yield row
        except (zlib.error, struct.error, ValueError) as error:
            raise DamagedRecordError(f"not a log record: {error}") from None

    def _decode_row(self, body: memoryview, offset: int) -> tuple[LoggedRow | None, int]:
        kind, timestamp_ms, width, added, count, checksum = _HEADER.unpack_from(body, offset)
        offset += _HEADER.size
        columns = _decode_columns(body, offset, added)
        offset += 4 * added
        if kind == RowKind.LATE:
            values = np.frombuffer(body, np.float64, count, offset)
            return LoggedRow(timestamp_ms, columns, values, True), offset + 8 * count
        if kind == RowKind.FULL:
            self._set_columns(columns)
            self._row = np.frombuffer(body, np.float64, count, offset)
        elif kind == RowKind.CHANGES:
            bitmap_bytes = (width + 7) // 8
            self._apply(
                width,
                columns,
                np.frombuffer(body, np.uint8, bitmap_bytes, offset),
                np.frombuffer(body, np.float64, count, offset + bitmap_bytes),
            )
            offset += bitmap_bytes
        else:
            raise ValueError(f"row of kind {kind}")
        if zlib.crc32(self._row.data, self._columns_checksum) == checksum:
            self._is_broken = False
            return LoggedRow(timestamp_ms, self._columns, self._row, False), offset + 8 * count
        if not self._is_broken:
            raise ValueError("wrong checksum of a row")
        return None, offset + 8 * count

    def _apply(self, width: int, added: Columns, bitmap: Bytes, values: Values) -> None:
        row = np.full(width, ABSENT)
        known = min(width, self._row.size)
        row[:known] = self._row[:known]
        row[np.unpackbits(bitmap, count=width).view(np.bool_)] = values
        self._row = row
        if added.size:
            self._set_columns(np.concatenate([self._columns, added]))

    def _set_columns(self, columns: Columns) -> None:
        self._columns = columns
        self._columns_checksum = zlib.crc32(_encode_columns(columns))


def _encode_late(patch: Patch) -> Sequence[bytes]:
    count = patch.columns.size
    header = _HEADER.pack(RowKind.LATE, patch.timestamp_ms, count, count, count, 0)
    return header, _encode_columns(patch.columns), patch.values.tobytes()


def _encode_columns(columns: Columns) -> bytes:
    """Columns as differences: neighbours become a run of ones, which compresses to nothing."""
    return np.diff(columns, prepend=0).astype("<i4").tobytes()


def _decode_columns(body: memoryview, offset: int, count: int) -> Columns:
    return np.frombuffer(body, "<i4", count, offset).cumsum(dtype=np.intp)
