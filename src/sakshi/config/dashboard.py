"""Reads `dashboard` and `web`: what the page shows, and by which names sakshi may be called."""

from __future__ import annotations

import re
from typing import Final

from sakshi.config.section import Section
from sakshi.model.duration import format_duration
from sakshi.model.labels import LEGACY_METRIC_NAME
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
            if not LEGACY_METRIC_NAME.fullmatch(name):
                section.problem(f"metrics[{index}]", "a metric name")
    return dashboard


def read_allowed_hosts(section: Section) -> frozenset[str]:
    """Return `web.allowed_hosts`: names of sakshi beside loopback and the address it listens at."""
    hosts = section.texts("allowed_hosts")
    section.close()
    for index, host in enumerate(hosts):
        if not _HOST.fullmatch(host):
            section.problem(f"allowed_hosts[{index}]", "a host name, without scheme or port")
    return frozenset(host.strip("[]").lower() for host in hosts)
