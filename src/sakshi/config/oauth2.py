"""Reads `oauth2`: where tokens come from, by OAuth 2.0's client credentials.

Source:
    prometheus/common config/http_config.go
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sakshi.config.credentials import read_source
from sakshi.config.proxy import read_proxy
from sakshi.config.secret import is_url
from sakshi.config.section import Section
from sakshi.config.tls import read_tls
from sakshi.model.secret import Secret
from sakshi.scrape.oauth2 import OAuth2Config

UNSUPPORTED_OAUTH2: Final = (
    "audience",
    "claims",
    "client_certificate_key",
    "client_certificate_key_file",
    "client_certificate_key_id",
    "client_certificate_key_ref",
    "client_secret_ref",
    "grant_type",
    "iss",
    "signature_algorithm",
)
URL_DEFAULT: Final = "http://unknown.invalid/token"  # where it is wrong or missing


def read_oauth2(section: Section, folder: Path) -> OAuth2Config:
    """Return `oauth2`.

    Args:
        section: of it.
        folder: what paths in it are relative to.
    """
    client_id = section.expanded("client_id", required=True)
    url = section.expanded("token_url", required=True)
    for key in ("client_id", "token_url"):
        for reason in section.unset.get(key, ()):
            section.problem(key, "a variable that is set", reason)
    if client_id == "":
        section.problem("client_id", "a name")
    if url is not None and not is_url(url):
        section.problem("token_url", "an address like https://example.org/token", "something else")
    config = OAuth2Config(
        client_id or "",
        read_source(section, "client_secret", folder) or Secret(""),
        Secret(url or URL_DEFAULT),
        tuple(section.texts("scopes")),
        tuple(section.labels("endpoint_params").items()),
        read_tls(section, folder),
        read_proxy(section),
    )
    section.unsupported(UNSUPPORTED_OAUTH2)
    section.close()
    return config
