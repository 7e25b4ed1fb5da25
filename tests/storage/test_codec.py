"""Chunks and timestamps as bytes."""

from __future__ import annotations

import random

import numpy as np
import pytest

from sakshi.storage.codec import (
    DamagedChunkError,
    decode_chunk,
    decode_timestamps,
    encode_chunk,
    encode_timestamps,
)
from sakshi.storage.value import ABSENT, STALE_MARKER


@pytest.mark.parametrize("seed", range(20))
def test_chunk_comes_back(seed: int) -> None:
    """Decoding undoes encoding, bit by bit, for any values and any shape."""
    chance = np.random.default_rng(seed)
    rows, series = int(chance.integers(1, 130)), int(chance.integers(1, 40))
    bits = chance.integers(0, 2**64, (rows, series), np.uint64, endpoint=False)
    columns = np.sort(chance.choice(1000, series, replace=False))

    chunk = decode_chunk(encode_chunk(columns, bits.view(np.float64)))

    assert chunk.columns.tolist() == columns.tolist()
    assert (chunk.values.view(np.uint64) == bits).all()


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
