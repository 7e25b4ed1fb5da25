"""Where a redirect leads, and where it must not.

A target that redirects chooses what sakshi asks next. It may choose any HTTP server but one with a
link-local address: there clouds keep the credentials of the machine.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from sakshi.scrape.connection import HttpResponse
from sakshi.scrape.errors import ScrapeError

REDIRECTS_MAX: Final = 10  # Go's http.Client, and so Prometheus
PORTS: Final = {"http": 80, "https": 443}
"""The schemes that are fetched, with their default ports."""

_STATUSES: Final = frozenset({301, 302, 303, 307, 308})
_URL_CHARACTERS: Final = re.compile(r"[!-~]+")  # nothing that could break a request line


def is_redirect(response: HttpResponse) -> bool:
    """Tell whether a response only says where to ask."""
    return response.status in _STATUSES


def redirect_target(url: SplitResult, response: HttpResponse) -> SplitResult:
    """Return where a redirect points to.

    Raises:
        ScrapeError: nowhere, or to something that is not HTTP.
    """
    location = response.headers.get("location", "")
    try:
        target = urlsplit(urljoin(url.geturl(), location))
        is_usable = target.scheme in PORTS and bool(target.hostname) and target.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or not _URL_CHARACTERS.fullmatch(location):
        raise ScrapeError(f"HTTP status {response.status} without a usable Location")
    return target


def is_link_local(address: str) -> bool:
    """Tell whether an address is one that cloud metadata services have, among others."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_link_local
    except ValueError:
        return False
