"""Reads secrets and addresses: given as they are, by `${NAME}`, or by the path of a file.

What is not there (a variable that is not set, a file that does not exist) is no problem of the
file: the integration that needs it is left out, with a warning. A value is never part of a
complaint.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sakshi.alerting import Secret
from sakshi.config.document import describe_failure
from sakshi.config.section import Section

SECRET_BYTES_MAX: Final = 64 << 10  # of a file; a password is not a device


def read_secret(section: Section, key: str, folder: Path) -> Secret | None:
    """Return a secret; None where there is none, or where what it needs is not there.

    Args:
        section: has `key`, or `key` with `_file` behind it.
        key: of the secret.
        folder: what the path of a file is relative to.
    """
    file_key = f"{key}_file"
    if key in section and file_key in section:
        section.problem(file_key, f"either {key} or {file_key}", "both")
    value = section.expanded(key)
    name = section.expanded(file_key)
    if value is None and name is not None:
        value = _read_file(section, file_key, folder / name)
    return Secret(value) if value else None


def read_secret_url(section: Section, key: str, folder: Path) -> Secret | None:
    """Return an address that is a secret; see `read_secret`."""
    secret = read_secret(section, key, folder)
    if secret is not None:
        _check_url(section, key if key in section else f"{key}_file", secret.reveal())
    return secret


def read_url(section: Section, key: str) -> str | None:
    """Return an address; None where there is none, or where its variable is not set."""
    url = section.expanded(key) or None
    if url is not None:
        _check_url(section, key, url)
    return url


def is_url(text: str) -> bool:
    """Tell whether a text is an address of HTTP.

    Example:
        >>> is_url("https://hooks.example.org/T0/B0"), is_url("hooks.example.org/T0/B0")
        (True, False)
    """
    if not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _check_url(section: Section, key: str, url: str) -> None:
    if not is_url(url):
        section.problem(key, "an address like https://example.org/path", "something else")


def _read_file(section: Section, key: str, path: Path) -> str | None:
    try:
        with path.open("rb") as stream:
            content = stream.read(SECRET_BYTES_MAX)
        text = content.decode().strip()
    except OSError as error:
        section.unset[key] = [f"{path}: {describe_failure(error)}"]
        return None
    except UnicodeDecodeError:
        section.problem(key, "a file with a text in UTF-8", os.fspath(path))
        return None
    if not text:
        section.problem(key, "a file with a secret in it", f"nothing in {path}")
    return text
