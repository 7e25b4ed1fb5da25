"""Checks a file of any kind: a configuration, a rule file, a notification file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sakshi.config.configuration import Configuration, paused_collection, read_document
from sakshi.config.document import Document
from sakshi.config.notification import read_notifications
from sakshi.config.rule_file import read_groups
from sakshi.config.scrape import GlobalConfig
from sakshi.rules import RuleGroup


@dataclass(frozen=True)
class CheckReport:
    """What `sakshi check` says of a file that has no problems.

    Args:
        summary: what the file holds, in a few words.
        warnings: what of it will not have the effect that its author hopes for.
    """

    summary: str
    warnings: Sequence[str] = ()


def check_file(path: Path, environment: Mapping[str, str]) -> CheckReport:
    """Return what a file holds; which kind it is, is known by its keys.

    Args:
        path: with `groups`: a rule file; with `route` or `receivers`: a notification file; else a
            configuration.
        environment: what `${NAME}` in secrets and addresses expands to.

    Raises:
        BadInputError: with every problem of the file, and of the files that it names.
    """
    document = Document.read(path, environment)
    root = document.root()
    if "groups" in root:
        with paused_collection():
            groups = read_groups(root, str(path), GlobalConfig.evaluation_interval_ms)
        document.raise_problems()
        return CheckReport(f"rules: {describe_groups(groups)}", document.warnings)
    if "route" in root or "receivers" in root:
        notifications = read_notifications(root, path.parent)
        document.raise_problems()
        receivers = count(len(notifications.receivers), "receiver")
        return CheckReport(f"notifications: {receivers}", document.warnings)
    configuration = read_document(document, path.parent)
    return CheckReport(describe_configuration(configuration), configuration.warnings)


def describe_groups(groups: Sequence[RuleGroup]) -> str:
    """Return how much rule groups hold: `2 groups, 6 rules`."""
    rules = sum(len(group.rules) for group in groups)
    return f"{count(len(groups), 'group')}, {count(rules, 'rule')}"


def describe_configuration(configuration: Configuration) -> str:
    """Return how much a configuration holds."""
    targets = sum(
        len(group.addresses)
        for config in configuration.scrape_configs
        for group in config.static_targets
    )
    rules = sum(len(group.rules) for group in configuration.rule_groups)
    notifications = configuration.notifications
    alertmanagers = len(configuration.alerting.alertmanagers)
    parts = (
        count(len(configuration.scrape_configs), "job"),
        count(targets, "target"),
        count(rules, "rule"),
        count(len(configuration.kpis), "KPI"),
        count(len(notifications.receivers) if notifications else 0, "receiver"),
        *([count(alertmanagers, "group") + " of Alertmanagers"] if alertmanagers else []),
    )
    return f"configuration: {', '.join(parts)}"


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    Example:
        >>> count(1, "rule"), count(2, "rule")
        ('1 rule', '2 rules')
    """
    return f"{number} {noun}" + ("" if number == 1 else "s")
