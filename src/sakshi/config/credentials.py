"""Reads who sakshi is to a server: a name and a password, or a token, and where they come from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from sakshi.config.section import Section
from sakshi.model.secret import Secret
from sakshi.scrape.credentials import (
    Authorization,
    BasicAuth,
    Credentials,
    MissingSecret,
    SecretFile,
    SecretSource,
)

_TOKEN: Final = re.compile(r"[!-~]+")
_CREDENTIALS: Final = (
    "basic_auth",
    "authorization",
    "bearer_token",
    "bearer_token_file",
    "oauth2",
)


def read_credentials(section: Section, folder: Path) -> Credentials | None:
    """Return `basic_auth`, `authorization` or a bearer token; None where there is none of them."""
    given = [key for key in _CREDENTIALS if key in section]
    if len(given) > 1:
        section.problem(given[1], f"one of {', '.join(_CREDENTIALS)}", f"{given[0]} too")
    token = read_source(section, "bearer_token", folder)
    basic, authorization = section.section("basic_auth"), section.section("authorization")
    if "basic_auth" in section:
        return read_basic_auth(basic, folder)
    if "authorization" in section:
        return read_authorization(authorization, folder)
    return None if token is None else Authorization("Bearer", token)


def read_basic_auth(section: Section, folder: Path) -> Credentials:
    """Return `basic_auth`; without a password, the empty one is sent."""
    username = read_source(section, "username", folder)
    password = read_source(section, "password", folder)
    section.close()
    return BasicAuth(username or Secret(""), password or Secret(""))


def read_authorization(section: Section, folder: Path) -> Credentials:
    """Return `authorization`."""
    kind = section.text("type", "Bearer")
    if not _TOKEN.fullmatch(kind):
        section.problem("type", 'one word, like "Bearer"')
    elif kind.lower() == "basic":
        section.problem("type", "basic_auth in place of the type Basic")
    credentials = read_source(section, "credentials", folder)
    section.close()
    return Authorization(kind, credentials or Secret(""))


def read_source(section: Section, key: str, folder: Path) -> SecretSource | None:
    """Return a secret that stands at a key, or in a file named by `KEY_file`; None without both.

    `${NAME}` is replaced from the environment. A file is not read yet: it may change.
    """
    file_key = f"{key}_file"
    if key in section and file_key in section:
        section.problem(file_key, f"either {key} or {file_key}", "both")
    value, name = section.expanded(key), section.expanded(file_key)
    missing = [*section.unset.get(key, ()), *section.unset.get(file_key, ())]
    if missing:
        reason = "; ".join(missing)
        section.warn(key if key in section else file_key, f"{reason}: every request will fail")
        return MissingSecret(reason)
    if value is not None:
        if any(ord(character) < 32 and character != "\t" for character in value):
            section.problem(key, "a text of one line", "a line break or control character")
        return Secret(value)
    return None if name is None else _source_file(section, file_key, folder / name)


def _source_file(section: Section, key: str, path: Path) -> SecretFile:
    if not path.exists():
        section.warn(key, f"{path} does not exist: until it does, every request will fail")
    return SecretFile(path)
