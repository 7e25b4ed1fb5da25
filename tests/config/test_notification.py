from __future__ import annotations

from pathlib import Path

import pytest
from tests.config.reading import find_problems, read_text, take

from sakshi.alerting import GlobalConfig, Receiver, RouteConfig, Secret
from sakshi.config.notification import read_notifications

HOOK = "webhook_configs: [{url: 'https://x.org'}]"
SMTP = "smtp_smarthost: 'localhost:25', smtp_from: s@example.org"


def problems_of(text: str, folder: Path = Path("/nonexistent")) -> list[str]:
    """Return what is wrong with a notification file."""
    return take(text, lambda root: read_notifications(root, folder))[1]


def test_every_key_of_global_is_read() -> None:
    """What stands in the file stands in the dataclass."""
    configuration = read_text(
        """\
        notifications:
          global:
            smtp_from: sakshi <s@example.org>
            smtp_smarthost: ${HOST}:587
            smtp_hello: here
            smtp_auth_username: u
            smtp_auth_password: p
            smtp_require_tls: true
            slack_api_url: https://hooks.example.org/x
            pagerduty_url: https://pager.example.org
            resolve_timeout: 1m
          route: {receiver: nobody}
          receivers: [{name: nobody}]
        """,
        {"HOST": "smtp.example.org"},
    )

    assert configuration.warnings == []
    assert configuration.notifications is not None
    assert configuration.notifications.global_ == GlobalConfig(
        smtp_from="sakshi <s@example.org>",
        smtp_smarthost="smtp.example.org:587",
        smtp_hello="here",
        smtp_auth_username="u",
        smtp_auth_password=Secret("p"),
        smtp_require_tls=True,
        slack_api_url=Secret("https://hooks.example.org/x"),
        pagerduty_url="https://pager.example.org",
        resolve_timeout_ms=60_000,
    )


def test_the_smallest_file() -> None:
    """A route and a receiver without integrations: alerts are shown, nobody is told."""
    config, problems, warnings = take(
        "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n",
        lambda root: read_notifications(root, Path("/")),
    )

    assert (problems, warnings) == ([], [])
    assert (getattr(config, "route", None), getattr(config, "receivers", None)) == (
        RouteConfig("nobody", matchers=[], routes=[]),
        [Receiver("nobody", [], [], [], [])],
    )


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        pytest.param(
            "",
            [
                "x.yml:1:1: route: expected the route of all alerts, found nothing",
                "x.yml:1:1: receivers: expected a list of receivers, found nothing",
            ],
            id="an empty file",
        ),
        pytest.param(
            "rout: {receiver: a}\nrecievers: [{name: a}]\n",
            [
                'x.yml:1:1: rout: expected the key "route", found the unknown key "rout"',
                'x.yml:2:1: recievers: expected the key "receivers", '
                'found the unknown key "recievers"',
            ],
            id="both misspelt",
        ),
        pytest.param(
            "route: {group_wait: 1s}\nreceivers: [{name: a}]\n",
            ["x.yml:1:8: route.receiver: expected the receiver of all alerts, found none"],
            id="a root without receiver",
        ),
        pytest.param(
            "route: {receiver: [a]}\nreceivers: [{name: a}]\n",
            ["x.yml:1:19: route.receiver: expected a text, found a list"],
            id="a receiver that is a list is not missing too",
        ),
        pytest.param(
            "route: {receiver: a, routes: [{receiver: b}, {receiver: c}]}\n"
            "receivers: [{name: a}, {name: c}]\n",
            ['x.yml:1:42: route.routes[0].receiver: expected one of a, c, found "b"'],
            id="a receiver that is not there",
        ),
        pytest.param(
            "route: {receiver: a, routes: [{receiver: b}]}\nreceivers: [{name: a}, {nam: b}]\n",
            ['x.yml:2:25: receivers[1].nam: expected the key "name", found the unknown key "nam"'],
            id="a receiver whose name is wrong may be the one",
        ),
        pytest.param(
            "route: {receiver: a}\nreceivers: [{name: a}, {name: a}]\n",
            [
                'x.yml:2:20: receivers[0].name: expected a unique name, found "a" twice',
                'x.yml:2:31: receivers[1].name: expected a unique name, found "a" twice',
            ],
            id="two receivers of a name",
        ),
        pytest.param(
            "route: {receiver: a}\nreceivers: [{webhook_configs: []}, {webhook_configs: []}]\n",
            [
                "x.yml:2:13: receivers[0].name: expected a name, found nothing",
                "x.yml:2:36: receivers[1].name: expected a name, found nothing",
            ],
            id="two receivers without name",
        ),
        pytest.param(
            "route: {receiver: a, matchers: [b=c], continue: true, group_interval: 0s}\n"
            "receivers: [{name: a}]\n",
            [
                "x.yml:1:32: route.matchers: "
                'expected no matchers: the root takes every alert, found b="c"',
                "x.yml:1:49: route.continue: expected false: the root has no siblings, found true",
                "x.yml:1:71: route.group_interval: expected more than 0, found 0s",
            ],
            id="a root that is none",
        ),
        pytest.param(
            "route: {receiver: a, group_by: ['...', job]}\nreceivers: [{name: a}]\n",
            ['x.yml:1:32: route.group_by: expected "..." alone, or names, found ..., job'],
            id="all labels and some",
        ),
        pytest.param(
            "route: {receiver: a}\nreceivers: [{name: a}]\ntemplates: [none.tmpl, '*.tmpl']\n",
            ['x.yml:3:13: templates[0]: expected a file that exists, found "none.tmpl"'],
            id="a template file that is not there",
        ),
    ],
)
def test_what_is_wrong_has_its_place(text: str, problems: list[str]) -> None:
    """One mistake is one problem, where it stands; what follows from it is not said."""
    assert problems_of(text) == problems


def with_email(keys: str, more: str = "") -> str:
    """Return a notification file with one e-mail, which stands at line 3."""
    return (
        f"global: {{{SMTP}}}\nroute: {{receiver: a}}\n"
        f"receivers: [{{name: a, email_configs: [{{to: a@b.org, {keys}}}]}}]\n{more}"
    )


NAMES = "critical-alert-template, email.default, info-alert-template, warning-alert-template"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        pytest.param(with_email("template: warning-alert-template"), [], id="one that is shipped"),
        pytest.param(
            with_email("template: no-such-template"),
            [
                "x.yml:3:63: receivers[0].email_configs[0].template: "
                f'expected one of {NAMES}, found "no-such-template"'
            ],
            id="an unknown name is one problem, not three",
        ),
        pytest.param(
            with_email("text: '{{ .Oops'"),
            [
                "x.yml:3:59: receivers[0].email_configs[0].text: "
                "expected a template that can be rendered, found "
                "notifications:1:1: expected }} to end the action"
            ],
            id="a text that is no template",
        ),
        pytest.param(
            with_email("headers: {Subject: '{{ template \"nope\" . }}'}"),
            [
                "x.yml:3:72: receivers[0].email_configs[0].headers.Subject: "
                "expected a template that can be rendered, found "
                'notifications:1:4: there is no template "nope"'
            ],
            id="a header that calls what is not there",
        ),
    ],
)
def test_templates_are_tried_before_the_pager_should_ring(text: str, problems: list[str]) -> None:
    """Every text of every receiver is rendered once; what fails is named where it stands."""
    assert problems_of(text) == problems


def test_template_files_are_read(tmp_path: Path) -> None:
    """A template of a file is as good as a shipped one; its path is relative to the file."""
    (tmp_path / "own.tmpl").write_text(
        "".join(f'{{{{ define "own.{part}" }}}}x{{{{ end }}}}' for part in ("subject", "text"))
    )

    assert (
        problems_of(with_email("template: own, html: ''", "templates: ['*.tmpl']"), tmp_path) == []
    )
    [problem] = problems_of(with_email("template: own", "templates: [own.tmpl]"), tmp_path)
    assert problem.endswith('found "own"')


def test_a_template_file_that_is_none_is_named(tmp_path: Path) -> None:
    """Its own place is; texts that may need it are not blamed."""
    path = tmp_path / "own.tmpl"
    path.write_text('{{ define "own.subject" }}\n{{ nope }}')

    problems = problems_of(with_email("template: own", "templates: [own.tmpl]"), tmp_path)

    assert problems == [f'{path}:2:4: expected a template, found function "nope" is not defined']


def test_no_text_is_blamed_for_a_file_that_is_not_there(tmp_path: Path) -> None:
    """What it lacks may be in that file."""
    problems = problems_of(with_email("template: own", "templates: [own.tmpl]"), tmp_path)

    assert problems == ['x.yml:4:13: templates[0]: expected a file that exists, found "own.tmpl"']


def test_secrets_are_in_no_complaint() -> None:
    """Whatever is wrong with a file, its secrets stay in it."""
    canary = "canary-5f6a7b"
    text = f"""\
        notifications:
          global:
            smtp_auth_password: [{canary}]
            slack_api_url: {canary}
            slack_api_ur: {canary}
            pagerduty_url: {canary}
          route: {{receiver: a}}
          receivers:
            - name: a
              slack_configs:
                - api_url: {canary}
                  api_url_file: {canary}.txt
              pagerduty_configs:
                - routing_key: {{{canary}: {canary}}}
                  url: {canary}
              webhook_configs:
                - url: {canary}://{canary}@{canary}
              email_configs:
                - to: a@example.org
                  auth_password: {canary}
                  auth_passwor: {canary}
        """

    problems = find_problems(text)

    assert len(problems) == 10
    assert [problem for problem in problems if canary in problem] == []
