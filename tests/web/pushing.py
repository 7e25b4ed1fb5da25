"""Bodies of remote write, made by hand: an encoder that shares nothing with what reads them."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import cramjam

Sample = tuple[int, float]


def write_request(
    *series: tuple[Mapping[str, str] | Sequence[tuple[str, str]], Sequence[Sample]],
) -> bytes:
    """Return a compressed body of these series."""
    return compress(b"".join(time_series(labels, samples) for labels, samples in series))


def compress(message: bytes) -> bytes:
    """Return a message as snappy's block format has it."""
    return bytes(cramjam.snappy.compress_raw(message))


def time_series(
    labels: Mapping[str, str] | Sequence[tuple[str, str]],
    samples: Sequence[Sample],
    rest: bytes = b"",
) -> bytes:
    """Return a series with its samples, as a field of a write request."""
    pairs = sorted(labels.items()) if isinstance(labels, Mapping) else labels
    label_fields = [
        message(1, message(1, name.encode()) + message(2, value.encode())) for name, value in pairs
    ]
    return message(
        1, b"".join([*label_fields, *(message(2, sample(*one)) for one in samples), rest])
    )


def sample(timestamp_ms: int, value: float) -> bytes:
    """Return a sample; a value of +0.0 is left out, as Prometheus does."""
    bits = struct.pack("<d", value)
    return (b"\x09" + bits if any(bits) else b"") + b"\x10" + varint(timestamp_ms)


def message(number: int, content: bytes) -> bytes:
    """Return a field that holds bytes."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    """Return a number, a negative one as its 64 bits."""
    value &= (1 << 64) - 1
    digits = []
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*digits, value])
