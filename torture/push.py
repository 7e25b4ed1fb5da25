"""Bodies of remote write, encoded by hand: shares nothing with what reads them."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Final

import cramjam

HEADERS: Final = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}

Sample = tuple[int, float]


def write_request(series: Sequence[tuple[Mapping[str, str], Sequence[Sample]]]) -> bytes:
    """Return a compressed body of these series; label names in order, as the protocol wants."""
    return bytes(cramjam.snappy.compress_raw(b"".join(_series(*one) for one in series)))


def _series(labels: Mapping[str, str], samples: Sequence[Sample]) -> bytes:
    fields = [
        message(1, message(1, name.encode()) + message(2, value.encode()))
        for name, value in sorted(labels.items())
    ]
    fields += [
        message(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(at_ms))
        for at_ms, value in samples
    ]
    return message(1, b"".join(fields))


def message(number: int, content: bytes) -> bytes:
    """Return a field that holds bytes."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    """Return a number, seven bits a byte."""
    digits = []
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*digits, value])
