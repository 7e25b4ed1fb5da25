"""Reads `receivers`: the integrations of each, one function per kind.

An integration is left out, with a warning that says why, where an environment variable or a file
that it needs is not there: a monitor that does not start because one channel is not set up yet
watches nothing. Left out means that it never sends, not through the receiver of `global` either.

Source:
    prometheus/alertmanager docs/configuration.md, config/notifiers.go
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import getaddresses
from pathlib import Path
from typing import Any, Final, TypeVar

from sakshi.alerting import (
    EmailConfig,
    GlobalConfig,
    PagerDutyConfig,
    Receiver,
    Secret,
    SlackConfig,
    WebhookConfig,
)
from sakshi.config.secret import read_secret, read_secret_url, read_url
from sakshi.config.section import Section

Integration = TypeVar("Integration", EmailConfig, SlackConfig, PagerDutyConfig, WebhookConfig)

UNSUPPORTED_RECEIVER: Final = tuple(
    f"{name}_configs"
    for name in (
        "discord",
        "incidentio",
        "jira",
        "mattermost",
        "msteams",
        "msteamsv2",
        "opsgenie",
        "pushover",
        "rocketchat",
        "sns",
        "telegram",
        "victorops",
        "webex",
        "wechat",
    )
)
UNSUPPORTED_EMAIL: Final = (
    "auth_identity",
    "auth_secret",
    "auth_secret_file",
    "force_implicit_tls",
    "threading",
    "tls_config",
)
UNSUPPORTED_SLACK: Final = (
    "actions",
    "app_token",
    "app_token_file",
    "app_url",
    "callback_id",
    "fields",
    "http_config",
    "image_url",
    "message_text",
    "mrkdwn_in",
    "short_fields",
    "thumb_url",
    "timeout",
    "update_message",
)
UNSUPPORTED_PAGERDUTY: Final = ("http_config", "images", "links", "timeout")
UNSUPPORTED_WEBHOOK: Final = ("http_config", "payload", "timeout")

INHERITED: Final[Mapping[str, Mapping[str, str]]] = {
    "email": {
        "from": "smtp_from",
        "smarthost": "smtp_smarthost",
        "hello": "smtp_hello",
        "auth_username": "smtp_auth_username",
        "auth_password": "smtp_auth_password",
    },
    "slack": {"api_url": "slack_api_url"},
    "pagerduty": {"url": "pagerduty_url"},
    "webhook": {},
}
"""By kind: keys whose values `global` has where the integration has none, and their names there."""

SEVERITIES: Final = ("critical", "error", "warning", "info")

_LEFT_OUT: Final[Mapping[str, Mapping[str, Any]]] = {
    "email": {"to": ()},
    "slack": {"api_url": Secret("")},
    "pagerduty": {"routing_key": Secret("")},
    "webhook": {"url": Secret("")},
}
"""By kind: what it cannot send without, taken away."""

_STAND_INS: Final = {
    "auth_password": ("auth_secret", "smtp_auth_secret"),
    "api_url": ("app_token", "slack_app_token"),
}
"""What Alertmanager takes in place of a key, and its name in `global`; both also as a file."""

_ADDRESS: Final = re.compile(r"[^\s@<>()\[\],;:\\]+@[^\s@<>(),;:\\]+")
_HEADER_NAME: Final = re.compile(r"[!-9;-~]+")


@dataclass(frozen=True)
class Defaults:
    """What integrations have in common.

    Args:
        folder: what paths are relative to.
        config: `global`.
        section: where it was read.
    """

    folder: Path
    config: GlobalConfig
    section: Section
    unset: Mapping[str, Sequence[str]] = field(init=False)

    def __post_init__(self) -> None:
        names = {key.removesuffix("_file"): why for key, why in self.section.unset.items()}
        object.__setattr__(self, "unset", names)


def read_receiver(section: Section, defaults: Defaults) -> Receiver:
    """Return one receiver with its integrations."""
    name = section.name("name")
    receiver = Receiver(
        name=name,
        email_configs=_read_all(section, name, "email", read_email, defaults),
        slack_configs=_read_all(section, name, "slack", read_slack, defaults),
        pagerduty_configs=_read_all(section, name, "pagerduty", read_pagerduty, defaults),
        webhook_configs=_read_all(section, name, "webhook", read_webhook, defaults),
    )
    section.unsupported(UNSUPPORTED_RECEIVER)
    section.close()
    return receiver


def read_email(section: Section, folder: Path) -> EmailConfig:
    """Return one entry of `email_configs`."""
    config = EmailConfig(
        to=read_recipients(section),
        send_resolved=section.boolean("send_resolved", EmailConfig.send_resolved),
        from_=read_sender(section, "from"),
        smarthost=section.expanded("smarthost"),
        hello=section.expanded("hello"),
        auth_username=section.expanded("auth_username"),
        auth_password=read_secret(section, "auth_password", folder),
        require_tls=section.boolean("require_tls", None),
        template=section.text("template", EmailConfig.template),
        headers=section.labels("headers"),
        html=section.text("html", None),
        text=section.text("text", None),
    )
    for name in config.headers:
        if not _HEADER_NAME.fullmatch(name):
            section.problem(f"headers.{name}", "the name of a header", f'"{name}"')
    section.unsupported(UNSUPPORTED_EMAIL)
    return config


def read_slack(section: Section, folder: Path) -> SlackConfig:
    """Return one entry of `slack_configs`."""
    default = SlackConfig()
    config = SlackConfig(
        send_resolved=section.boolean("send_resolved", default.send_resolved),
        api_url=read_secret_url(section, "api_url", folder),
        channel=section.text("channel", default.channel),
        username=section.text("username", default.username),
        color=section.text("color", default.color),
        title=section.text("title", default.title),
        title_link=section.text("title_link", default.title_link),
        pretext=section.text("pretext", default.pretext),
        text=section.text("text", default.text),
        fallback=section.text("fallback", default.fallback),
        footer=section.text("footer", default.footer),
        icon_emoji=section.text("icon_emoji", default.icon_emoji),
        icon_url=section.text("icon_url", default.icon_url),
        link_names=section.boolean("link_names", default.link_names),
    )
    section.unsupported(UNSUPPORTED_SLACK)
    return config


def read_pagerduty(section: Section, folder: Path) -> PagerDutyConfig:
    """Return one entry of `pagerduty_configs`."""
    default = PagerDutyConfig()
    config = PagerDutyConfig(
        send_resolved=section.boolean("send_resolved", default.send_resolved),
        routing_key=read_secret(section, "routing_key", folder),
        service_key=read_secret(section, "service_key", folder),
        url=read_url(section, "url"),
        client=section.text("client", default.client),
        client_url=section.text("client_url", default.client_url),
        description=section.text("description", default.description),
        severity=section.text("severity", default.severity),
        details=section.labels("details"),
        source=section.text("source", default.source),
        class_=section.text("class", default.class_),
        component=section.text("component", default.component),
        group=section.text("group", default.group),
    )
    if "{{" not in config.severity and config.severity not in SEVERITIES:
        known = ", ".join(SEVERITIES)
        section.warn("severity", f'"{config.severity}" is sent as "error": PagerDuty knows {known}')
    section.unsupported(UNSUPPORTED_PAGERDUTY)
    return config


def read_webhook(section: Section, folder: Path) -> WebhookConfig:
    """Return one entry of `webhook_configs`."""
    config = WebhookConfig(
        send_resolved=section.boolean("send_resolved", WebhookConfig.send_resolved),
        url=read_secret_url(section, "url", folder),
        max_alerts=section.integer("max_alerts", 0),
    )
    section.unsupported(UNSUPPORTED_WEBHOOK)
    return config


def read_recipients(section: Section) -> Sequence[str]:
    """Return the addresses of `to`; a template, which gives them when an alert comes, whole."""
    text = section.expanded("to", required=True)
    if text is None or section.is_wrong("to"):
        return ()
    if "{{" in text:
        return (text,)
    addresses = [address for _, address in getaddresses([text])]
    if not all(map(_ADDRESS.fullmatch, addresses)):
        section.problem("to", "addresses like team@example.org, separated by commas")
        return ()
    return addresses


def read_sender(section: Section, key: str) -> str | None:
    """Return the address that messages come from; None where there is none."""
    text = section.expanded(key)
    if text is None or "{{" in text:
        return text
    addresses = [address for _, address in getaddresses([text])]
    if len(addresses) != 1 or not _ADDRESS.fullmatch(addresses[0]):
        section.problem(key, "one address like sakshi@example.org")
    return text


def _read_all(
    section: Section,
    receiver: str,
    kind: str,
    read: Callable[[Section, Path], Integration],
    defaults: Defaults,
) -> Sequence[Integration]:
    configs = []
    for index, entry in enumerate(section.sections(f"{kind}_configs")):
        config = read(entry, defaults.folder)
        entry.warn_of_references()
        entry.close()
        configs.append(_leave_out(entry, f"{receiver}/{kind}[{index}]", config, defaults))
    return configs


def _leave_out(section: Section, name: str, config: Integration, defaults: Defaults) -> Integration:
    """Return an integration; one that cannot send where something that it needs is not there."""
    reasons = [reason for reasons in section.unset.values() for reason in reasons]
    for key, global_key in INHERITED[config.kind].items():
        if key not in section and f"{key}_file" not in section:
            reasons += defaults.unset.get(global_key, ())
    if reasons:
        section.warn_here(f"{name} is left out: {', '.join(dict.fromkeys(reasons))}")
        return replace(config, **_LEFT_OUT[config.kind])
    missing = config.completed(defaults.config).missing()
    stand_in = _find_stand_in(section, missing, defaults)
    if stand_in is not None:
        section.warn_here(f"{name} is left out: {stand_in} is not supported yet")
    elif missing and not section.has_problems() and not defaults.section.has_problems():
        global_key = INHERITED[config.kind].get(missing, "")
        elsewhere = f", here or as {global_key} in global" if global_key else ""
        section.problem(missing, f"a value{elsewhere}", "nothing")
    return config


def _find_stand_in(section: Section, missing: str, defaults: Defaults) -> str | None:
    """Return the unsupported key that stands for a missing one; None where there is none."""
    if missing not in _STAND_INS:
        return None
    own, of_global = _STAND_INS[missing]
    for holder, key in ((section, own), (defaults.section, of_global)):
        for name in (key, f"{key}_file"):
            if name in holder:
                return name
    return None
