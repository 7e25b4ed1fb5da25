"""Reads `alerting`: Prometheus' keys with Prometheus' meaning and defaults.

Source:
    prometheus/prometheus docs/configuration/configuration.md <alertmanager_config>,
    config/config.go (3.x)
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sakshi.alerting.alertmanager import (
    AlertingConfig,
    AlertmanagerConfig,
    resolve_alertmanagers,
)
from sakshi.alerting.alertmanager.configuration import TIMEOUT_MS_DEFAULT
from sakshi.config.discovery import read_file_discovery, read_http_discovery
from sakshi.config.http_client import read_http_config
from sakshi.config.relabel import read_relabel_rules
from sakshi.config.scrape import UNSUPPORTED_DISCOVERY, read_static_targets
from sakshi.config.section import Section
from sakshi.scrape import StaticTargets

API_VERSION: Final = "v2"  # the only one; Alertmanager dropped v1 with 0.27
UNSUPPORTED_ALERTMANAGER: Final = (*UNSUPPORTED_DISCOVERY, "sigv4")


def read_alerting(section: Section, folder: Path) -> AlertingConfig:
    """Return the `alerting` section; without Alertmanagers where it is absent.

    Args:
        section: the section.
        folder: what paths in it are relative to.
    """
    config = AlertingConfig(
        alert_relabel_rules=read_relabel_rules(section, "alert_relabel_configs"),
        alertmanagers=tuple(
            read_alertmanager(entry, folder) for entry in section.sections("alertmanagers")
        ),
    )
    section.close()
    return config


def read_alertmanager(section: Section, folder: Path) -> AlertmanagerConfig:
    """Return one entry of `alertmanagers`."""
    section.one_of("api_version", (API_VERSION,), API_VERSION)
    config = AlertmanagerConfig(
        scheme=section.one_of("scheme", ("http", "https"), "http"),
        path_prefix=section.text("path_prefix", "/"),
        timeout_ms=section.duration("timeout", TIMEOUT_MS_DEFAULT, minimum_ms=1),
        static_targets=[read_static_targets(entry) for entry in section.sections("static_configs")],
        file_discoveries=tuple(
            read_file_discovery(entry, folder) for entry in section.sections("file_sd_configs")
        ),
        http_discoveries=tuple(
            read_http_discovery(entry, folder) for entry in section.sections("http_sd_configs")
        ),
        relabel_rules=read_relabel_rules(section, "relabel_configs"),
        alert_relabel_rules=read_relabel_rules(section, "alert_relabel_configs"),
        http=read_http_config(section, folder),
    )
    section.unsupported(UNSUPPORTED_ALERTMANAGER)
    section.close()
    find_address_problems(section, config)
    return config


def find_address_problems(section: Section, config: AlertmanagerConfig) -> None:
    """Note each static address that cannot be one, where it stands.

    Not where relabelling is wrong itself: what it would make of an address is unknown.
    """
    if section.has_problems("relabel_configs"):
        return
    for index, targets in enumerate(config.static_targets):
        for position, address in enumerate(targets.addresses):
            alone = [StaticTargets([address], targets.labels)]
            for problem in resolve_alertmanagers(config, alone).problems:
                path = f"static_configs[{index}].targets[{position}]"
                section.problem(path, problem.expected, problem.found)
