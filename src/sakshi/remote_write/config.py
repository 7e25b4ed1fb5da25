"""Where samples are passed on to, and how: Prometheus' `remote_write`, as values.

Source:
    prometheus/prometheus config/config.go, DefaultRemoteWriteConfig (3.x)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sakshi.scrape.client import HTTP_DEFAULT, HttpConfig
from sakshi.scrape.relabel import RelabelRule


@dataclass(frozen=True)
class QueueConfig:
    """How much is sent at a time, and what happens when the other side refuses.

    Args:
        min_shards: so many requests may be on their way at a time, to begin with and after a
            failure.
        max_shards: and so many while all goes well.
        samples_max: of one request.
        deadline_ms: how long a sample waits for others to go with.
        min_backoff_ms: the first pause before a request is repeated; it doubles
        max_backoff_ms: up to this.
        retries_429: whether a request is repeated that was answered with 429; one whose answer
            says when (Retry-After) is repeated all the same.
        sample_age_ms: older samples are not sent; 0: all are.
    """

    min_shards: int = 1
    max_shards: int = 50
    samples_max: int = 2000
    deadline_ms: int = 5000
    min_backoff_ms: int = 30
    max_backoff_ms: int = 5000
    retries_429: bool = False
    sample_age_ms: int = 0


@dataclass(frozen=True)
class MetadataConfig:
    """Whether and how types, help texts and units of metric families are sent.

    Args:
        is_sent: whether they are.
        interval_ms: from one time to the next.
        families_max: of one request.
    """

    is_sent: bool = True
    interval_ms: int = 60_000
    families_max: int = 2000


@dataclass(frozen=True)
class RemoteWriteConfig:
    """One remote.

    Args:
        url: where requests are posted to, without a user.
        name: by which its cursors, metrics and log lines are known; empty: its address.
        timeout_ms: of one request.
        headers: sent with each request, by name.
        relabel_rules: applied to each series, after the external labels.
        http: credentials, TLS, proxy.
    """

    url: str
    name: str = ""
    timeout_ms: int = 30_000
    headers: Sequence[tuple[str, str]] = ()
    relabel_rules: Sequence[RelabelRule] = ()
    queue: QueueConfig = field(default_factory=QueueConfig)
    metadata: MetadataConfig = field(default_factory=MetadataConfig)
    http: HttpConfig = HTTP_DEFAULT

    @property
    def identity(self) -> str:
        """Its name, or its address without what may be secret.

        Example:
            >>> RemoteWriteConfig("https://a.org/api/v1/write?key=x").identity
            'https://a.org/api/v1/write'
        """
        return self.name or urlsplit(self.url)._replace(query="", fragment="").geturl()
