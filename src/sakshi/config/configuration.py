"""sakshi.yml, whole: Prometheus' keys with Prometheus' meaning, and sakshi's own beside them.

    global, scrape_configs, rule_files, storage.tsdb.retention      as in prometheus.yml
    notifications       Alertmanager's file inline, or {file: alertmanager.yml}
    kpis, dashboard     what is judged and shown

A key of Prometheus that sakshi does not support yet is named in a warning and stops nothing; a key
that nobody knows is a problem.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sakshi.alerting import NotificationConfig
from sakshi.config.document import Document, Section
from sakshi.config.kpi import read_dashboard, read_kpis
from sakshi.config.notification import read_notifications
from sakshi.config.pattern import find_files, is_pattern
from sakshi.config.rule_file import read_rule_file
from sakshi.config.scrape import GlobalConfig, read_global, read_scrape_config
from sakshi.kpi import Kpi
from sakshi.model.errors import BadInputError
from sakshi.rules import RuleGroup
from sakshi.scrape import ScrapeConfig
from sakshi.storage import StorageConfig
from sakshi.web import Dashboard

UNSUPPORTED: Final = (
    "alerting",
    "otlp",
    "remote_read",
    "remote_write",
    "runtime",
    "scrape_config_files",
    "tracing",
)


@dataclass(frozen=True)
class Configuration:
    """Everything that sakshi.yml and the files that it names say.

    Args:
        file: where it was read.
        rule_groups: in the order of the files, which is that of their names.
        notifications: None where nobody is to be told.
        warnings: what will not have the effect that its author hopes for, with its place.
    """

    file: str
    global_config: GlobalConfig = field(default_factory=GlobalConfig)
    scrape_configs: Sequence[ScrapeConfig] = ()
    rule_groups: Sequence[RuleGroup] = ()
    notifications: NotificationConfig | None = None
    kpis: Sequence[Kpi] = ()
    dashboard: Dashboard = field(default_factory=Dashboard)
    storage: StorageConfig = field(default_factory=StorageConfig)
    warnings: Sequence[str] = ()


def read_configuration(path: Path, environment: Mapping[str, str]) -> Configuration:
    """Return what a configuration file, and the files that it names, say.

    Args:
        path: sakshi.yml or prometheus.yml.
        environment: what `${NAME}` in secrets and addresses expands to.

    Raises:
        BadInputError: with every problem of every file.
    """
    document = Document.read(path, environment)
    root = document.root()
    global_config = read_global(root.section("global"))
    dashboard = read_dashboard(root.section("dashboard"))
    configuration = Configuration(
        file=document.file,
        global_config=global_config,
        scrape_configs=read_scrape_configs(root, global_config),
        rule_groups=read_rule_files(root, path.parent, global_config),
        notifications=read_notification_section(root, path.parent),
        kpis=read_kpis(root.section("kpis"), dashboard.window),
        dashboard=dashboard,
        storage=read_storage(root.section("storage")),
        warnings=document.warnings,
    )
    ignore_empty_alerting(root)
    root.unsupported(UNSUPPORTED)
    root.close()
    document.raise_problems()
    return configuration


def read_scrape_configs(root: Section, defaults: GlobalConfig) -> Sequence[ScrapeConfig]:
    """Return the jobs; their names are unique."""
    configs: list[ScrapeConfig] = []
    for section in root.sections("scrape_configs"):
        config = read_scrape_config(section, defaults)
        if any(other.job_name == config.job_name for other in configs):
            section.problem("job_name", "a name that no other job has")
        configs.append(config)
    return configs


def read_rule_files(
    root: Section, folder: Path, global_config: GlobalConfig
) -> Sequence[RuleGroup]:
    """Return the groups of all files that `rule_files` names, relative to the configuration."""
    groups: list[RuleGroup] = []
    for pattern in root.texts("rule_files"):
        paths = find_files(folder, pattern)
        if not paths and not is_pattern(pattern):
            root.problem("rule_files", "a file that exists", f'"{pattern}"')
        for path in paths:
            try:
                found, document = read_rule_file(
                    path,
                    {},
                    global_config.evaluation_interval_ms,
                    global_config.rule_query_offset_ms,
                )
            except BadInputError as error:
                root.document.problems += error.problems
                continue
            root.document.problems += document.problems
            groups += found
    return groups


def read_notification_section(root: Section, folder: Path) -> NotificationConfig | None:
    """Return `notifications`: inline, or the file that it names; None where it is absent."""
    section = root.section("notifications")
    if "notifications" not in root:
        return None
    if "file" not in section:
        return read_notifications(section, folder)
    name = section.text("file")
    section.close()
    try:
        document = Document.read(folder / name, root.document.environment)
    except BadInputError as error:
        root.document.problems += error.problems
        return None
    config = read_notifications(document.root(), (folder / name).parent)
    root.document.problems += document.problems
    root.document.warnings += document.warnings
    return config


def read_storage(section: Section) -> StorageConfig:
    """Return the `storage` section."""
    tsdb = section.section("tsdb")
    retention = tsdb.section("retention")
    config = StorageConfig(
        retention_ms=retention.duration("time", StorageConfig.retention_ms, minimum_ms=60_000)
    )
    retention.unsupported(["size", "percentage"])
    tsdb.unsupported(["out_of_order_time_window", "stale_series_compaction_threshold"])
    section.unsupported(["exemplars"])
    retention.close()
    tsdb.close()
    section.close()
    return config


def ignore_empty_alerting(root: Section) -> None:
    """Say nothing of Prometheus' example configuration, whose Alertmanagers are commented out."""
    alerting = root.section("alerting") if "alerting" in root else None
    if alerting is None:
        return
    for manager in alerting.sections("alertmanagers"):
        for entry in manager.sections("static_configs"):
            if entry.texts("targets"):
                root.document.warnings.append(
                    f"{root.place('alerting')}: not supported yet, no effect; "
                    "sakshi notifies by itself: see `notifications`"
                )
                return


@dataclass(frozen=True)
class CheckReport:
    """What `sakshi check` says of a file that has no problems.

    Args:
        summary: what the file holds, in a few words.
        warnings: what of it will have no effect.
    """

    summary: str
    warnings: Sequence[str] = ()


def check_file(path: Path, environment: Mapping[str, str]) -> CheckReport:
    """Return what a file holds: a configuration, a rule file, or a notification file.

    Raises:
        BadInputError: with every problem of the file, and of the files that it names.
    """
    document = Document.read(path, environment)
    root = document.root()
    if "groups" in root:
        groups, document = read_rule_file(path, environment, 60_000)
        document.raise_problems()
        rules = sum(len(group.rules) for group in groups)
        return CheckReport(f"rules: {count(len(groups), 'group')}, {count(rules, 'rule')}: fine")
    if "route" in root or "receivers" in root:
        notifications = read_notifications(root, path.parent)
        document.raise_problems()
        receivers = count(len(notifications.receivers), "receiver")
        return CheckReport(f"notifications: {receivers}: fine", document.warnings)
    return check_configuration(path, environment)


def check_configuration(path: Path, environment: Mapping[str, str]) -> CheckReport:
    """Return what a sakshi.yml holds.

    Raises:
        BadInputError: with every problem of the file, and of the files that it names.
    """
    configuration = read_configuration(path, environment)
    targets = sum(
        len(group.addresses)
        for config in configuration.scrape_configs
        for group in config.static_targets
    )
    rules = sum(len(group.rules) for group in configuration.rule_groups)
    parts = [
        count(len(configuration.scrape_configs), "job"),
        count(targets, "target"),
        count(rules, "rule"),
        count(len(configuration.kpis), "KPI"),
    ]
    return CheckReport(f"configuration: {', '.join(parts)}: fine", configuration.warnings)


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    Example:
        >>> count(1, "rule"), count(2, "rule")
        ('1 rule', '2 rules')
    """
    return f"{number} {noun}" + ("" if number == 1 else "s")
