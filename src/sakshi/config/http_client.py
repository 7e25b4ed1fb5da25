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

from sakshi.config.credentials import read_credentials
from sakshi.config.oauth2 import read_oauth2
from sakshi.config.proxy import read_proxy
from sakshi.config.section import Section
from sakshi.config.tls import read_tls
from sakshi.model.secret import Secret
from sakshi.scrape.client import HttpConfig
from sakshi.scrape.credentials import ExtraHeader, SecretFile, SecretSource

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_RESERVED: Final = frozenset(
    {
        *("accept", "accept-encoding", "authorization", "connection", "content-length", "host"),
        *("keep-alive", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"),
        *("user-agent", "x-prometheus-scrape-timeout-seconds"),
    }
)
"""Headers that sakshi sends itself."""


def read_http_config(section: Section, folder: Path) -> HttpConfig:
    """Return the keys of `http_config` in a section.

    Args:
        section: of a job, or of a discovery by HTTP; closed by whoever opened it.
        folder: what paths in it are relative to.
    """
    section.boolean("enable_http2", True)
    oauth2 = section.section("oauth2")
    return HttpConfig(
        credentials=read_credentials(section, folder),
        tls=read_tls(section, folder),
        proxy=read_proxy(section),
        follow_redirects=section.boolean("follow_redirects", True),
        headers=read_headers(section, folder),
        oauth2=read_oauth2(oauth2, folder) if "oauth2" in section else None,
    )


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
