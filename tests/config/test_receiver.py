from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import indent

import pytest
from tests.config.reading import find_problems, read_text

from sakshi.alerting import (
    EmailConfig,
    NotificationConfig,
    PagerDutyConfig,
    Receiver,
    Secret,
    SlackConfig,
    WebhookConfig,
)

SMTP = "smtp_smarthost: 'localhost:25'\nsmtp_from: sakshi@example.org\n"


def file(receiver: str, defaults: str = "") -> str:
    """Return a sakshi.yml with one receiver, whose keys are given."""
    parts = ["notifications:\n  route: {receiver: team}\n"]
    if defaults:
        parts.append("  global:\n" + indent(defaults, "    "))
    parts.append("  receivers:\n  - name: team\n" + indent(receiver, "    "))
    return "".join(parts)


def notifications(
    receiver: str, defaults: str = "", environment: Mapping[str, str] | None = None
) -> tuple[NotificationConfig, list[str]]:
    """Return what a file with one receiver says, and its warnings without their places."""
    configuration = read_text(file(receiver, defaults), environment)
    assert configuration.notifications is not None
    return configuration.notifications, [
        warning.split(": ", 1)[1] for warning in configuration.warnings
    ]


def test_every_key_is_read() -> None:
    """What stands in the file stands in the dataclasses; addresses are bare."""
    config, warnings = notifications(
        """\
email_configs:
- to: 'Ann <ann@example.org>, bob@example.org'
  send_resolved: true
  from: 'sakshi <sakshi@example.org>'
  smarthost: smtp.example.org:587
  hello: here
  auth_username: ann
  auth_password: p
  require_tls: false
  template: warning-alert-template
  headers: {Subject: s, X-Team: t}
  html: ''
  text: plain
slack_configs:
- api_url: https://hooks.example.org/x
  send_resolved: true
  channel: '#chat'
  username: u
  color: good
  title: t
  title_link: l
  pretext: p
  text: x
  fallback: f
  footer: o
  icon_emoji: ':e:'
  icon_url: i
  link_names: true
pagerduty_configs:
- routing_key: r
  send_resolved: false
  url: https://pager.example.org
  client: c
  client_url: u
  description: d
  severity: critical
  details: {a: b}
  source: s
  class: k
  component: o
  group: g
- service_key: s
webhook_configs:
- url: https://user:password@example.org/hook
  send_resolved: false
  max_alerts: 5
""".replace("smtp.example.org:587", "localhost:587")
    )

    assert warnings == []
    [receiver] = config.receivers
    assert receiver == Receiver(
        "team",
        email_configs=[
            EmailConfig(
                to=["ann@example.org", "bob@example.org"],
                send_resolved=True,
                from_="sakshi <sakshi@example.org>",
                smarthost="localhost:587",
                hello="here",
                auth_username="ann",
                auth_password=Secret("p"),
                require_tls=False,
                template="warning-alert-template",
                headers={"Subject": "s", "X-Team": "t"},
                html="",
                text="plain",
            )
        ],
        slack_configs=[
            SlackConfig(
                send_resolved=True,
                api_url=Secret("https://hooks.example.org/x"),
                channel="#chat",
                username="u",
                color="good",
                title="t",
                title_link="l",
                pretext="p",
                text="x",
                fallback="f",
                footer="o",
                icon_emoji=":e:",
                icon_url="i",
                link_names=True,
            )
        ],
        pagerduty_configs=[
            PagerDutyConfig(
                routing_key=Secret("r"),
                send_resolved=False,
                url="https://pager.example.org",
                client="c",
                client_url="u",
                description="d",
                severity="critical",
                details={"a": "b"},
                source="s",
                class_="k",
                component="o",
                group="g",
            ),
            PagerDutyConfig(service_key=Secret("s")),
        ],
        webhook_configs=[
            WebhookConfig(
                url=Secret("https://user:password@example.org/hook"),
                send_resolved=False,
                max_alerts=5,
            )
        ],
    )


def test_the_defaults_are_alertmanagers() -> None:
    """An integration that says no more than it must is as Alertmanager's."""
    config, _ = notifications(
        "email_configs: [{to: a@example.org}]\n"
        "slack_configs: [{api_url: 'https://x.org'}]\n"
        "pagerduty_configs: [{routing_key: k}]\n"
        "webhook_configs: [{url: 'https://x.org'}]\n",
        SMTP,
    )

    [receiver] = config.receivers
    assert receiver == Receiver(
        "team",
        [EmailConfig(["a@example.org"])],
        [SlackConfig(api_url=Secret("https://x.org"))],
        [PagerDutyConfig(routing_key=Secret("k"))],
        [WebhookConfig(url=Secret("https://x.org"))],
    )


LEFT_OUT = [
    pytest.param(
        "slack_configs: [{api_url: '${HOOK}'}]\n",
        "",
        "team/slack[0] is left out: HOOK is not set",
        id="its address",
    ),
    pytest.param(
        "slack_configs: [{api_url: '${HOOK}'}]\n",
        "slack_api_url: https://elsewhere.example.org\n",
        "team/slack[0] is left out: HOOK is not set",
        id="its address, although global has one: that is another channel",
    ),
    pytest.param(
        "slack_configs: [{}]\n",
        "slack_api_url: ${HOOK}\n",
        "team/slack[0] is left out: HOOK is not set",
        id="that of global",
    ),
    pytest.param(
        "slack_configs: [{api_url_file: /none}]\n",
        "",
        "team/slack[0] is left out: /none: no such file",
        id="the file of its address",
    ),
    pytest.param(
        "slack_configs: [{app_token_file: x}]\n",
        "",
        "team/slack[0] is left out: app_token_file is not supported yet",
        id="a token, which Alertmanager takes for an address",
    ),
    pytest.param(
        "email_configs: [{to: a@example.org, auth_username: u}]\n",
        f"{SMTP}smtp_auth_secret: s\n",
        "team/email[0] is left out: smtp_auth_secret is not supported yet",
        id="a secret of global, which Alertmanager takes for a password",
    ),
    pytest.param(
        "pagerduty_configs: [{service_key: '${KEY}'}]\n",
        "",
        "team/pagerduty[0] is left out: KEY is not set",
        id="its key",
    ),
    pytest.param(
        "pagerduty_configs: [{routing_key: k}]\n",
        "pagerduty_url: ${URL}\n",
        "team/pagerduty[0] is left out: URL is not set",
        id="an address that has a default",
    ),
    pytest.param(
        "webhook_configs: [{url: 'https://${HOST}:${PORT}/'}]\n",
        "",
        "team/webhook[0] is left out: HOST is not set, PORT is not set",
        id="parts of its address",
    ),
    pytest.param(
        "email_configs: [{to: '${TEAM}'}]\n",
        SMTP,
        "team/email[0] is left out: TEAM is not set",
        id="its recipients",
    ),
    pytest.param(
        "email_configs: [{to: a@example.org}]\n",
        f"{SMTP}smtp_auth_username: ${{USER}}\nsmtp_auth_password: ${{PASSWORD}}\n",
        "team/email[0] is left out: USER is not set, PASSWORD is not set",
        id="a login: without it the server would refuse",
    ),
    pytest.param(
        "email_configs: [{to: a@example.org, auth_password: '${PASSWORD}'}]\n",
        f"{SMTP}smtp_auth_username: u\nsmtp_auth_password: ${{PASSWORD}}\n",
        "team/email[0] is left out: PASSWORD is not set",
        id="one variable twice",
    ),
]


@pytest.mark.parametrize(("receiver", "defaults", "warning"), LEFT_OUT)
def test_an_integration_is_left_out_if_what_it_needs_is_not_there(
    receiver: str, defaults: str, warning: str
) -> None:
    """The warning names it and the variable, once; it never sends, and the others do."""
    config, warnings = notifications(
        receiver + ("" if "webhook" in receiver else "webhook_configs: [{url: 'https://x.org'}]\n"),
        defaults,
    )

    assert [text for text in warnings if "left out" in text] == [warning]
    assert [key for _, key in config.integrations] == (
        [] if "webhook" in receiver else ["webhook[0]"]
    )


def test_what_an_integration_has_itself_it_does_not_miss() -> None:
    """A variable of `global` that is not set concerns those who would use it."""
    config, warnings = notifications(
        "slack_configs: [{api_url: 'https://x.org'}, {}]\n", "slack_api_url: ${HOOK}\n"
    )

    assert warnings == ["team/slack[1] is left out: HOOK is not set"]
    assert list(config.integrations) == [("team", "slack[0]")]


def test_the_place_of_a_warning_is_that_of_the_integration(tmp_path: Path) -> None:
    """One line for each integration that is left out."""
    configuration = read_text(
        file("slack_configs:\n- channel: x\n  api_url: ${A}\n- api_url: ${B}\n"), {"A": "https://a"}
    )

    assert configuration.warnings == ["x.yml:8:7: team/slack[1] is left out: B is not set"]


PROBLEMS = [
    pytest.param(
        "slack_configs: [{channel: x}]\n",
        "",
        "notifications.receivers[0].slack_configs[0].api_url: "
        "expected a value, here or as slack_api_url in global, found nothing",
        id="no address",
    ),
    pytest.param(
        "slack_configs: [{api_ur: x}]\n",
        "",
        "notifications.receivers[0].slack_configs[0].api_ur: "
        'expected the key "api_url", found the unknown key "api_ur"',
        id="a misspelt address is not missing too",
    ),
    pytest.param(
        "slack_configs: [{channel: x}]\n",
        "slack_api_ur: x\n",
        'notifications.global.slack_api_ur: expected the key "slack_api_url", '
        'found the unknown key "slack_api_ur"',
        id="nor one that is misspelt in global",
    ),
    pytest.param(
        "pagerduty_configs: [{client: x}]\n",
        "",
        "notifications.receivers[0].pagerduty_configs[0].routing_key: "
        "expected a value, found nothing",
        id="no key",
    ),
    pytest.param(
        "email_configs: [{to: a@example.org}]\n",
        "smtp_from: s@example.org\n",
        "notifications.receivers[0].email_configs[0].smarthost: "
        "expected a value, here or as smtp_smarthost in global, found nothing",
        id="no server",
    ),
    pytest.param(
        "email_configs: [{send_resolved: true}]\n",
        SMTP,
        "notifications.receivers[0].email_configs[0].to: expected a text, found nothing",
        id="no recipients",
    ),
    pytest.param(
        "email_configs: [{to: 'a@example.org b@example.org'}]\n",
        SMTP,
        "notifications.receivers[0].email_configs[0].to: expected addresses like "
        'team@example.org, separated by commas, found "a@example.org b@example.org"',
        id="recipients without comma",
    ),
    pytest.param(
        "email_configs: [{to: tech-lead}]\n",
        SMTP,
        "notifications.receivers[0].email_configs[0].to: expected addresses like "
        'team@example.org, separated by commas, found "tech-lead"',
        id="a recipient without domain",
    ),
    pytest.param(
        "email_configs: [{to: a@example.org}]\n",
        "smtp_smarthost: 'localhost:25'\nsmtp_from: sakshi\n",
        "notifications.global.smtp_from: "
        'expected one address like sakshi@example.org, found "sakshi"',
        id="a sender without domain",
    ),
    pytest.param(
        "email_configs: [{to: a@example.org}, {to: b@example.org}]\n",
        "smtp_smarthost: 'localhost:smtp'\nsmtp_from: s@example.org\n",
        "notifications.global.smtp_smarthost: "
        'expected host:port, as smtp.example.org:587, found "localhost:smtp"',
        id="a port that is none is said once, where it stands",
    ),
    pytest.param(
        "email_configs: [{to: a@example.org}, {to: b@example.org}]\n",
        "smtp_smarthost: 'smtp.example.org:25'\nsmtp_from: s@example.org\n"
        "smtp_require_tls: false\nsmtp_auth_username: u\nsmtp_auth_password: p\n",
        "notifications.global.smtp_require_tls: "
        "expected true: a password does not leave this machine without TLS, found false",
        id="a password in clear is said once, where it stands",
    ),
    pytest.param(
        "email_configs: [{to: a@example.org, headers: {'A B': c}}]\n",
        SMTP,
        "notifications.receivers[0].email_configs[0].headers.A B: "
        'expected the name of a header, found "A B"',
        id="a header that is none",
    ),
    pytest.param(
        "email_configs: [{to: a@example.org, fields: []}]\n",
        SMTP,
        "notifications.receivers[0].email_configs[0].fields: expected one of auth_password, "
        "auth_password_file, auth_username, from, headers, hello, html, require_tls, "
        'send_resolved, smarthost, template, text, to, found the unknown key "fields"',
        id="a key of another integration",
    ),
    pytest.param(
        "slak_configs: []\n",
        "",
        "notifications.receivers[0].slak_configs: "
        'expected the key "slack_configs", found the unknown key "slak_configs"',
        id="a misspelt integration",
    ),
]


@pytest.mark.parametrize(("receiver", "defaults", "problem"), PROBLEMS)
def test_what_is_wrong_has_its_key(receiver: str, defaults: str, problem: str) -> None:
    """One mistake is one problem."""
    problems = [text.split(": ", 1)[1] for text in find_problems(file(receiver, defaults))]

    assert problems == [problem]


def test_a_template_may_give_the_recipients() -> None:
    """It is taken as it is: what it renders to is known when there is an alert."""
    template = "{{ range .Alerts }}{{ .Labels.mail }},{{ end }}"
    config, _ = notifications(f"email_configs: [{{to: '{template}'}}]\n", SMTP)

    assert config.receivers[0].email_configs[0].to == (template,)


@pytest.mark.parametrize(
    ("receiver", "warning"),
    [
        (
            "slack_configs: [{api_url: 'https://x.org', channel: '${CHANNEL}'}]\n",
            "notifications.receivers[0].slack_configs[0].channel: "
            "${...} is not replaced here, only in secrets and addresses",
        ),
        (
            "slack_configs: [{api_url: 'https://x.org', actions: []}]\n",
            "notifications.receivers[0].slack_configs[0].actions: not supported yet, no effect",
        ),
        (
            "pagerduty_configs: [{routing_key: k, severity: fatal}]\n",
            "notifications.receivers[0].pagerduty_configs[0].severity: "
            '"fatal" is sent as "error": PagerDuty knows critical, error, warning, info',
        ),
        (
            "opsgenie_configs: [{api_key: k}]\n",
            "notifications.receivers[0].opsgenie_configs: not supported yet, no effect",
        ),
    ],
)
def test_what_will_not_be_as_hoped_is_warned_of(receiver: str, warning: str) -> None:
    """It stops nothing."""
    assert notifications(receiver)[1] == [warning]
