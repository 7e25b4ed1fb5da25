"""What can be wrong with a request, and with the address that is listened at.

SakshiError
└── WebError
    ├── ApiError             becomes an answer of the HTTP API: kind, message, HTTP status
    └── ListenError          the address cannot be had
        └── AddressInUseError  another process listens there
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from sakshi.model.errors import SakshiError

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class ErrorKind(Enum):
    """The `errorType` of the HTTP API, with its HTTP status.

    Source:
        prometheus/prometheus web/api/v1/api.go, errorType and respondError.
    """

    BAD_DATA = ("bad_data", 400)
    FORBIDDEN = ("forbidden", 403)
    NOT_FOUND = ("not_found", 404)
    METHOD = ("bad_data", 405)
    CONFLICT = ("conflict", 409)
    TOO_LARGE = ("bad_data", 413)
    EXECUTION = ("execution", 422)
    INTERNAL = ("internal", 500)
    TIMEOUT = ("timeout", 503)
    UNAVAILABLE = ("unavailable", 503)

    @property
    def word(self) -> str:
        """The value of `errorType`."""
        return self.value[0]

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.value[1]


class WebError(SakshiError):
    """Root of the web package's errors."""


class ApiError(WebError):
    """A request that is answered with an error; the message is shown to the client.

    Args:
        kind: gives `errorType` and status.
        message: shown to the client.
        headers: of the answer, such as Retry-After.
    """

    def __init__(
        self, kind: ErrorKind, message: str, headers: Mapping[str, str] = NO_HEADERS
    ) -> None:
        self.kind = kind
        self.headers = headers
        super().__init__(message)


class ListenError(WebError):
    """The address cannot be listened at; the message names it and the system's reason."""


class AddressInUseError(ListenError):
    """Another process listens at the address.

    Args:
        host: as it was asked for.
        port: above 0.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        super().__init__(f"{format_address(host, port)} is in use by another process")


def format_address(host: str, port: int) -> str:
    """Return `host:port`, an IPv6 host in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
