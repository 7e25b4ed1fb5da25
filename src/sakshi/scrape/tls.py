"""TLS towards targets: whom to believe, and who to be."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sakshi.model.secret import Secret
from sakshi.scrape.errors import ScrapeError

VERSIONS: Final[Mapping[str, ssl.TLSVersion]] = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
"""Prometheus' names of the versions."""


@dataclass(frozen=True)
class TlsConfig:
    """Prometheus' `tls_config`.

    Args:
        ca: certificates in PEM; empty: those of `ca_file`, or the system's.
        ca_file: path of such certificates.
        cert: sakshi's own certificate in PEM, with `key`; or by path, `cert_file` and `key_file`.
        server_name: by which the target's certificate must be; empty: that of the address.
        insecure_skip_verify: whether any certificate will do.
        min_version: one of `VERSIONS`; empty: TLS12.
        max_version: one of `VERSIONS`; empty: the newest.
    """

    ca: str = ""
    ca_file: Path | None = None
    cert: str = ""
    cert_file: Path | None = None
    key: Secret | None = None
    key_file: Path | None = None
    server_name: str = ""
    insecure_skip_verify: bool = False
    min_version: str = ""
    max_version: str = ""


class TlsContexts:
    """The TLS context of a job, made anew when one of its files has changed.

    Loading certificates takes milliseconds, so it is not done for every connection.
    """

    def __init__(self, config: TlsConfig) -> None:
        self._config = config
        self._context: ssl.SSLContext | None = None
        self._stamps: tuple[int, ...] = ()

    def get(self) -> ssl.SSLContext:
        """Return the context.

        Raises:
            ScrapeError: a file cannot be read, or holds no certificate.
        """
        try:
            stamps = tuple(
                path.stat().st_mtime_ns
                for path in (self._config.ca_file, self._config.cert_file, self._config.key_file)
                if path is not None
            )
            if self._context is None or stamps != self._stamps:
                self._context, self._stamps = make_context(self._config), stamps
        except (OSError, ValueError) as error:  # an SSLError is an OSError
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
            raise ScrapeError(f"TLS certificates cannot be loaded: {reason}") from None
        return self._context


def make_context(config: TlsConfig) -> ssl.SSLContext:
    """Return the context of a configuration.

    Raises:
        OSError: a file cannot be read, or holds no certificate.
        ValueError: the minimum is above the maximum.
    """
    context = ssl.create_default_context(cafile=config.ca_file, cadata=config.ca or None)
    if config.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.minimum_version = VERSIONS[config.min_version or "TLS12"]
    if config.max_version:
        context.maximum_version = VERSIONS[config.max_version]
    if config.cert_file is not None:
        context.load_cert_chain(config.cert_file, config.key_file)
    elif config.cert:
        _load_inline(context, config)
    return context


def _load_inline(context: ssl.SSLContext, config: TlsConfig) -> None:
    """Load a certificate that stands in the configuration: OpenSSL takes it from a file only."""
    key = config.key.reveal() if config.key is not None else ""
    with tempfile.NamedTemporaryFile(delete=False) as stream:  # readable by this user only
        stream.write(f"{config.cert}\n{key}\n".encode())
    try:
        context.load_cert_chain(stream.name, config.key_file)
    finally:
        Path(stream.name).unlink()
