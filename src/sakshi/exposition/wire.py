"""Protocol Buffers' wire format: a message's bytes to its fields, without a schema.

    message = { key value }     key = varint (number << 3 | type)
    type 0: varint    1: 8 bytes    2: varint length, then as many bytes    5: 4 bytes

Whoever reads a message knows its fields by number; unknown ones are passed over.

Source:
    https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sakshi.exposition.errors import WireFormatError

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5

VARINT_BYTES_MAX: Final = 10  # of 64 bits, seven in each byte

_FIXED_BYTES: Final = {FIXED64: 8, FIXED32: 4}

Field = tuple[int, int, "int | bytes"]
"""Number, type, and what it holds: a number for a varint, else the bytes."""


def iter_fields(message: bytes) -> Iterator[Field]:
    """Yield the fields of a message in the order in which they stand there.

    Raises:
        WireFormatError: the bytes are no message.

    Example:
        >>> list(iter_fields(bytes.fromhex("089601120161")))
        [(1, 0, 150), (2, 2, b'a')]
    """
    position, end = 0, len(message)
    while position < end:
        start = position
        key, position = read_varint(message, position)
        number, kind = key >> 3, key & 7
        if not number:
            raise WireFormatError(start, "a field's number above 0", "0")
        if kind == VARINT:
            value, position = read_varint(message, position)
            yield number, kind, value
            continue
        if kind == BYTES:
            size, position = read_varint(message, position)
        elif kind in _FIXED_BYTES:
            size = _FIXED_BYTES[kind]
        else:
            raise WireFormatError(start, "a field of type 0, 1, 2 or 5", f"type {kind}")
        if position + size > end:
            raise WireFormatError(position, f"{size} bytes", f"{end - position}")
        yield number, kind, message[position : position + size]
        position += size


def read_varint(message: bytes, position: int) -> tuple[int, int]:
    """Return the number, from 0 to 2^64 - 1, that begins at a position, and where it ends.

    Raises:
        WireFormatError: the message ends before it, or it has more than 64 bits.
    """
    start, value, shift = position, 0, 0
    for byte in message[position : position + VARINT_BYTES_MAX]:
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, position
        shift += 7
    if position - start < VARINT_BYTES_MAX:
        raise WireFormatError(start, "a number", "the end of the message")
    raise WireFormatError(start, "a number of at most 10 bytes", "a longer one")


def as_signed(value: int) -> int:
    """Return the int64 whose bits a varint holds."""
    return value - (1 << 64) if value >> 63 else value


def format_varint(value: int) -> bytes:
    """Return a number from 0 to 2^64 - 1 as a varint.

    Example:
        >>> format_varint(150).hex()
        '9601'
    """
    digits = bytearray()
    while value >= 0x80:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*digits, value))


def format_varint_field(number: int, value: int) -> bytes:
    """Return a field that holds a number."""
    return format_varint(number << 3 | VARINT) + format_varint(value)


def format_bytes_field(number: int, value: bytes) -> bytes:
    """Return a field that holds bytes: a text or a message."""
    return format_varint(number << 3 | BYTES) + format_varint(len(value)) + value
