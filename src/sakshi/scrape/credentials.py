"""Who sakshi is to a target: basic authentication, a token, or headers of its own.

A secret stands in the configuration, or in a file that is read anew for every request: tokens of
clouds live for an hour. Nothing here shows a secret, in a text or in a complaint.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from sakshi.scrape.errors import ScrapeError

SECRET_BYTES_MAX: Final = 64 << 10  # of a file; a token is not a device

_HEADER_VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")  # nothing that could end a header


class SecretSource(Protocol):
    """Something that knows a secret."""

    def reveal(self) -> str:
        """Return the value, for the wire and nothing else.

        Raises:
            ScrapeError: it cannot be had now.
        """


@dataclass(frozen=True)
class SecretFile:
    """A file that holds a secret, blanks around it not counted."""

    path: Path

    def reveal(self) -> str:
        """Return what the file holds now.

        Raises:
            ScrapeError: it cannot be read, or is not UTF-8.
        """
        try:
            with self.path.open("rb") as stream:
                return stream.read(SECRET_BYTES_MAX).decode().strip()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ScrapeError(f"secret file {self.path} cannot be read: {reason}") from None
        except UnicodeDecodeError:
            raise ScrapeError(f"secret file {self.path} is not a text in UTF-8") from None


@dataclass(frozen=True)
class MissingSecret:
    """A secret whose variable is not set: whoever needs it fails, with the reason."""

    reason: str

    def reveal(self) -> str:
        """Return nothing.

        Raises:
            ScrapeError: always.
        """
        raise ScrapeError(f"a secret is missing: {self.reason}")


@dataclass(frozen=True)
class BasicAuth:
    """A name and a password."""

    username: SecretSource
    password: SecretSource

    def value(self) -> str:
        """Return the value of the header `Authorization`."""
        pair = f"{self.username.reveal()}:{self.password.reveal()}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"


@dataclass(frozen=True)
class Authorization:
    """A token of some type: `Bearer`."""

    type: str
    credentials: SecretSource

    def value(self) -> str:
        """Return the value of the header `Authorization`."""
        return f"{self.type} {self.credentials.reveal()}"


Credentials = BasicAuth | Authorization


@dataclass(frozen=True)
class ExtraHeader:
    """A header that is configured, with its values: one line each."""

    name: str
    values: Sequence[SecretSource]


def header_lines(headers: Sequence[ExtraHeader]) -> list[str]:
    """Return headers of a request, a line for each value.

    Raises:
        ScrapeError: a secret cannot be had, or would end the header.
    """
    return [
        header_line(header.name, value.reveal()) for header in headers for value in header.values
    ]


def header_line(name: str, value: str) -> str:
    """Return a header of a request.

    Raises:
        ScrapeError: the value would end the header.
    """
    if not _HEADER_VALUE.fullmatch(value):
        raise ScrapeError(f"the secret for the header {name} has a line break or control character")
    return f"{name}: {value}"
