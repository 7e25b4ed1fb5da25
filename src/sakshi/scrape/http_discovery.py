"""Targets that a server names (`http_sd_configs`), asked again and again."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import orjson

from sakshi.scrape.client import HTTP_DEFAULT, HttpConfig
from sakshi.scrape.discovery import DOCUMENT_BYTES_MAX
from sakshi.scrape.fetch import Fetcher
from sakshi.scrape.oauth2 import TokenSource
from sakshi.scrape.target_group import DiscoveryError, StaticTargets, read_groups

TIMEOUT_MS_MAX: Final = 30_000  # of one answer; the refresh interval where that is shorter


@dataclass(frozen=True)
class HttpDiscoveryConfig:
    """Prometheus' `http_sd_config`.

    Args:
        url: `http` or `https`, without a user.
        refresh_ms: from one question to the next.
        http: credentials and the like.
    """

    url: str
    refresh_ms: int
    http: HttpConfig = HTTP_DEFAULT


class HttpDiscovery:
    """Asks a server for groups of targets."""

    def __init__(
        self,
        config: HttpDiscoveryConfig,
        make_tls: Callable[[], ssl.SSLContext],
        tokens: TokenSource | None = None,
    ) -> None:
        self.interval_seconds = config.refresh_ms / 1000
        self.name = urlsplit(config.url)._replace(query="").geturl()
        self._url = config.url
        self._last: bytes | None = None
        self._fetcher = Fetcher(
            config.url,
            min(config.refresh_ms, TIMEOUT_MS_MAX),
            DOCUMENT_BYTES_MAX,
            make_tls,
            http=config.http,
            tokens=tokens,
            headers={
                "Accept": "application/json",
                "X-Prometheus-Refresh-Interval-Seconds": f"{self.interval_seconds:g}",
            },
        )

    async def refresh(self) -> Sequence[StaticTargets] | None:
        """Return the groups of the answer; None where it is the one before.

        Raises:
            ScrapeError: it did not come, or with another status than 200.
            DiscoveryError: it is no list of groups in JSON.
        """
        fetched = await self._fetcher.fetch()
        media_type = fetched.content_type.partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise DiscoveryError(f'Content-Type "{fetched.content_type}" is not application/json')
        if fetched.body == self._last:
            return None
        try:
            document = orjson.loads(fetched.body)
        except orjson.JSONDecodeError as error:
            raise DiscoveryError(f"the answer is no JSON: {error}") from None
        groups = read_groups(document, {"__meta_url": self._url})
        self._last = fetched.body
        return groups

    def close(self) -> None:
        """Close the connection."""
        self._fetcher.close()
