"""`alerting`: which Alertmanagers there are, and what is changed of alerts on the way to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sakshi.scrape import (
    FileDiscoveryConfig,
    HttpConfig,
    HttpDiscoveryConfig,
    RelabelRule,
    StaticTargets,
)
from sakshi.scrape.client import HTTP_DEFAULT

TIMEOUT_MS_DEFAULT: Final = 10_000  # Prometheus'


@dataclass(frozen=True)
class AlertmanagerConfig:
    """One entry of `alertmanagers`: Alertmanagers that are found and spoken to in one way.

    Args:
        scheme: `http` or `https`.
        path_prefix: before `/api/v2/alerts`.
        timeout_ms: of one post.
        static_targets: that are always there.
        file_discoveries: files that name others.
        http_discoveries: servers that name others.
        relabel_rules: change, keep or drop Alertmanagers.
        alert_relabel_rules: change, keep or drop alerts for these Alertmanagers alone, after the
            rules for all.
        http: credentials, TLS, proxy and the like.
    """

    scheme: str = "http"
    path_prefix: str = "/"
    timeout_ms: int = TIMEOUT_MS_DEFAULT
    static_targets: Sequence[StaticTargets] = ()
    file_discoveries: Sequence[FileDiscoveryConfig] = ()
    http_discoveries: Sequence[HttpDiscoveryConfig] = ()
    relabel_rules: Sequence[RelabelRule] = ()
    alert_relabel_rules: Sequence[RelabelRule] = ()
    http: HttpConfig = HTTP_DEFAULT


@dataclass(frozen=True)
class AlertingConfig:
    """The section.

    Args:
        alert_relabel_rules: change, keep or drop alerts for all Alertmanagers.
        alertmanagers: in configured order.
    """

    alert_relabel_rules: Sequence[RelabelRule] = ()
    alertmanagers: Sequence[AlertmanagerConfig] = ()
