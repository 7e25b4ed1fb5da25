"""What can go wrong in the reference service.

ServiceError
├── BadRequestError        the client's message is wrong: says which field, and how
├── OverloadedError        more messages are waiting than the service takes
├── NoAnswerError          every provider failed
├── PoolExhaustedError     no database connection became free in time
├── PortTakenError         another program listens on the port
└── ProviderError          one provider failed
    ├── ProviderRefusedError   it answered with an HTTP error
    └── ProviderWireError      the connection broke, or what came was not its protocol
"""

from __future__ import annotations

from collections.abc import Mapping


class ServiceError(Exception):
    """Root of the reference service's errors."""


class BadRequestError(ServiceError):
    """A client's message that cannot be used.

    Args:
        status: the HTTP status that fits, 400 to 499.
        field: the field that is wrong; empty where the whole body is.
        reason: what was expected and what came.
    """

    def __init__(self, status: int, field: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.field, self.reason = status, field, reason


class OverloadedError(ServiceError):
    """The queue is full; try again after `retry_after_seconds`."""

    retry_after_seconds = 1


class NoAnswerError(ServiceError):
    """Every provider failed; `failures` says how, by provider."""

    def __init__(self, failures: Mapping[str, Exception]) -> None:
        self.failures = dict(failures)
        super().__init__("; ".join(f"{name}: {error}" for name, error in failures.items()))


class PoolExhaustedError(ServiceError):
    """No database connection became free within the pool's time."""


class PortTakenError(ServiceError):
    """Another program listens on `host:port`."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        super().__init__(f"port {port} on {host} is taken")


class ProviderError(ServiceError):
    """One provider failed."""


class ProviderRefusedError(ProviderError):
    """The provider answered with an HTTP error; 429 and 5xx may pass."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(f"HTTP {status}: {message}")


class ProviderWireError(ProviderError):
    """The connection broke, or what the provider sent is not its protocol."""
