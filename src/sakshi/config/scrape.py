"""Reads `global` and `scrape_configs`: Prometheus' keys with Prometheus' meaning and defaults.

Source:
    prometheus.io/docs/prometheus/latest/configuration/configuration
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from sakshi.config.document import Section
from sakshi.model.labels import LEGACY_LABEL_NAME, Labels
from sakshi.scrape.target import ScrapeConfig, StaticTargets

INTERVAL_MS_DEFAULT: Final = 60_000
TIMEOUT_MS_DEFAULT: Final = 10_000
BODY_BYTES_MAX_DEFAULT: Final = 64 << 20
STATIC_KEYS: Final = ("targets", "labels")

UNSUPPORTED_GLOBAL: Final = (
    "always_scrape_classic_histograms",
    "convert_classic_histograms_to_nhcb",
    "extra_scrape_metrics",
    "keep_dropped_targets",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
    "metric_name_escaping_scheme",
    "metric_name_validation_scheme",
    "query_log_file",
    "scrape_classic_histograms",
    "scrape_failure_log_file",
    "scrape_native_histograms",
    "scrape_protocols",
    "target_limit",
)
UNSUPPORTED_SCRAPE: Final = (
    "always_scrape_classic_histograms",
    "authorization",
    "basic_auth",
    "convert_classic_histograms_to_nhcb",
    "enable_compression",
    "enable_http2",
    "extra_scrape_metrics",
    "fallback_scrape_protocol",
    "follow_redirects",
    "http_headers",
    "keep_dropped_targets",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
    "metric_name_escaping_scheme",
    "metric_name_validation_scheme",
    "metric_relabel_configs",
    "native_histogram_bucket_limit",
    "native_histogram_min_bucket_factor",
    "no_proxy",
    "oauth2",
    "proxy_connect_header",
    "proxy_from_environment",
    "proxy_url",
    "relabel_configs",
    "scrape_classic_histograms",
    "scrape_failure_log_file",
    "scrape_native_histograms",
    "scrape_protocols",
    "target_limit",
    "tls_config",
    "track_timestamps_staleness",
)
_BYTES: Final = re.compile(r"(\d+)\s*([KMGTPE]?)(?:i?B)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class GlobalConfig:
    """Defaults of all jobs and rules.

    Args:
        scrape_interval_ms: from scrape to scrape.
        scrape_timeout_ms: of one scrape.
        evaluation_interval_ms: of rule groups.
        rule_query_offset_ms: how far in the past rules are evaluated.
        external_labels: identify this sakshi to receivers and templates.
        body_bytes_max: a larger exposition fails its scrape.
        sample_limit: more samples fail a scrape; 0: no limit.
    """

    scrape_interval_ms: int = INTERVAL_MS_DEFAULT
    scrape_timeout_ms: int = TIMEOUT_MS_DEFAULT
    evaluation_interval_ms: int = INTERVAL_MS_DEFAULT
    rule_query_offset_ms: int = 0
    external_labels: Labels = field(default_factory=Labels)
    body_bytes_max: int = BODY_BYTES_MAX_DEFAULT
    sample_limit: int = 0


def read_global(section: Section) -> GlobalConfig:
    """Return the `global` section."""
    interval_ms = section.duration("scrape_interval", INTERVAL_MS_DEFAULT, minimum_ms=1)
    config = GlobalConfig(
        scrape_interval_ms=interval_ms,
        scrape_timeout_ms=read_timeout(section, TIMEOUT_MS_DEFAULT, interval_ms),
        evaluation_interval_ms=section.duration(
            "evaluation_interval", INTERVAL_MS_DEFAULT, minimum_ms=1
        ),
        rule_query_offset_ms=section.duration("rule_query_offset", 0),
        external_labels=Labels(read_labels(section, "external_labels")),
        body_bytes_max=read_bytes(section, "body_size_limit", BODY_BYTES_MAX_DEFAULT),
        sample_limit=section.integer("sample_limit", 0),
    )
    section.unsupported(UNSUPPORTED_GLOBAL)
    section.close()
    return config


def read_scrape_config(section: Section, defaults: GlobalConfig) -> ScrapeConfig:
    """Return one entry of `scrape_configs`."""
    interval_ms = section.duration("scrape_interval", defaults.scrape_interval_ms, minimum_ms=1)
    path = section.text("metrics_path", "/metrics")
    if not path.startswith("/"):
        section.problem("metrics_path", "a path that begins with a slash")
    params = section.section("params")
    config = ScrapeConfig(
        job_name=section.text("job_name"),
        interval_ms=interval_ms,
        timeout_ms=read_timeout(section, defaults.scrape_timeout_ms, interval_ms),
        scheme=section.one_of("scheme", ("http", "https"), "http"),
        metrics_path=path,
        params={name: params.texts(name) for name in params.keys()},  # noqa: SIM118 - not a dict
        static_targets=[read_static_targets(entry) for entry in section.sections("static_configs")],
        honor_labels=section.boolean("honor_labels", False),
        honor_timestamps=section.boolean("honor_timestamps", True),
        body_bytes_max=read_bytes(section, "body_size_limit", defaults.body_bytes_max),
        sample_limit=section.integer("sample_limit", defaults.sample_limit),
    )
    section.unsupported(UNSUPPORTED_SCRAPE)
    section.unsupported(key for key in section.keys() if key.endswith("_sd_configs"))  # noqa: SIM118 - not a dict
    section.close()
    return config


def read_static_targets(section: Section) -> StaticTargets:
    """Return one entry of `static_configs`."""
    addresses = section.texts("targets")
    for address in addresses:
        if not address or "/" in address:
            section.problem("targets", "host:port, without scheme or path", f'"{address}"')
    labels = read_labels(section, "labels")
    section.close()
    return StaticTargets(addresses, labels)


def read_timeout(section: Section, default_ms: int, interval_ms: int) -> int:
    """Return `scrape_timeout`: where it is not given, at most the interval."""
    timeout_ms = section.duration("scrape_timeout", min(default_ms, interval_ms), minimum_ms=1)
    if timeout_ms > interval_ms:
        section.problem("scrape_timeout", f"at most the scrape interval, {interval_ms} ms")
    return timeout_ms


def read_labels(section: Section, key: str) -> dict[str, str]:
    """Return a mapping of label names to values."""
    labels = section.labels(key)
    for name in labels:
        if not LEGACY_LABEL_NAME.fullmatch(name):
            section.section(key).problem(name, "a label name ([a-zA-Z_][a-zA-Z0-9_]*)", f'"{name}"')
    return labels


def read_bytes(section: Section, key: str, default: int) -> int:
    """Return a size such as `10MB`; zero means the default, as no limit would be no bound."""
    value = section.parsed(key, parse_bytes, 'a size like "10MB"', default)
    return value or default


def parse_bytes(text: str) -> int:
    """Return a size in bytes; units are powers of 1024, as in Prometheus.

    Raises:
        ValueError: the text is no size.

    Example:
        >>> parse_bytes("10MB"), parse_bytes("512")
        (10485760, 512)
    """
    match = _BYTES.fullmatch(text)
    if match is None:
        raise ValueError(text)
    exponent = " KMGTPE".index(match[2].upper() or " ")
    return int(match[1]) << (10 * exponent)
