"""The hash of a label set that `limit_ratio` draws by: the one that Prometheus draws by.

Source:
    https://xxhash.com: XXH64, seed 0
    prometheus/prometheus model/labels/labels_stringlabels.go, Hash: each name and each value with
    its length before it, in one byte, or from 255 on in three more.
"""

from __future__ import annotations

from typing import Final

from sakshi.model.labels import Labels

HASH_MAX: Final = 2**64 - 1

_PRIMES: Final = (
    11400714785074694791,
    14029467366897019727,
    1609587929392839161,
    9650029242287828579,
    2870177450012600261,
)
_STRIPE: Final = 32  # bytes that four lanes take at once
_LENGTH_IN_ONE_BYTE_MAX: Final = 254


def label_hash(labels: Labels) -> int:
    """Return the hash of a label set, 0 to 2^64 - 1."""
    return xxh64(b"".join(_sized(text.encode()) for pair in labels.pairs for text in pair))


def _sized(text: bytes) -> bytes:
    if len(text) <= _LENGTH_IN_ONE_BYTE_MAX:
        return bytes([len(text)]) + text
    return b"\xff" + len(text).to_bytes(3, "little") + text


def xxh64(data: bytes) -> int:
    """Return the XXH64 of bytes, seed 0.

    Example:
        >>> f"{xxh64(b''):x} {xxh64(b'Nobody inspects the spammish repetition'):x}"
        'ef46db3751d8e999 fbcea83c8a378bf1'
    """
    first, second, third, fourth, fifth = _PRIMES
    position = len(data) // _STRIPE * _STRIPE
    accumulator = _stripes(data[:position]) if position else fifth
    accumulator = (accumulator + len(data)) & HASH_MAX
    while position + 8 <= len(data):
        lane = int.from_bytes(data[position : position + 8], "little")
        accumulator = _rotated(accumulator ^ _round(0, lane), 27) * first + fourth & HASH_MAX
        position += 8
    if position + 4 <= len(data):
        lane = int.from_bytes(data[position : position + 4], "little")
        accumulator = _rotated(accumulator ^ (lane * first & HASH_MAX), 23) * second + third
        accumulator &= HASH_MAX
        position += 4
    for byte in data[position:]:
        accumulator = _rotated(accumulator ^ (byte * fifth & HASH_MAX), 11) * first & HASH_MAX
    accumulator = (accumulator ^ accumulator >> 33) * second & HASH_MAX
    accumulator = (accumulator ^ accumulator >> 29) * third & HASH_MAX
    return accumulator ^ accumulator >> 32


def _stripes(data: bytes) -> int:
    """Return the four lanes of whole stripes, merged."""
    first, second, _, fourth, _ = _PRIMES
    lanes = [(first + second) & HASH_MAX, second, 0, -first & HASH_MAX]
    for start in range(0, len(data), 8):
        lane = start // 8 % 4
        lanes[lane] = _round(lanes[lane], int.from_bytes(data[start : start + 8], "little"))
    merged = sum(map(_rotated, lanes, (1, 7, 12, 18))) & HASH_MAX
    for lane in lanes:
        merged = (merged ^ _round(0, lane)) * first + fourth & HASH_MAX
    return merged


def _round(accumulator: int, lane: int) -> int:
    first, second, *_ = _PRIMES
    return _rotated(accumulator + lane * second & HASH_MAX, 31) * first & HASH_MAX


def _rotated(number: int, bits: int) -> int:
    return (number << bits | number >> (64 - bits)) & HASH_MAX
