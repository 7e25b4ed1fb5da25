"""A batch of samples as bytes, from `sakshi import` to a sakshi that runs.

    ┌────────┬──────────────┬──────────────┬────────┬────────────┬────────────┬────────────┐
    │ SAKSH1 │ series_bytes │ sample_count │ series │ places     │ timestamps │ values     │
    │        │     u32      │     u32      │  JSON  │ u32 a sample, i64 a sample, f64 ... │
    └────────┴──────────────┴──────────────┴────────┴────────────┴────────────┴────────────┘

`series` is a list of label sets, each a list of pairs `["name", "value"]`; a sample's place is the
position of its series in it. Everything is little-endian. Values are copied as bits.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray

from sakshi.model.errors import BadInputError, Problem
from sakshi.storage.import_batch import ImportBatch
from sakshi.storage.store import Timestamps, Values

CONTENT_TYPE: Final = "application/x-sakshi-samples"

_MAGIC: Final = b"SAKSH1"
_HEADER: Final = struct.Struct("<6sII")
_SAMPLE_BYTES: Final = 4 + 8 + 8

Pairs = Sequence[tuple[str, str]]


class ImportBodyError(BadInputError):
    """The bytes are no batch: `byte 17: expected ..., found ...`."""

    def __init__(self, position: int, expected: str, found: str) -> None:
        super().__init__(Problem(f"byte {position}", expected, found))


@dataclass(frozen=True)
class ImportBody:
    """What a body says; nobody has looked at its label sets yet.

    Args:
        series: the pairs of each label set.
        places: shape (n,), each below `len(series)`.
        timestamps: shape (n,).
        values: shape (n,).
    """

    series: Sequence[Pairs]
    places: NDArray[np.intp]
    timestamps: Timestamps
    values: Values


def encode_import(batch: ImportBatch) -> bytes:
    """Return a batch as bytes."""
    series = orjson.dumps([labels.pairs for labels in batch.series])
    return b"".join(
        [
            _HEADER.pack(_MAGIC, len(series), len(batch)),
            series,
            batch.places.astype("<u4").tobytes(),
            batch.timestamps.astype("<i8").tobytes(),
            batch.values.astype("<f8").tobytes(),
        ]
    )


def decode_import(body: bytes) -> ImportBody:
    """Return what `encode_import` was given.

    Raises:
        ImportBodyError: the bytes are no batch.
    """
    if len(body) < _HEADER.size:
        raise ImportBodyError(0, f"{_HEADER.size} bytes or more", f"{len(body)}")
    magic, series_bytes, count = _HEADER.unpack_from(body)
    if magic != _MAGIC:
        raise ImportBodyError(0, _MAGIC.decode(), f"{magic!r}")
    size = _HEADER.size + series_bytes + _SAMPLE_BYTES * count
    if len(body) != size:
        raise ImportBodyError(6, f"{size} bytes by these counts", f"{len(body)}")
    begin = _HEADER.size + series_bytes
    series = _read_series(body[_HEADER.size : begin])
    places = np.frombuffer(body, "<u4", count, begin).astype(np.intp)
    if count and int(places.max()) >= len(series):
        raise ImportBodyError(begin, f"places below {len(series)}", f"{places.max()}")
    return ImportBody(
        series,
        places,
        np.frombuffer(body, "<i8", count, begin + 4 * count).astype(np.int64),
        np.frombuffer(body, "<f8", count, begin + 12 * count).astype(np.float64),
    )


def _read_series(text: bytes) -> Sequence[Pairs]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ImportBodyError(_HEADER.size, "JSON", f"none: {error}") from None
    if not isinstance(found, list):
        raise ImportBodyError(_HEADER.size, "a list of label sets", type(found).__name__)
    for position, pairs in enumerate(found):
        if not (isinstance(pairs, list) and all(map(_is_pair, pairs))):
            expected = f'label set {position} as a list of pairs ["name", "value"]'
            raise ImportBodyError(_HEADER.size, expected, orjson.dumps(pairs).decode()[:80])
    return [[(name, value) for name, value in pairs] for pairs in found]


def _is_pair(pair: object) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(isinstance(x, str) for x in pair)
