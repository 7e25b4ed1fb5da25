"""The checksum of every row on disk: over its bytes, and over the numbers that say whose."""

from __future__ import annotations

import struct
import zlib


def checksum(data: bytes, *numbers: int) -> int:
    """Return the CRC-32 of some numbers, as 64 bits each, little-endian, and the data after them.

    Example:
        >>> checksum(b"abc"), checksum(b"abc", 1) == checksum(b"abc", 2)
        (891568578, False)
    """
    return zlib.crc32(data, zlib.crc32(struct.pack(f"<{len(numbers)}q", *numbers)))


def is_sound(expected: object, data: object, *numbers: object) -> bool:
    """Tell whether what was read from a row has the checksum that stands beside it.

    Where the file is damaged, a column may hold anything, of any type.
    """
    if not isinstance(data, bytes):
        return False
    integers = [number for number in numbers if isinstance(number, int)]
    return len(integers) == len(numbers) and checksum(data, *integers) == expected
