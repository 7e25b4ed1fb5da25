"""Reads `dashboard` and `web`: what the page shows, and by which names sakshi may be called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sakshi.config.section import Section
from sakshi.model.duration import format_duration
from sakshi.model.labels import is_name
from sakshi.web.dashboard import Dashboard

WINDOW_MS_DEFAULT: Final = 300_000

_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[?[0-9a-f:.]*:[0-9a-f:.]*\]?", re.I)


def read_dashboard(section: Section) -> Dashboard:
    """Return the `dashboard` section."""
    default = Dashboard()
    interval_ms = round(default.interval_seconds * 1000)
    dashboard = Dashboard(
        interval_seconds=section.duration("interval", interval_ms, minimum_ms=1000) / 1000,
        window=format_duration(section.duration("window", WINDOW_MS_DEFAULT, minimum_ms=1000)),
        metrics=section.texts("metrics", default.metrics),
        series_max=section.integer("series_max", default.series_max, minimum=1),
    )
    section.close()
    if "metrics" in section:
        for index, name in enumerate(dashboard.metrics):
            if not is_name(name) or "{" in name or "}" in name:
                section.problem(f"metrics[{index}]", "a metric name")
    return dashboard


@dataclass(frozen=True)
class WebConfig:
    """The `web` section.

    Args:
        allowed_hosts: names by which sakshi may be called, beside loopback and the address that it
            listens at; lower case, without port.
        enable_admin_api: whether samples may be deleted and copied over HTTP.
    """

    allowed_hosts: frozenset[str] = frozenset()
    enable_admin_api: bool = False


def read_web(section: Section) -> WebConfig:
    """Return the `web` section."""
    hosts = section.texts("allowed_hosts")
    enable_admin_api = section.boolean("enable_admin_api", False)
    section.close()
    for index, host in enumerate(hosts):
        if not _HOST.fullmatch(host):
            section.problem(f"allowed_hosts[{index}]", "a host name, without scheme or port")
    names = frozenset(host.strip("[]").lower() for host in hosts)
    return WebConfig(names, enable_admin_api)
