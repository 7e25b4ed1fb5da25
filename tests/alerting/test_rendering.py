from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.alerting.message import notification
from tests.conftest import FakeClock
from tests.ledger.incident import firing, resolved

from sakshi.alerting import (
    EmailConfig,
    NotificationConfig,
    PagerDutyConfig,
    Receiver,
    RouteConfig,
    Secret,
    SlackConfig,
    TemplateSet,
    WebhookConfig,
    check_templates,
)
from sakshi.alerting.plain import plain_text, plain_title
from sakshi.model.errors import BadInputError
from sakshi.model.labels import Labels


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ .Receiver }} {{ .Status }} {{ .ExternalURL }}", "team firing http://localhost:9090"),
        ("{{ len .Alerts }} {{ .Alerts.Firing | len }} {{ .Alerts.Resolved | len }}", "2 1 1"),
        ("{{ .GroupLabels.alertname }}", "HighResponseTime"),
        ("{{ .CommonLabels }}", "alertname=HighResponseTime, severity=warning"),
        ("{{ .CommonAnnotations.summary }}", "HighResponseTime is wrong"),
        ("{{ range .Alerts }}{{ .Labels.session }}{{ end }}", "12"),
        ("{{ range .Alerts }}{{ .StartsAt.Unix }} {{ end }}", "1700000000 1700000000 "),
        ("{{ range .Alerts }}{{ .EndsAt.IsZero }} {{ end }}", "true false "),
        ("{{ range .Alerts }}{{ .LastedSeconds }} {{ end }}", "0 60 "),
        ("{{ (index .Alerts 0).RuleID }}", "rules.yml;chat;HighResponseTime"),
        ("{{ (index .Alerts 0).Value }}", "3.5"),
        ("{{ slackEscape `<!here> & co` }}", "&lt;!here&gt; &amp; co"),
    ],
)
def test_templates_see_alertmanagers_data(templates: TemplateSet, text: str, expected: str) -> None:
    """The names and values are those that Alertmanager's templates use, and a few of ours."""
    message = notification(firing(session="1"), resolved(firing(session="2")))

    assert templates.render(text, message) == expected


def test_a_template_of_the_user_replaces_a_shipped_one(tmp_path: Path, clock: FakeClock) -> None:
    """Of two with one name, the user's is taken; it may call shipped ones."""
    path = tmp_path / "own.tmpl"
    path.write_text(
        '{{ define "slack.default.username" }}{{ template "pagerduty.default.client" }}!{{ end }}'
    )

    templates = TemplateSet([str(path)], clock, "http://localhost:9090")

    text = '{{ template "slack.default.username" . }}'
    assert templates.render(text, notification()) == "sakshi!"
    assert "critical-alert-template.html" in templates.names()


def test_template_files_that_are_wrong_are_all_named_at_start(
    tmp_path: Path, clock: FakeClock
) -> None:
    """A mistake is found now, not when the pager should ring."""
    wrong, binary = tmp_path / "wrong.tmpl", tmp_path / "binary.tmpl"
    wrong.write_text("{{ if }}")
    binary.write_bytes(b"\xff\xfe")
    missing = tmp_path / "missing.tmpl"

    with pytest.raises(BadInputError) as refusal:
        TemplateSet([str(wrong), str(missing), str(binary)], clock, "")

    places = [problem.place for problem in refusal.value.problems]
    assert places == [f"{wrong}:1:7", str(missing), str(binary)]


SOUND = NotificationConfig(
    RouteConfig("r"),
    (
        Receiver(
            "r",
            email_configs=tuple(
                EmailConfig(("a@b",), template=name)
                for name in (
                    "email.default",
                    "critical-alert-template",
                    "warning-alert-template",
                    "info-alert-template",
                )
            ),
            slack_configs=(SlackConfig(),),
            pagerduty_configs=(PagerDutyConfig(),),
            webhook_configs=(WebhookConfig(url=Secret("http://x")),),
        ),
    ),
)


def test_every_shipped_template_renders(templates: TemplateSet) -> None:
    """With firing alerts, with resolved ones, and with both."""
    assert list(check_templates(SOUND, templates)) == []


def test_a_text_that_cannot_be_rendered_is_named(templates: TemplateSet) -> None:
    """Each with its place: a template or a field that is not there, a syntax that is none."""
    receiver = Receiver(
        "r",
        email_configs=(EmailConfig(("a@b",), template="mine", headers={"X-A": "{{ .Nothing }}"}),),
        slack_configs=(SlackConfig(), SlackConfig(title="{{ end }}")),
    )
    config = replace(SOUND, receivers=(receiver,))

    problems = check_templates(config, templates)

    assert [problem.place for problem in problems] == [
        "receivers[0].email_configs[0].text",
        "receivers[0].email_configs[0].html",
        "receivers[0].email_configs[0].headers.Subject",
        "receivers[0].email_configs[0].headers.X-A",
        "receivers[0].slack_configs[1].title",
    ]
    assert 'there is no template "mine.text"' in problems[0].found


def test_plain_words_name_what_matters() -> None:
    """Without any template: what, since when, until when, and where to look."""
    message = notification(resolved(firing(session="1")))

    assert plain_title(message) == '[RESOLVED:1] HighResponseTime (session="1", severity="warning")'
    assert plain_text(message, "http://localhost:9090").splitlines() == [
        "RESOLVED: HighResponseTime",
        "summary: HighResponseTime is wrong",
        "value: 3.5",
        "since: 2023-11-14T22:13:20.000Z",
        "until: 2023-11-14T22:14:20.000Z",
        'labels: {alertname="HighResponseTime", session="1", severity="warning"}',
        "rule: rules.yml;chat;HighResponseTime",
        f"http://localhost:9090/#alert={message.alerts[0].fingerprint}",
    ]


def test_plain_words_are_few() -> None:
    """A thousand alerts of different names are ten, and a number; long texts are cut."""
    alerts = [
        replace(firing(f"A{number}"), annotations=Labels({"summary": "x" * 10_000}))
        for number in range(1000)
    ]

    text = plain_text(notification(*alerts), "http://localhost:9090")

    assert plain_title(notification(*alerts)) == '[FIRING:1000] 1000 alerts (severity="warning")'
    assert len(text) <= 4000


def test_the_rest_of_many_alerts_is_counted() -> None:
    """Who reads the plain message knows that there is more."""
    alerts = [firing(f"A{number}") for number in range(12)]

    assert plain_text(notification(*alerts), "http://x").endswith("and 2 more: http://x/")
