"""Chunks and timestamps as bytes."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from sakshi.storage.codec import (
    Codec,
    DamagedChunkError,
    decode_chunk,
    decode_timestamps,
    encode_chunk,
    encode_timestamps,
)
from sakshi.storage.store import Values
from sakshi.storage.value import ABSENT, STALE_MARKER

Make = Callable[[np.random.Generator, tuple[int, int]], Values]

# A chunk as sakshi wrote it before pcodec: columns 3 and 9, two rows.
OLD_COLUMNS, OLD_VALUES = [3, 9], [[1.0, float("nan")], [1.5, -0.0]]
OLD_CHUNK = bytes.fromhex("02000000020000007801636660606003625ce003c78f1ff60cf5ff0116d104af")


def with_holes(chance: np.random.Generator, shape: tuple[int, int]) -> Values:
    values = chance.random(shape)
    values[chance.random(shape) < 0.1] = ABSENT
    values[chance.random(shape) < 0.1] = STALE_MARKER
    return values


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(
            lambda chance, shape: chance.integers(0, 2**64, shape, np.uint64).view(np.float64),
            id="any bits",
        ),
        pytest.param(
            lambda chance, shape: chance.integers(0, 50, shape).cumsum(0) * 1.0, id="counts"
        ),
        pytest.param(
            lambda chance, shape: chance.integers(-(2**53), 2**53, shape, endpoint=True) * 1.0,
            id="all whole numbers",
        ),
        pytest.param(lambda chance, shape: chance.random(shape).round(1), id="decimals"),
        pytest.param(
            lambda chance, shape: chance.choice(
                [0.0, -0.0, 1.0, np.inf, -np.inf, 5e-324, 1.8e308, 2.0**53 + 2], shape
            ),
            id="edges",
        ),
        pytest.param(with_holes, id="holes and stale markers"),
    ],
)
def test_chunk_comes_back(seed: int, make: Make) -> None:
    """Decoding undoes encoding, bit by bit, for any values and any shape, stacked or not."""
    chance = np.random.default_rng(seed)
    rows, series = int(chance.integers(1, 130)), int(chance.integers(1, 40))
    values = make(chance, (rows, series))
    columns = np.sort(chance.choice(1000, series, replace=False))

    chunk = decode_chunk(encode_chunk(columns, values, chance.random(series) < 0.7))

    assert chunk.columns.tolist() == columns.tolist()
    assert (chunk.values.view(np.uint64) == values.view(np.uint64)).all()


def test_chunks_of_the_past_stay_readable() -> None:
    """What was written before pcodec is read as it was meant."""
    chunk = decode_chunk(OLD_CHUNK, Codec.XOR_ZLIB)

    assert chunk.columns.tolist() == OLD_COLUMNS
    assert (chunk.values.view(np.uint64) == np.array(OLD_VALUES).view(np.uint64)).all()


def test_buckets_shrink_as_differences() -> None:
    """Buckets that count the same requests cost little more than one of them."""
    counts = np.random.default_rng(1).integers(0, 50, (120, 1)).cumsum(0) * 1.0
    buckets = np.repeat(counts, 12, axis=1)
    columns = np.arange(12)

    apart = len(encode_chunk(columns, buckets))
    stacked = len(encode_chunk(columns, buckets, columns > 0))

    assert stacked < apart / 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(1.0, False, id="a number"),
        pytest.param(float("nan"), False, id="a measured NaN"),
        pytest.param(float(ABSENT), True, id="a hole"),
        pytest.param(float(STALE_MARKER), True, id="a stale marker"),
    ],
)
def test_chunk_knows_its_gaps(value: float, expected: bool) -> None:
    """A chunk has gaps where a value is a hole or a stale marker."""
    chunk = decode_chunk(encode_chunk(np.array([0, 1]), np.array([[1.0, 2.0], [3.0, value]])))

    assert chunk.has_gaps is expected


def test_timestamps_come_back() -> None:
    """Decoding undoes encoding for any increasing timestamps."""
    timestamps = np.array([-5, 0, 1, 1_700_000_000_000, 2**62])

    assert decode_timestamps(encode_timestamps(timestamps)).tolist() == timestamps.tolist()


def test_rubbish_is_refused() -> None:
    """Prefixes and random bytes raise our error only."""
    chunk = encode_chunk(np.array([0, 5]), np.ones((4, 2)))
    timestamps = encode_timestamps(np.array([1, 2, 3]))
    chance = random.Random(1)

    for bad in [chunk[:length] for length in range(len(chunk))]:
        with pytest.raises(DamagedChunkError):
            decode_chunk(bad)
    for bad in [timestamps[:length] for length in range(len(timestamps))]:
        with pytest.raises(DamagedChunkError):
            decode_timestamps(bad)
    for _ in range(200):
        with pytest.raises(DamagedChunkError):
            decode_chunk(chance.randbytes(chance.randrange(60)))
