"""What is scraped, and how the last scrape of it went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sakshi.exposition import MetricFamily
from sakshi.model.labels import Labels
from sakshi.scrape.client import HTTP_DEFAULT, HttpConfig
from sakshi.scrape.file_discovery import FileDiscoveryConfig
from sakshi.scrape.http_discovery import HttpDiscoveryConfig
from sakshi.scrape.negotiate import PROTOCOLS_DEFAULT, ScrapeProtocol
from sakshi.scrape.relabel import RelabelRule
from sakshi.scrape.target_group import StaticTargets

BODY_BYTES_MAX_DEFAULT: Final = 64 << 20  # 100 bytes a line: some 600,000 series
SAMPLE_LIMIT_DEFAULT: Final = 1_000_000  # of short lines; no target that is meant has as many
LABEL_LIMIT_DEFAULT: Final = 128  # four times what the chattiest exporters have
LABEL_NAME_BYTES_MAX_DEFAULT: Final = 1024
LABEL_VALUE_BYTES_MAX_DEFAULT: Final = 16 << 10  # a whole command line is 4 KiB
TARGET_LIMIT_DEFAULT: Final = 10_000  # of one job; a hundred times one person's fleet
DROPPED_TARGETS_MAX_DEFAULT: Final = 1000  # kept for people to look at


@dataclass(frozen=True)
class ScrapeConfig:
    """One job: Prometheus' `scrape_config`, as far as sakshi supports it.

    Args:
        job_name: the `job` label.
        interval_ms: from scrape to scrape.
        timeout_ms: of one scrape; at most `interval_ms`.
        scheme: `http` or `https`.
        metrics_path: begins with a slash.
        params: URL parameters.
        static_targets: that are always there.
        file_discoveries: files that name others.
        http_discoveries: servers that name others.
        honor_labels: whether exposed labels win over the target's own; else they are renamed to
            `exported_...`.
        honor_timestamps: whether exposed timestamps are used.
        relabel_rules: change, keep or drop targets.
        metric_relabel_rules: change, keep or drop series.
        protocols: the formats that are asked for, the most wanted first; at least one.
        fallback_protocol: what an answer is whose Content-Type is missing or unknown; None: a
            missing one is text, an unknown one fails the scrape.
        is_compressed: whether a body may come compressed.
        http: credentials, TLS, proxy and the like.
        body_bytes_max: a larger body fails the scrape.
        sample_limit: more samples, after relabelling, fail the scrape; 0, here and below: no limit.
        label_limit: a series with more labels fails the scrape.
        label_name_bytes_max: so does one with a longer label name,
        label_value_bytes_max: or a longer label value.
        target_limit: more targets, after relabelling, fail every scrape of the job.
        dropped_targets_max: so many targets that relabelling dropped are kept for people to see.
    """

    job_name: str
    interval_ms: int
    timeout_ms: int
    scheme: str = "http"
    metrics_path: str = "/metrics"
    params: Mapping[str, Sequence[str]] = field(default_factory=dict)
    static_targets: Sequence[StaticTargets] = ()
    file_discoveries: Sequence[FileDiscoveryConfig] = ()
    http_discoveries: Sequence[HttpDiscoveryConfig] = ()
    honor_labels: bool = False
    honor_timestamps: bool = True
    relabel_rules: Sequence[RelabelRule] = ()
    metric_relabel_rules: Sequence[RelabelRule] = ()
    protocols: Sequence[ScrapeProtocol] = PROTOCOLS_DEFAULT
    fallback_protocol: ScrapeProtocol | None = None
    is_compressed: bool = True
    http: HttpConfig = HTTP_DEFAULT
    body_bytes_max: int = BODY_BYTES_MAX_DEFAULT
    sample_limit: int = SAMPLE_LIMIT_DEFAULT
    label_limit: int = LABEL_LIMIT_DEFAULT
    label_name_bytes_max: int = LABEL_NAME_BYTES_MAX_DEFAULT
    label_value_bytes_max: int = LABEL_VALUE_BYTES_MAX_DEFAULT
    target_limit: int = TARGET_LIMIT_DEFAULT
    dropped_targets_max: int = DROPPED_TARGETS_MAX_DEFAULT


class TargetHealth(StrEnum):
    """How the last scrape went; the values are Prometheus' words."""

    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True)
class TargetStatus:
    """A target and its last scrape, for the API and the page.

    Args:
        labels: what every sample of it carries: job, instance and configured ones.
        discovered_labels: `__address__`, `__scheme__`, `__metrics_path__`, ... before relabelling.
        url: what is fetched.
        last_scrape_ms: when the last scrape began, milliseconds since the epoch; None before it.
        last_duration_seconds: how long it took.
        last_samples: how many samples it brought.
        last_error: why it failed, in words; empty where it did not.
    """

    job_name: str
    labels: Labels
    discovered_labels: Labels
    url: str
    interval_ms: int
    timeout_ms: int
    health: TargetHealth = TargetHealth.UNKNOWN
    last_scrape_ms: int | None = None
    last_duration_seconds: float = 0.0
    last_samples: int = 0
    last_error: str = ""


@dataclass(frozen=True)
class DroppedTarget:
    """A target that relabelling dropped: its labels before that."""

    job_name: str
    discovered_labels: Labels


@dataclass(frozen=True)
class TargetMetadata:
    """What a target says of its metric families.

    Args:
        labels: of the target.
        families: without samples, in the target's order; bounded.
    """

    job_name: str
    labels: Labels
    families: Sequence[MetricFamily]
