"""Bodies as they come over the wire, to the bytes of an exposition, within a bound."""

from __future__ import annotations

import zlib
from typing import Final

from sakshi.scrape.errors import ScrapeError

_GZIP: Final = 16 + zlib.MAX_WBITS  # zlib's way to say: with gzip's header and checksum


def decode_body(body: bytes, encoding: str, bytes_max: int) -> bytes:
    """Return a body without its Content-Encoding, never decoding more than `bytes_max` + 1 bytes.

    Args:
        body: as received.
        encoding: the Content-Encoding, in any case; empty for none.
        bytes_max: of the result, inclusive.

    Raises:
        ScrapeError: the encoding was not asked for, the data is damaged or cut short, or the result
            is too large.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise ScrapeError(f'Content-Encoding "{encoding}" was not asked for')
    return _gunzip(body, bytes_max)


def too_large(bytes_max: int) -> ScrapeError:
    """Return the error for a body above its bound."""
    return ScrapeError(f"body size limit exceeded (limit: {bytes_max} bytes)")


def _gunzip(body: bytes, bytes_max: int) -> bytes:
    """Return the content of all members of a gzip stream."""
    parts, room = [], bytes_max + 1
    while True:
        decoder = zlib.decompressobj(_GZIP)
        try:
            parts.append(decoder.decompress(body, room))
        except zlib.error as error:
            raise ScrapeError("gzip data is damaged") from error
        room -= len(parts[-1])
        if room <= 0:
            raise too_large(bytes_max)
        if not decoder.eof:
            raise ScrapeError("gzip data is cut short")
        body = decoder.unused_data
        if not body:
            return parts[0] if len(parts) == 1 else b"".join(parts)
