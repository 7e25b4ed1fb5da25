"""Reads `notifications`: Alertmanager's file, as far as sakshi supports it.

Secrets and addresses may hold `${NAME}`, replaced from the environment, or be named by the same key
with `_file` behind it. A variable that is not set leaves its integration unconfigured, with a
warning: a monitor that does not start because one channel is not set up yet watches nothing.

Source:
    prometheus.io/docs/alerting/latest/configuration
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeVar

from sakshi.alerting import (
    EmailConfig,
    InhibitRule,
    NotificationConfig,
    PagerDutyConfig,
    Receiver,
    RouteConfig,
    Secret,
    SlackConfig,
    WebhookConfig,
    parse_matchers,
)
from sakshi.alerting import GlobalConfig as NotificationGlobal
from sakshi.config.document import Section
from sakshi.config.pattern import find_files
from sakshi.model.errors import BadInputError, Problem
from sakshi.model.labels import LEGACY_LABEL_NAME
from sakshi.model.matcher import InvalidRegexError, Matcher, MatchOperator

Integration = TypeVar("Integration", EmailConfig, SlackConfig, PagerDutyConfig, WebhookConfig)

UNSUPPORTED: Final = ("mute_time_intervals", "time_intervals", "tracing")
UNSUPPORTED_GLOBAL: Final = (
    "http_config",
    "opsgenie_api_key",
    "opsgenie_api_url",
    "slack_app_token",
    "slack_app_url",
    "smtp_auth_identity",
    "smtp_auth_secret",
    "smtp_force_implicit_tls",
    "smtp_tls_config",
    "telegram_api_url",
    "victorops_api_key",
    "victorops_api_url",
    "webex_api_url",
    "wechat_api_corp_id",
    "wechat_api_secret",
    "wechat_api_url",
)
UNSUPPORTED_ROUTE: Final = ("active_time_intervals", "mute_time_intervals")
UNSUPPORTED_INTEGRATION: Final = (
    "actions",
    "app_token",
    "app_url",
    "auth_identity",
    "auth_secret",
    "callback_id",
    "fields",
    "force_implicit_tls",
    "http_config",
    "image_url",
    "images",
    "links",
    "message_text",
    "mrkdwn_in",
    "payload",
    "short_fields",
    "threading",
    "thumb_url",
    "timeout",
    "tls_config",
)


def read_notifications(section: Section, folder: Path) -> NotificationConfig:
    """Return an Alertmanager file's content.

    Args:
        section: its root, or `notifications` of sakshi.yml.
        folder: what paths in it are relative to.
    """
    global_ = read_notification_global(section.section("global"), folder)
    if "route" not in section:
        section.problem(None, "the key route, with the receiver of all alerts", "none")
    config = NotificationConfig(
        route=read_route(section.section("route")),
        receivers=[read_receiver(entry, folder) for entry in section.sections("receivers")],
        inhibit_rules=[read_inhibit_rule(entry) for entry in section.sections("inhibit_rules")],
        global_=global_,
        templates=read_templates(section, folder),
    )
    section.unsupported(UNSUPPORTED)
    section.close()
    for problem in config.problems():
        section.document.problems.append(
            Problem(f"{section.place()}.{problem.place}", problem.expected, problem.found)
        )
    section.document.warnings += [f"{section.place()}: {item}" for item in config.unconfigured]
    return config


def read_notification_global(section: Section, folder: Path) -> NotificationGlobal:
    """Return Alertmanager's `global` section."""
    default = NotificationGlobal()
    config = NotificationGlobal(
        smtp_from=optional(section, "smtp_from"),
        smtp_smarthost=optional(section, "smtp_smarthost"),
        smtp_hello=section.text("smtp_hello", default.smtp_hello),
        smtp_auth_username=optional(section, "smtp_auth_username"),
        smtp_auth_password=read_secret(section, "smtp_auth_password", folder),
        smtp_require_tls=section.boolean("smtp_require_tls", default.smtp_require_tls),
        slack_api_url=read_secret(section, "slack_api_url", folder),
        pagerduty_url=optional(section, "pagerduty_url") or default.pagerduty_url,
        resolve_timeout_ms=section.duration("resolve_timeout", default.resolve_timeout_ms),
    )
    section.unsupported(UNSUPPORTED_GLOBAL)
    section.close()
    return config


def read_route(section: Section) -> RouteConfig:
    """Return one route with those below it."""
    matchers = [
        *read_matchers(section, "matchers"),
        *read_old_matchers(section, "match", MatchOperator.EQUAL),
        *read_old_matchers(section, "match_re", MatchOperator.REGEX),
    ]
    config = RouteConfig(
        receiver=section.text("receiver", "") or None,
        matchers=matchers,
        group_by=section.texts("group_by") if "group_by" in section else None,
        group_wait_ms=optional_duration(section, "group_wait"),
        group_interval_ms=optional_duration(section, "group_interval"),
        repeat_interval_ms=optional_duration(section, "repeat_interval"),
        continue_=section.boolean("continue", False),
        routes=[read_route(entry) for entry in section.sections("routes")],
    )
    section.ignore(["group_by"])
    section.unsupported(UNSUPPORTED_ROUTE)
    section.close()
    return config


def read_inhibit_rule(section: Section) -> InhibitRule:
    """Return one entry of `inhibit_rules`."""
    rule = InhibitRule(
        source_matchers=[
            *read_matchers(section, "source_matchers"),
            *read_old_matchers(section, "source_match", MatchOperator.EQUAL),
            *read_old_matchers(section, "source_match_re", MatchOperator.REGEX),
        ],
        target_matchers=[
            *read_matchers(section, "target_matchers"),
            *read_old_matchers(section, "target_match", MatchOperator.EQUAL),
            *read_old_matchers(section, "target_match_re", MatchOperator.REGEX),
        ],
        equal=section.texts("equal"),
    )
    section.ignore(["name"])
    section.close()
    return rule


def read_receiver(section: Section, folder: Path) -> Receiver:
    """Return one receiver with its integrations."""
    receiver = Receiver(
        name=section.text("name"),
        email_configs=[read_email(entry, folder) for entry in section.sections("email_configs")],
        slack_configs=[read_slack(entry, folder) for entry in section.sections("slack_configs")],
        pagerduty_configs=[
            read_pagerduty(entry, folder) for entry in section.sections("pagerduty_configs")
        ],
        webhook_configs=[
            read_webhook(entry, folder) for entry in section.sections("webhook_configs")
        ],
    )
    section.unsupported(key for key in section.keys() if key.endswith("_configs"))  # noqa: SIM118 - not a dict
    section.close()
    return receiver


def read_email(section: Section, folder: Path) -> EmailConfig:
    """Return one entry of `email_configs`."""
    recipients = section.expanded("to") or ""
    config = EmailConfig(
        to=[address.strip() for address in recipients.split(",") if address.strip()],
        send_resolved=section.boolean("send_resolved", False),
        from_=optional(section, "from"),
        smarthost=optional(section, "smarthost"),
        hello=optional(section, "hello"),
        auth_username=optional(section, "auth_username"),
        auth_password=read_secret(section, "auth_password", folder),
        require_tls=section.boolean("require_tls") if "require_tls" in section else None,
        template=section.text("template", EmailConfig.template),
        headers=section.labels("headers"),
        html=section.text("html") if "html" in section else None,
        text=section.text("text") if "text" in section else None,
    )
    section.ignore(["require_tls", "html", "text"])
    return finish(section, config)


def read_slack(section: Section, folder: Path) -> SlackConfig:
    """Return one entry of `slack_configs`."""
    default = SlackConfig()
    config = SlackConfig(
        send_resolved=section.boolean("send_resolved", default.send_resolved),
        api_url=read_secret(section, "api_url", folder),
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
    return finish(section, config)


def read_pagerduty(section: Section, folder: Path) -> PagerDutyConfig:
    """Return one entry of `pagerduty_configs`."""
    default = PagerDutyConfig()
    config = PagerDutyConfig(
        send_resolved=section.boolean("send_resolved", default.send_resolved),
        routing_key=read_secret(section, "routing_key", folder),
        service_key=read_secret(section, "service_key", folder),
        url=optional(section, "url"),
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
    return finish(section, config)


def read_webhook(section: Section, folder: Path) -> WebhookConfig:
    """Return one entry of `webhook_configs`."""
    config = WebhookConfig(
        send_resolved=section.boolean("send_resolved", WebhookConfig.send_resolved),
        url=read_secret(section, "url", folder),
        max_alerts=section.integer("max_alerts", 0),
    )
    return finish(section, config)


def finish(section: Section, config: Integration) -> Integration:
    """Return the integration, after a word on what of it has no effect."""
    section.unsupported(UNSUPPORTED_INTEGRATION)
    section.close()
    return config


def read_matchers(section: Section, key: str) -> Sequence[Matcher]:
    """Return the matchers of a list of texts: `severity="critical"`, `job=~"a|b"`."""
    matchers: list[Matcher] = []
    for text in section.texts(key):
        try:
            matchers += parse_matchers(text)
        except BadInputError as error:
            for problem in error.problems:
                section.document.problems.append(
                    Problem(f"{section.place(key)} at {problem.place}", *_rest(problem))
                )
    return matchers


def read_old_matchers(section: Section, key: str, operator: MatchOperator) -> Sequence[Matcher]:
    """Return the matchers of `match` and `match_re`, Alertmanager's older notation."""
    matchers = []
    for name, value in section.labels(key).items():
        if not LEGACY_LABEL_NAME.fullmatch(name):
            section.section(key).problem(name, "a label name", f'"{name}"')
            continue
        try:
            matchers.append(Matcher(name, operator, value))
        except InvalidRegexError as error:
            section.section(key).problem(name, "a regular expression of RE2", str(error))
    return matchers


def read_secret(section: Section, key: str, folder: Path) -> Secret | None:
    """Return a secret, given as it is, by `${NAME}`, or by a file; None where there is none."""
    file_key = f"{key}_file"
    if file_key in section:
        name = section.text(file_key)
        try:
            value: str | None = (folder / name).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            section.problem(file_key, "a file that can be read", type(error).__name__)
            return None
    else:
        section.ignore([file_key])
        value = optional(section, key)
    section.ignore([key])
    return Secret(value) if value else None


def read_templates(section: Section, folder: Path) -> Sequence[str]:
    """Return the paths of the template files that patterns name."""
    paths: list[str] = []
    for pattern in section.texts("templates"):
        paths += map(str, find_files(folder, pattern))
    return paths


def optional(section: Section, key: str) -> str | None:
    """Return a text with its `${NAME}` replaced; None where it is absent, empty or not set."""
    return section.expanded(key, "") or None


def optional_duration(section: Section, key: str) -> int | None:
    """Return a duration in milliseconds; None where it is absent."""
    if key in section:
        return section.duration(key)
    section.ignore([key])
    return None


def _rest(problem: Problem) -> tuple[str, str]:
    return problem.expected, problem.found
