"""Reads `global` and `scrape_configs`: Prometheus' keys with Prometheus' meaning and defaults.

Source:
    prometheus/prometheus docs/configuration/configuration.md, config/config.go (3.x)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sakshi.config.discovery import read_file_discovery, read_http_discovery
from sakshi.config.environment import expand_label
from sakshi.config.http_client import read_http_config
from sakshi.config.relabel import read_relabel_rules
from sakshi.config.section import Section
from sakshi.model.duration import format_duration
from sakshi.model.labels import METRIC_NAME, Labels, is_name
from sakshi.scrape import InvalidTargetError, ScrapeConfig, StaticTargets
from sakshi.scrape.negotiate import PROTOCOLS_DEFAULT, ScrapeProtocol
from sakshi.scrape.resolve import resolve_targets
from sakshi.scrape.target import (
    BODY_BYTES_MAX_DEFAULT,
    DROPPED_TARGETS_MAX_DEFAULT,
    LABEL_LIMIT_DEFAULT,
    LABEL_NAME_BYTES_MAX_DEFAULT,
    LABEL_VALUE_BYTES_MAX_DEFAULT,
    SAMPLE_LIMIT_DEFAULT,
    TARGET_LIMIT_DEFAULT,
)

INTERVAL_MS_DEFAULT: Final = 60_000
TIMEOUT_MS_DEFAULT: Final = 10_000
BINARY_PROTOCOL: Final = "PrometheusProto"  # Prometheus' own, by protocol buffers

_UNSUPPORTED_EVERYWHERE: Final = (
    "always_scrape_classic_histograms",
    "convert_classic_histograms_to_nhcb",
    "extra_scrape_metrics",
    "metric_name_escaping_scheme",
    "metric_name_validation_scheme",
    "scrape_classic_histograms",
    "scrape_failure_log_file",
    "scrape_native_histograms",
)
UNSUPPORTED_GLOBAL: Final = (*_UNSUPPORTED_EVERYWHERE, "query_log_file")
UNSUPPORTED_DISCOVERY: Final = tuple(
    f"{name}_sd_configs"
    for name in (
        "aws",
        "azure",
        "consul",
        "digitalocean",
        "dns",
        "docker",
        "dockerswarm",
        "ec2",
        "eureka",
        "gce",
        "hetzner",
        "ionos",
        "kubernetes",
        "kuma",
        "lightsail",
        "linode",
        "marathon",
        "nerve",
        "nomad",
        "openstack",
        "ovhcloud",
        "puppetdb",
        "scaleway",
        "serverset",
        "stackit",
        "triton",
        "uyuni",
        "vultr",
    )
)
UNSUPPORTED_SCRAPE: Final = (
    *_UNSUPPORTED_EVERYWHERE,
    *UNSUPPORTED_DISCOVERY,
    "native_histogram_bucket_limit",
    "native_histogram_min_bucket_factor",
    "track_timestamps_staleness",
)
_BYTES: Final = re.compile(r"(\d+)\s*([KMGTPE]?)(?:i?B)?", re.ASCII | re.IGNORECASE)
_LABEL_NAME: Final = f"a label name, other than {METRIC_NAME}"


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
        sample_limit: more samples fail a scrape; 0, here and below: no limit.
        label_limit: a series with more labels fails its scrape.
        label_name_bytes_max: so does a longer label name,
        label_value_bytes_max: or a longer label value.
        target_limit: more targets fail the scrapes of a job.
        dropped_targets_max: so many dropped targets are kept of a job.
        protocols: formats that are asked for, the most wanted first.
    """

    scrape_interval_ms: int = INTERVAL_MS_DEFAULT
    scrape_timeout_ms: int = TIMEOUT_MS_DEFAULT
    evaluation_interval_ms: int = INTERVAL_MS_DEFAULT
    rule_query_offset_ms: int = 0
    external_labels: Labels = field(default_factory=Labels)
    body_bytes_max: int = BODY_BYTES_MAX_DEFAULT
    sample_limit: int = SAMPLE_LIMIT_DEFAULT
    label_limit: int = LABEL_LIMIT_DEFAULT
    label_name_bytes_max: int = LABEL_NAME_BYTES_MAX_DEFAULT
    label_value_bytes_max: int = LABEL_VALUE_BYTES_MAX_DEFAULT
    target_limit: int = TARGET_LIMIT_DEFAULT
    dropped_targets_max: int = DROPPED_TARGETS_MAX_DEFAULT
    protocols: Sequence[ScrapeProtocol] = PROTOCOLS_DEFAULT


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
        external_labels=read_external_labels(section),
        protocols=read_protocols(section, PROTOCOLS_DEFAULT),
        **read_limits(section, GlobalConfig()),
    )
    section.unsupported(UNSUPPORTED_GLOBAL)
    section.close()
    return config


def read_external_labels(section: Section) -> Labels:
    """Return `external_labels`; `$NAME` in a value is replaced from the environment."""
    labels = {}
    for name, text in read_labels(section, "external_labels").items():
        labels[name], unset = expand_label(text, section.document.environment)
        for variable in unset:
            section.warn(f"external_labels.{name}", f"{variable} is not set, and so is empty")
    return Labels(labels)


def read_scrape_config(section: Section, defaults: GlobalConfig, folder: Path) -> ScrapeConfig:
    """Return one entry of `scrape_configs`.

    Args:
        section: the entry.
        defaults: what it does not say.
        folder: what paths in it are relative to.
    """
    interval_ms = section.duration("scrape_interval", defaults.scrape_interval_ms, minimum_ms=1)
    path = section.text("metrics_path", "/metrics")
    if not path.startswith("/"):
        section.problem("metrics_path", "a path that begins with a slash")
    params = section.section("params")
    config = ScrapeConfig(
        job_name=section.name("job_name"),
        interval_ms=interval_ms,
        timeout_ms=read_timeout(section, defaults.scrape_timeout_ms, interval_ms),
        scheme=section.one_of("scheme", ("http", "https"), "http"),
        metrics_path=path,
        params={name: params.texts(name) for name in params.keys()},  # noqa: SIM118 - not a dict
        static_targets=[read_static_targets(entry) for entry in section.sections("static_configs")],
        file_discoveries=tuple(
            read_file_discovery(entry, folder) for entry in section.sections("file_sd_configs")
        ),
        http_discoveries=tuple(
            read_http_discovery(entry, folder) for entry in section.sections("http_sd_configs")
        ),
        honor_labels=section.boolean("honor_labels", False),
        honor_timestamps=section.boolean("honor_timestamps", True),
        relabel_rules=read_relabel_rules(section, "relabel_configs"),
        metric_relabel_rules=read_relabel_rules(section, "metric_relabel_configs"),
        protocols=read_protocols(section, defaults.protocols),
        fallback_protocol=read_fallback(section),
        is_compressed=section.boolean("enable_compression", True),
        http=read_http_config(section, folder),
        **read_limits(section, defaults),
    )
    section.unsupported(UNSUPPORTED_SCRAPE)
    section.close()
    find_address_problems(section, config)
    return config


def read_limits(section: Section, defaults: GlobalConfig) -> dict[str, int]:
    """Return the limits of a job, or of all jobs, by their names in both dataclasses."""
    return {
        "body_bytes_max": read_bytes(section, "body_size_limit", defaults.body_bytes_max),
        "sample_limit": section.integer("sample_limit", defaults.sample_limit),
        "label_limit": section.integer("label_limit", defaults.label_limit),
        "label_name_bytes_max": section.integer(
            "label_name_length_limit", defaults.label_name_bytes_max
        ),
        "label_value_bytes_max": section.integer(
            "label_value_length_limit", defaults.label_value_bytes_max
        ),
        "target_limit": section.integer("target_limit", defaults.target_limit),
        "dropped_targets_max": section.integer(
            "keep_dropped_targets", defaults.dropped_targets_max
        ),
    }


def read_protocols(section: Section, default: Sequence[ScrapeProtocol]) -> Sequence[ScrapeProtocol]:
    """Return `scrape_protocols`; the binary one, which is not read, is left out with a warning."""
    if "scrape_protocols" not in section:
        section.texts("scrape_protocols")
        return default
    found: list[ScrapeProtocol] = []
    names = section.texts("scrape_protocols")
    for index, name in enumerate(names):
        path = f"scrape_protocols[{index}]"
        if name == BINARY_PROTOCOL:
            section.warn(path, "not supported yet, no effect")
        elif name not in list(ScrapeProtocol):
            section.problem(path, f"one of {', '.join(ScrapeProtocol)}")
        elif name in names[:index]:
            section.problem(path, "each protocol once")
        else:
            found.append(ScrapeProtocol(name))
    if not names:
        section.problem("scrape_protocols", "at least one protocol", "none")
    return tuple(found) or default


def read_fallback(section: Section) -> ScrapeProtocol | None:
    """Return `fallback_scrape_protocol`; None where there is none, or only the binary one."""
    choices = (*ScrapeProtocol, BINARY_PROTOCOL)
    name = section.one_of("fallback_scrape_protocol", choices, None)
    if name == BINARY_PROTOCOL:
        section.warn("fallback_scrape_protocol", "not supported yet, no effect")
    return ScrapeProtocol(name) if name in list(ScrapeProtocol) else None


def read_static_targets(section: Section) -> StaticTargets:
    """Return one entry of `static_configs`."""
    labels = section.labels("labels")
    for name in labels:
        if not name or name == METRIC_NAME:
            section.problem(f"labels.{name}", f"a label name other than {METRIC_NAME}", f'"{name}"')
    targets = StaticTargets(section.texts("targets"), labels)
    section.close()
    return targets


def find_address_problems(section: Section, config: ScrapeConfig) -> None:
    """Note each address of a job that cannot be scraped, where it stands.

    Not where relabelling is wrong itself: what it would make of an address is unknown.
    """
    if section.has_problems("relabel_configs"):
        return
    for index, targets in enumerate(config.static_targets):
        for position, address in enumerate(targets.addresses):
            alone = ScrapeConfig(
                config.job_name,
                config.interval_ms,
                config.timeout_ms,
                static_targets=[StaticTargets([address], targets.labels)],
                relabel_rules=config.relabel_rules,
            )
            try:
                resolve_targets(alone)
            except InvalidTargetError as error:
                path = f"static_configs[{index}].targets[{position}]"
                section.problem(path, error.problems[0].expected, error.problems[0].found)


def read_timeout(section: Section, default_ms: int, interval_ms: int) -> int:
    """Return `scrape_timeout`: where it is not given, at most the interval."""
    default_ms = min(default_ms, interval_ms)
    timeout_ms = section.duration("scrape_timeout", default_ms, minimum_ms=1)
    is_interval_known = not (
        section.is_wrong("scrape_interval")
        or (
            "scrape_interval" not in section and section.document.is_wrong("global.scrape_interval")
        )
    )
    if timeout_ms > interval_ms and is_interval_known:
        section.problem(
            "scrape_timeout", f"at most the scrape interval of {format_duration(interval_ms)}"
        )
    return timeout_ms


def read_labels(section: Section, key: str) -> dict[str, str]:
    """Return a mapping of label names to values."""
    labels = section.labels(key)
    for name in labels:
        if name == METRIC_NAME or not is_name(name):
            section.problem(f"{key}.{name}", _LABEL_NAME, f'"{name}"')
    return labels


def read_bytes(section: Section, key: str, default: int) -> int:
    """Return a size such as `10MB`; zero means the default, as no limit would be no bound."""
    value = section.parsed(key, parse_bytes, 'a size like "10MB"', default)
    return value or default


def find_duplicates(sections: Sequence[Section], key: str, expected: str) -> None:
    """Note each name that a section before has; one that is missing is no name."""
    seen: set[str] = set()
    for section in sections:
        name = section.text(key, "")
        if name and name in seen:
            section.problem(key, expected)
        seen.add(name)


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
