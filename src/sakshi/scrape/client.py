"""How a job's servers are spoken to: Prometheus' `http_config`, as one value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult

from sakshi.scrape.credentials import Credentials, ExtraHeader, header_line, header_lines
from sakshi.scrape.oauth2 import OAuth2Config
from sakshi.scrape.proxy import Proxies, ProxyConfig
from sakshi.scrape.tls import TlsConfig


@dataclass(frozen=True)
class HttpConfig:
    """What every request of a job has in common.

    Args:
        credentials: None: nobody in particular asks.
        proxy: None: servers are asked directly.
        follow_redirects: whether a redirect is followed; else it is a failure.
        headers: beside those that sakshi sends.
        oauth2: where a token comes from, in place of credentials; None: there is none.
    """

    credentials: Credentials | None = None
    tls: TlsConfig = field(default_factory=TlsConfig)
    proxy: Proxies | None = None
    follow_redirects: bool = True
    headers: Sequence[ExtraHeader] = ()
    oauth2: OAuth2Config | None = None

    @property
    def has_secrets(self) -> bool:
        """Whether a request may differ from the one before, because a file or token may."""
        return bool(self.credentials or self.oauth2 or self.headers)

    def proxy_for(self, url: SplitResult) -> ProxyConfig | None:
        """Return the proxy through which a URL is asked; None where it is asked directly."""
        return None if self.proxy is None else self.proxy.serving(url)

    def private_lines(self) -> list[str]:
        """Return the headers that only the configured server may see.

        Raises:
            ScrapeError: a secret cannot be had, or is none for a header.
        """
        lines = header_lines(self.headers)
        if self.credentials is not None:
            lines.append(header_line("Authorization", self.credentials.value()))
        return lines


HTTP_DEFAULT: Final = HttpConfig()
