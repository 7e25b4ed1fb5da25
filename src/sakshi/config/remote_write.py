"""Reads `remote_write`: Prometheus' keys with Prometheus' meaning and defaults.

Source:
    prometheus/prometheus docs/configuration/configuration.md, config/config.go (3.x)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sakshi.config.http_client import read_http_config
from sakshi.config.relabel import read_relabel_rules
from sakshi.config.secret import is_url
from sakshi.config.section import Section
from sakshi.remote_write import MetadataConfig, QueueConfig, RemoteWriteConfig

URL_DEFAULT: Final = "http://localhost"  # of a wrong entry, which nobody asks

UNSUPPORTED_REMOTE_WRITE: Final = (
    "azuread",
    "google_iam",
    "round_robin_dns",
    "send_exemplars",
    "send_native_histograms",
    "sigv4",
)
UNSUPPORTED_QUEUE: Final = ("capacity",)

_MESSAGES: Final = ("prometheus.WriteRequest", "io.prometheus.write.v2.Request")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_RESERVED: Final = frozenset(
    {
        *("authorization", "connection", "content-encoding", "content-length", "content-type"),
        *("host", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer"),
        *("transfer-encoding", "upgrade", "user-agent", "www-authenticate"),
        *("x-prometheus-remote-write-version",),
    }
)
"""Headers that sakshi sends itself, or that belong to the connection."""


def read_remote_writes(root: Section, folder: Path) -> Sequence[RemoteWriteConfig]:
    """Return the remotes; each is known by its name, or else by its address.

    Args:
        root: of the configuration.
        folder: what paths in it are relative to.
    """
    sections = root.sections("remote_write")
    remotes = [read_remote_write(section, folder) for section in sections]
    seen: set[str] = set()
    for section, remote in zip(sections, remotes, strict=True):
        key = "name" if remote.name else "url"
        if remote.identity in seen and not section.is_wrong(key):
            expected = f"a {key} that no other remote has"
            section.problem(key, expected if remote.name else f"{expected}, or names for both")
        seen.add(remote.identity)
    return remotes


def read_remote_write(section: Section, folder: Path) -> RemoteWriteConfig:
    """Return one entry of `remote_write`."""
    if section.one_of("protobuf_message", _MESSAGES, _MESSAGES[0]) != _MESSAGES[0]:
        section.warn("protobuf_message", f"not supported yet: {_MESSAGES[0]} is sent")
    if "follow_redirects" in section and section.boolean("follow_redirects", True):
        section.warn("follow_redirects", "not supported yet, no effect: redirects are failures")
    config = RemoteWriteConfig(
        url=read_address(section),
        name=section.text("name", ""),
        timeout_ms=section.duration("remote_timeout", RemoteWriteConfig.timeout_ms, minimum_ms=1),
        headers=read_headers(section),
        relabel_rules=read_relabel_rules(section, "write_relabel_configs"),
        queue=read_queue(section.section("queue_config")),
        metadata=read_metadata(section.section("metadata_config")),
        http=read_http_config(section, folder),
    )
    section.unsupported(UNSUPPORTED_REMOTE_WRITE)
    section.close()
    return config


def read_address(section: Section) -> str:
    """Return `url`, with each `${NAME}` replaced."""
    url = section.expanded("url", required=True) or URL_DEFAULT
    for reason in section.unset.get("url", ()):
        section.problem("url", "a variable that is set", reason)
    if not is_url(url):
        expected = "an address like https://example.org/api/v1/write"
        section.problem("url", expected, "something else")
        return URL_DEFAULT
    if urlsplit(url).username is not None:
        section.problem("url", "an address without user and password: see basic_auth", "both")
    return url


def read_headers(section: Section) -> Sequence[tuple[str, str]]:
    """Return `headers`."""
    headers = section.labels("headers")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _RESERVED:
            expected = "a header that sakshi does not send itself"
            section.problem(f"headers.{name}", expected, f'"{name}"')
        elif not value.isprintable():
            section.problem(f"headers.{name}", "a text of one line", "something else")
    return tuple(headers.items())


def read_queue(section: Section) -> QueueConfig:
    """Return `queue_config`."""
    default = QueueConfig()
    queue = QueueConfig(
        min_shards=section.integer("min_shards", default.min_shards, minimum=1),
        max_shards=section.integer("max_shards", default.max_shards, minimum=1),
        samples_max=section.integer("max_samples_per_send", default.samples_max, minimum=1),
        deadline_ms=section.duration("batch_send_deadline", default.deadline_ms, minimum_ms=1),
        min_backoff_ms=section.duration("min_backoff", default.min_backoff_ms, minimum_ms=1),
        max_backoff_ms=section.duration("max_backoff", default.max_backoff_ms, minimum_ms=1),
        retries_429=section.boolean("retry_on_http_429", default.retries_429),
        sample_age_ms=section.duration("sample_age_limit", default.sample_age_ms),
    )
    _note_order(section, ("min_shards", queue.min_shards), ("max_shards", queue.max_shards))
    backoffs = ("min_backoff", queue.min_backoff_ms), ("max_backoff", queue.max_backoff_ms)
    _note_order(section, *backoffs)
    section.unsupported(UNSUPPORTED_QUEUE, "no effect: the store is the queue")
    section.close()
    return queue


def read_metadata(section: Section) -> MetadataConfig:
    """Return `metadata_config`."""
    default = MetadataConfig()
    metadata = MetadataConfig(
        is_sent=section.boolean("send", default.is_sent),
        interval_ms=section.duration("send_interval", default.interval_ms, minimum_ms=1),
        families_max=section.integer("max_samples_per_send", default.families_max, minimum=1),
    )
    section.close()
    return metadata


def _note_order(section: Section, low: tuple[str, int], high: tuple[str, int]) -> None:
    """Note a minimum that is above its maximum, where it stands."""
    if low[1] > high[1] and not (section.is_wrong(low[0]) or section.is_wrong(high[0])):
        key, other = (low, high) if low[0] in section else (high, low)
        relation = "at most" if key is low else "at least"
        unit = "" if key[0].endswith("shards") else " ms"
        section.problem(key[0], f"{relation} the {other[0]} of {other[1]}{unit}")
