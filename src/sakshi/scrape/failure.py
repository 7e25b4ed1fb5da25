"""What went wrong with a connection, in words for people."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from typing import Final

_ERRNO: Final = re.compile(r"\[Errno (\d+)\]")
_SENTENCES: Final = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset before a response",
    errno.ENETUNREACH: "network is unreachable",
    errno.EHOSTUNREACH: "no route to host",
    errno.ETIMEDOUT: "connection timed out",
}


def describe_failure(error: Exception) -> str:
    """Return what happened to a connection, in a few words."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"TLS certificate is not accepted: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS handshake failed: {error.reason or error}"
        case socket.gaierror():
            return f"host name is not resolved: {error.strerror}"
        case OSError():
            return _describe(error)
    return str(error)


def _describe(error: OSError) -> str:
    # asyncio reports several addresses that failed as one error without a number.
    numbers = {error.errno} if error.errno else set(map(int, _ERRNO.findall(str(error))))
    if len(numbers) == 1 and (sentence := _SENTENCES.get(numbers.pop() or 0)):
        return sentence
    return f"connection failed: {error.strerror or error}"
