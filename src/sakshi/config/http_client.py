"""Reads how servers are spoken to: the keys of Prometheus' `http_config`, wherever they stand.

A secret is never part of a complaint. What it needs may be missing (a variable, a file): then the
job is scraped all the same, and fails with words that say what is missing; nothing else is sent.

Source:
    prometheus/common config/http_config.go
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sakshi.config.secret import is_url
from sakshi.config.section import Section
from sakshi.model.secret import Secret
from sakshi.scrape.client import HttpConfig
from sakshi.scrape.credentials import (
    Authorization,
    BasicAuth,
    Credentials,
    ExtraHeader,
    MissingSecret,
    SecretFile,
    SecretSource,
)
from sakshi.scrape.proxy import ProxyConfig
from sakshi.scrape.tls import VERSIONS, TlsConfig

UNSUPPORTED_HTTP: Final = ("oauth2", "proxy_connect_header", "proxy_from_environment")

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TOKEN: Final = re.compile(r"[!-~]+")
_RESERVED: Final = frozenset(
    {
        *("accept", "accept-encoding", "authorization", "connection", "content-length", "host"),
        *("keep-alive", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"),
        *("user-agent", "x-prometheus-scrape-timeout-seconds"),
    }
)
"""Headers that sakshi sends itself."""

_CREDENTIALS: Final = ("basic_auth", "authorization", "bearer_token", "bearer_token_file")


def read_http_config(section: Section, folder: Path) -> HttpConfig:
    """Return the keys of `http_config` in a section.

    Args:
        section: of a job, or of a discovery by HTTP; closed by whoever opened it.
        folder: what paths in it are relative to.
    """
    section.boolean("enable_http2", True)
    section.unsupported(UNSUPPORTED_HTTP)
    return HttpConfig(
        credentials=read_credentials(section, folder),
        tls=read_tls(section, folder),
        proxy=read_proxy(section),
        follow_redirects=section.boolean("follow_redirects", True),
        headers=read_headers(section, folder),
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


def read_tls(section: Section, folder: Path) -> TlsConfig:
    """Return `tls_config`."""
    if "tls_config" not in section:
        section.section("tls_config")
        return TlsConfig()
    tls = section.section("tls_config")
    key = tls.expanded("key")
    config = TlsConfig(
        ca=tls.text("ca", ""),
        ca_file=_path(tls, "ca_file", folder),
        cert=tls.text("cert", ""),
        cert_file=_path(tls, "cert_file", folder),
        key=Secret(key) if key else None,
        key_file=_path(tls, "key_file", folder),
        server_name=tls.text("server_name", ""),
        insecure_skip_verify=tls.boolean("insecure_skip_verify", False),
        min_version=tls.one_of("min_version", ("", *VERSIONS), ""),
        max_version=tls.one_of("max_version", ("", *VERSIONS), ""),
    )
    for name in ("ca", "cert", "key"):
        if name in tls and f"{name}_file" in tls:
            tls.problem(f"{name}_file", f"either {name} or {name}_file", "both")
    has_cert, has_key = ({name, f"{name}_file"} & set(tls.keys()) for name in ("cert", "key"))
    if bool(has_cert) != bool(has_key):
        tls.problem("", "cert and key together", "one of them")
    versions = list(VERSIONS)
    if config.max_version and versions.index(config.max_version) < versions.index(
        config.min_version or "TLS12"
    ):
        tls.problem("max_version", f"at least {config.min_version or 'TLS12'}")
    tls.close()
    return config


def read_proxy(section: Section) -> ProxyConfig | None:
    """Return `proxy_url` with `no_proxy`; None where servers are asked directly."""
    url = section.expanded("proxy_url")
    excluded = section.text("no_proxy", "")
    if excluded and "proxy_url" not in section:
        section.problem("no_proxy", "proxy_url beside it", "no proxy_url")
    if not url:
        for reason in section.unset.get("proxy_url", ()):
            section.warn("proxy_url", f"{reason}: servers are asked directly")
        return None
    if not is_url(url) or urlsplit(url).scheme != "http" or urlsplit(url).path not in ("", "/"):
        section.problem("proxy_url", "an address like http://proxy:3128", "something else")
        return None
    return ProxyConfig(Secret(url), tuple(filter(None, map(str.strip, excluded.split(",")))))


def read_headers(section: Section, folder: Path) -> Sequence[ExtraHeader]:
    """Return `http_headers`: values, secrets and files of each header."""
    headers = []
    group = section.section("http_headers")
    for name in group.keys():  # noqa: SIM118 - not a dict
        entry = group.section(name)
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _RESERVED:
            group.problem(name, "a header that sakshi does not send itself", f'"{name}"')
        values: list[SecretSource] = [
            *(Secret(text) for text in entry.texts("values")),
            *(Secret(text) for text in entry.texts("secrets")),
            *(SecretFile(folder / path) for path in entry.texts("files")),
        ]
        for key in ("values", "secrets"):
            for index, text in enumerate(entry.texts(key)):
                if not text.isprintable():
                    entry.problem(f"{key}[{index}]", "a text of one line", "something else")
        entry.close()
        headers.append(ExtraHeader(name, tuple(values)))
    return tuple(headers)


def _source_file(section: Section, key: str, path: Path) -> SecretFile:
    if not path.exists():
        section.warn(key, f"{path} does not exist: until it does, every request will fail")
    return SecretFile(path)


def _path(section: Section, key: str, folder: Path) -> Path | None:
    name = section.text(key, "")
    if not name:
        return None
    if not (folder / name).exists():
        section.warn(key, f"{folder / name} does not exist: until it does, every request will fail")
    return folder / name
