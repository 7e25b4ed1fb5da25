"""Bodies of requests, read whole within a bound."""

from __future__ import annotations

import zlib
from typing import Final

from starlette.requests import ClientDisconnect, Request

from sakshi.web.errors import ApiError, ErrorKind

PART_BYTES: Final = 1 << 20  # zlib lays out twice what it returns at once

_GZIP_BITS: Final = 16 + zlib.MAX_WBITS


async def read_body(request: Request, bytes_max: int) -> bytes:
    """Return a request's body.

    Raises:
        ApiError: it is larger, or the client left before its end.
    """
    body = bytearray()
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > bytes_max:
        raise ApiError(ErrorKind.TOO_LARGE, f"a body of more than {bytes_max} bytes")
    try:
        async for part in request.stream():
            body += part
            if len(body) > bytes_max:
                raise ApiError(ErrorKind.TOO_LARGE, f"a body of more than {bytes_max} bytes")
    except ClientDisconnect:
        raise ApiError(ErrorKind.BAD_DATA, "the client left before its body was complete") from None
    return bytes(body)


def decompress_gzip(body: bytes, bytes_max: int) -> bytes:
    """Return what gzip compressed.

    Raises:
        ApiError: it is not gzip's, not complete, or larger.
    """
    reader = zlib.decompressobj(_GZIP_BITS)
    parts, size = [], 0
    try:
        while part := reader.decompress(body, PART_BYTES):
            body = reader.unconsumed_tail
            parts.append(part)
            size += len(part)
            if size > bytes_max:
                text = f"a body of more than {bytes_max} bytes uncompressed"
                raise ApiError(ErrorKind.TOO_LARGE, text)
    except zlib.error as error:
        raise ApiError(
            ErrorKind.BAD_DATA, f"expected gzip, found something else: {error}"
        ) from None
    if not reader.eof:
        raise ApiError(ErrorKind.BAD_DATA, "expected gzip, found less than all of it")
    return b"".join(parts)


def media_type(request: Request) -> tuple[str, dict[str, str]]:
    """Return the type of a body, in lower case, and its parameters; empty where none is named."""
    first, *rest = request.headers.get("content-type", "").split(";")
    pairs = (part.partition("=") for part in rest)
    parameters = {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
    return first.strip().lower(), parameters
