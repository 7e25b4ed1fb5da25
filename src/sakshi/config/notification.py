"""Reads `notifications`: Alertmanager's file, as far as sakshi supports it.

Secrets and addresses may hold `${NAME}`, replaced from the environment, or be named by the same key
with `_file` behind it.

Source:
    prometheus/alertmanager docs/configuration.md, config/config.go
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from sakshi.alerting import (
    GlobalConfig,
    NotificationConfig,
    Receiver,
    TemplateSet,
    check_templates,
)
from sakshi.config.pattern import find_files, is_pattern
from sakshi.config.receiver import Defaults, read_receiver, read_sender
from sakshi.config.route import read_inhibit_rule, read_route
from sakshi.config.secret import read_secret, read_secret_url, read_url
from sakshi.config.section import Section
from sakshi.model.clock import SystemClock
from sakshi.model.errors import BadInputError, Problem

UNSUPPORTED: Final = ("mute_time_intervals", "time_intervals", "tracing")
UNSUPPORTED_GLOBAL: Final = (
    "http_config",
    "jira_api_url",
    "mattermost_webhook_url",
    "mattermost_webhook_url_file",
    "opsgenie_api_key",
    "opsgenie_api_key_file",
    "opsgenie_api_url",
    "rocketchat_api_url",
    "rocketchat_token",
    "rocketchat_token_file",
    "rocketchat_token_id",
    "rocketchat_token_id_file",
    "slack_app_token",
    "slack_app_token_file",
    "slack_app_url",
    "smtp_auth_identity",
    "smtp_auth_secret",
    "smtp_auth_secret_file",
    "smtp_force_implicit_tls",
    "smtp_tls_config",
    "telegram_api_url",
    "telegram_bot_token",
    "telegram_bot_token_file",
    "victorops_api_key",
    "victorops_api_key_file",
    "victorops_api_url",
    "webex_api_url",
    "wechat_api_corp_id",
    "wechat_api_secret",
    "wechat_api_secret_file",
    "wechat_api_url",
)
_TEMPLATE_PARTS: Final = (".subject", ".text", ".html")
_GLOBAL_KEYS: Final = {"smarthost": "smtp_smarthost", "require_tls": "smtp_require_tls"}


def read_notifications(section: Section, folder: Path) -> NotificationConfig:
    """Return an Alertmanager file's content.

    Args:
        section: its root, or `notifications` of sakshi.yml.
        folder: what paths in it are relative to.
    """
    section.require("route", "the route of all alerts")
    section.require("receivers", "a list of receivers")
    global_section = section.section("global")
    global_ = read_notification_global(global_section, folder)
    defaults = Defaults(folder, global_, global_section)
    config = NotificationConfig(
        route=read_route(section.section("route")),
        receivers=[read_receiver(entry, defaults) for entry in section.sections("receivers")],
        inhibit_rules=[read_inhibit_rule(entry) for entry in section.sections("inhibit_rules")],
        global_=global_,
        templates=read_templates(section, folder),
    )
    section.unsupported(UNSUPPORTED)
    section.close()
    note_contradictions(section, config)
    note_template_problems(section, config)
    return config


def read_notification_global(section: Section, folder: Path) -> GlobalConfig:
    """Return Alertmanager's `global` section."""
    default = GlobalConfig()
    config = GlobalConfig(
        smtp_from=read_sender(section, "smtp_from"),
        smtp_smarthost=section.expanded("smtp_smarthost"),
        smtp_hello=section.expanded("smtp_hello") or default.smtp_hello,
        smtp_auth_username=section.expanded("smtp_auth_username"),
        smtp_auth_password=read_secret(section, "smtp_auth_password", folder),
        smtp_require_tls=section.boolean("smtp_require_tls", default.smtp_require_tls),
        slack_api_url=read_secret_url(section, "slack_api_url", folder),
        pagerduty_url=read_url(section, "pagerduty_url") or default.pagerduty_url,
        resolve_timeout_ms=section.duration("resolve_timeout", default.resolve_timeout_ms),
    )
    section.unsupported(UNSUPPORTED_GLOBAL)
    section.warn_of_references()
    section.close()
    return config


def read_templates(section: Section, folder: Path) -> Sequence[str]:
    """Return the paths of the template files that patterns name."""
    paths: list[str] = []
    for index, pattern in enumerate(section.texts("templates")):
        found = find_files(folder, pattern)
        if not found and not is_pattern(pattern):
            section.problem(f"templates[{index}]", "a file that exists")
        paths += map(str, found)
    return paths


def note_contradictions(section: Section, config: NotificationConfig) -> None:
    """Note what the parts of a file say against each other, each where it stands."""
    are_names_known = not section.is_wrong("receivers") and not any(
        section.is_wrong(f"receivers[{index}].name") for index in range(len(config.receivers))
    )
    for problem in config.problems():
        place, _, key = problem.place.rpartition(".")
        if key == "receiver" and not are_names_known:
            continue  # the receiver may be the one whose name is wrong
        if key in _GLOBAL_KEYS and not section.exists(problem.place):
            place, key = "global", _GLOBAL_KEYS[key]
        section.add(Problem(f"{place}.{key}", problem.expected, problem.found))


def note_template_problems(section: Section, config: NotificationConfig) -> None:
    """Note template files that cannot be parsed, and texts that cannot be rendered with them."""
    try:
        templates = TemplateSet(config.templates, SystemClock(), "http://localhost")
    except BadInputError as error:
        section.document.include(error)
        return
    if section.has_problems("templates"):
        return  # what a text lacks may be in the file that is not there
    for place, name in _iter_unknown_names(config.receivers, templates.names()):
        section.problem(place, f"one of {', '.join(_message_names(templates.names()))}", name)
    for problem in check_templates(config, templates):
        if not _is_explained(section, problem.place):
            section.add(problem)


def _iter_unknown_names(
    receivers: Sequence[Receiver], names: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """Yield place and value of each `template` of an e-mail that lacks one of its parts."""
    for index, receiver in enumerate(receivers):
        for position, email in enumerate(receiver.email_configs):
            texts = dict(zip(_TEMPLATE_PARTS, (None, email.text, email.html), strict=True))
            wanted = [f"{email.template}{part}" for part, text in texts.items() if text is None]
            if not names.issuperset(wanted):
                path = f"receivers[{index}].email_configs[{position}].template"
                yield path, f'"{email.template}"'


def _message_names(names: frozenset[str]) -> Sequence[str]:
    """Return the names that have a subject, a text and an HTML part."""
    stems = {name.removesuffix(".subject") for name in names if name.endswith(".subject")}
    return sorted(
        stem for stem in stems if all(f"{stem}{part}" in names for part in _TEMPLATE_PARTS)
    )


def _is_explained(section: Section, place: str) -> bool:
    """Tell whether an e-mail's text fails as its `template` is unknown, which was noted."""
    return any(
        place.endswith(key) and section.is_wrong(f"{place.removesuffix(key)}.template")
        for key in (".text", ".html", ".headers.Subject")
    )
