"""What is scraped, and how the last scrape of it went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sakshi.model.labels import Labels


@dataclass(frozen=True)
class StaticTargets:
    """Addresses (`host:port`) with the labels that all of them get."""

    addresses: Sequence[str]
    labels: Mapping[str, str] = field(default_factory=dict)


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
        honor_labels: whether exposed labels win over the target's own; else they are renamed to
            `exported_...`.
        honor_timestamps: whether exposed timestamps are used.
        body_bytes_max: a larger body fails the scrape.
        sample_limit: more samples fail the scrape; 0: no limit.
    """

    job_name: str
    interval_ms: int
    timeout_ms: int
    scheme: str = "http"
    metrics_path: str = "/metrics"
    params: Mapping[str, Sequence[str]] = field(default_factory=dict)
    static_targets: Sequence[StaticTargets] = ()
    honor_labels: bool = False
    honor_timestamps: bool = True
    body_bytes_max: int = 64 << 20  # 100 bytes a line: some 600,000 series
    sample_limit: int = 0


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
