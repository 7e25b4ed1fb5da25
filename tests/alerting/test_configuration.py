from __future__ import annotations

import pytest
from tests.ledger.incident import firing

from sakshi.alerting import (
    AlertRouter,
    EmailConfig,
    GlobalConfig,
    NotificationConfig,
    PagerDutyConfig,
    Receiver,
    RouteConfig,
    Secret,
    SlackConfig,
    WebhookConfig,
    parse_matchers,
)
from sakshi.ledger import Destination
from sakshi.model.labels import Labels

MAIL = EmailConfig(("a@example.org",), from_="s@example.org", smarthost="localhost:25")
HOOK = Secret("https://hooks.example.org/T0/B0/secret")


def config(*receivers: Receiver, route: RouteConfig | None = None) -> NotificationConfig:
    return NotificationConfig(route or RouteConfig(receivers[0].name), receivers)


def test_global_fills_what_an_integration_does_not_say() -> None:
    """An integration's own value wins; the rest is `global`'s."""
    password = Secret("p")
    defaults = GlobalConfig(
        smtp_from="sakshi@example.org",
        smtp_smarthost="smtp.example.org:587",
        smtp_hello="here",
        smtp_auth_username="user",
        smtp_auth_password=password,
        slack_api_url=HOOK,
        pagerduty_url="https://pager.example.org",
    )

    email = EmailConfig(("a@example.org",), hello="there", require_tls=False).completed(defaults)
    pager = PagerDutyConfig(service_key=Secret("k")).completed(defaults)

    assert (email.from_, email.smarthost) == ("sakshi@example.org", "smtp.example.org:587")
    assert (email.hello, email.require_tls) == ("there", False)
    assert (email.auth_username, email.auth_password) == ("user", password)
    assert SlackConfig().completed(defaults).api_url == HOOK
    assert (pager.routing_key, pager.url) == (Secret("k"), "https://pager.example.org")


def test_defaults_are_alertmanagers() -> None:
    """A file of Alertmanager's means here what it means there."""
    sends_resolved = {
        config.kind: config.send_resolved
        for config in (EmailConfig(()), SlackConfig(), PagerDutyConfig(), WebhookConfig())
    }

    assert sends_resolved == {"email": False, "slack": False, "pagerduty": True, "webhook": True}
    assert GlobalConfig().smtp_require_tls
    assert GlobalConfig().smtp_hello == "localhost"
    assert PagerDutyConfig().completed(GlobalConfig()).url == (
        "https://events.pagerduty.com/v2/enqueue"
    )


@pytest.mark.parametrize(
    ("receiver", "complaint"),
    [
        pytest.param(
            Receiver("r", email_configs=(EmailConfig(("a@b",)),)),
            "r/email[0]: smarthost is not set",
            id="no smarthost",
        ),
        pytest.param(
            Receiver("r", email_configs=(EmailConfig(("a@b",), smarthost="h:25"),)),
            "r/email[0]: from is not set",
            id="no sender",
        ),
        pytest.param(
            Receiver("r", email_configs=(MAIL, EmailConfig((), smarthost="h:25"))),
            "r/email[1]: to is not set",
            id="no recipient",
        ),
        pytest.param(
            Receiver("r", email_configs=(EmailConfig(("a@b",), auth_username="u"),)),
            "r/email[0]: auth_password is not set",
            id="no password",
        ),
        pytest.param(
            Receiver("r", slack_configs=(SlackConfig(),)),
            "r/slack[0]: api_url is not set",
            id="no webhook",
        ),
        pytest.param(
            Receiver("r", pagerduty_configs=(PagerDutyConfig(),)),
            "r/pagerduty[0]: routing_key is not set",
            id="no key",
        ),
        pytest.param(
            Receiver("r", webhook_configs=(WebhookConfig(),)),
            "r/webhook[0]: url is not set",
            id="no address",
        ),
    ],
)
def test_an_integration_that_cannot_send_is_named_and_left_out(
    receiver: Receiver, complaint: str
) -> None:
    """An unset variable costs its channel, not the start; and it can be seen."""
    whole = config(receiver)

    assert [str(item) for item in whole.unconfigured] == [complaint]
    integration = complaint.partition(":")[0].partition("/")[2]
    assert ("r", integration) not in whole.integrations
    routed = [destination.integration for destination in AlertRouter(whole)(firing())]
    assert integration not in routed


def test_a_sound_configuration_has_no_problems() -> None:
    """Nothing to say."""
    assert list(config(Receiver("r", email_configs=(MAIL,))).problems()) == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param(
            config(Receiver("r"), route=RouteConfig()),
            "route.receiver: expected the receiver of all alerts, found none",
            id="no receiver at the root",
        ),
        pytest.param(
            config(Receiver("r"), route=RouteConfig("r", parse_matchers("a=b"))),
            'route.matchers: expected no matchers: the root takes every alert, found a="b"',
            id="matchers at the root",
        ),
        pytest.param(
            config(Receiver("r"), route=RouteConfig("r", continue_=True)),
            "route.continue: expected false: the root has no siblings, found true",
            id="continue at the root",
        ),
        pytest.param(
            config(
                Receiver("r"),
                Receiver("s"),
                route=RouteConfig("r", routes=(RouteConfig(), RouteConfig("t"))),
            ),
            'route.routes[1].receiver: expected one of r, s, found "t"',
            id="an unknown receiver",
        ),
        pytest.param(
            NotificationConfig(RouteConfig("r"), ()),
            'route.receiver: expected one of no receivers at all, found "r"',
            id="no receivers",
        ),
        pytest.param(
            config(Receiver("r"), route=RouteConfig("r", group_by=("...", "a"))),
            'route.group_by: expected "..." alone, or names, found ..., a',
            id="all labels and some",
        ),
        pytest.param(
            config(Receiver("r"), route=RouteConfig("r", group_interval_ms=0)),
            "route.group_interval: expected more than 0, found 0s",
            id="no group interval",
        ),
        pytest.param(
            config(Receiver("r"), route=RouteConfig("r", repeat_interval_ms=0)),
            "route.repeat_interval: expected more than 0, found 0s",
            id="no repeat interval",
        ),
        pytest.param(
            config(
                Receiver(
                    "r",
                    email_configs=(
                        EmailConfig(
                            ("a@b",),
                            from_="a@b",
                            smarthost="smtp.example.org:25",
                            auth_username="u",
                            auth_password=Secret("p"),
                            require_tls=False,
                        ),
                    ),
                )
            ),
            "receivers[0].email_configs[0].require_tls: expected true: a password does not leave"
            " this machine without TLS, found false",
            id="a password in clear",
        ),
        pytest.param(
            config(Receiver("r", email_configs=(EmailConfig(("a@b",), smarthost="h:smtp"),))),
            "receivers[0].email_configs[0].smarthost: expected host:port, as smtp.example.org:587,"
            ' found "h:smtp"',
            id="a port that is none",
        ),
    ],
)
def test_what_contradicts_itself_is_said_with_its_place(
    wrong: NotificationConfig, message: str
) -> None:
    """Each problem names its key, what was expected and what was found."""
    assert [str(problem) for problem in wrong.problems()] == [message]


def test_a_name_that_stands_twice_is_said_twice() -> None:
    """Both receivers are named, as either may be the wrong one."""
    problems = config(Receiver("r"), Receiver("r")).problems()

    assert [str(problem) for problem in problems] == [
        'receivers[0].name: expected a unique name, found "r" twice',
        'receivers[1].name: expected a unique name, found "r" twice',
    ]


def test_the_router_names_each_integration_of_each_matching_route() -> None:
    """A destination for every channel, with the route's group and wait."""
    whole = NotificationConfig(
        route=RouteConfig(
            "chat",
            group_by=("alertname",),
            routes=(
                RouteConfig("pager", parse_matchers("severity=warning"), group_wait_ms=0),
                RouteConfig("nobody", parse_matchers("severity=none")),
            ),
        ),
        receivers=(
            Receiver(
                "pager",
                email_configs=(MAIL,),
                slack_configs=(SlackConfig(api_url=HOOK, send_resolved=True),),
            ),
            Receiver("chat", slack_configs=(SlackConfig(api_url=HOOK),)),
            Receiver("nobody"),
        ),
    )
    router = AlertRouter(whole)

    destinations = router(firing("Slow"))

    group_labels = Labels({"alertname": "Slow"})
    route_id = '{}/{severity="warning"}'
    assert destinations == [
        Destination("pager", "email[0]", route_id, group_labels),
        Destination("pager", "slack[0]", route_id, group_labels),
    ]
    assert [item.group_wait_ms for item in destinations] == [0, 0]
    assert router(firing("Slow", severity="none")) == []
    assert router.timing(destinations[1]).send_resolved
    assert router.horizon_ms == 300_000


@pytest.mark.parametrize("smarthost", ["h", "h:465", "127.0.0.1:25", "[::1]:2525"])
def test_a_smarthost_is_a_host_and_perhaps_a_port(smarthost: str) -> None:
    """These are addresses."""
    mail = EmailConfig(("a@b",), from_="a@b", smarthost=smarthost)

    assert list(config(Receiver("r", email_configs=(mail,))).problems()) == []
    assert mail.address[1] in (25, 465, 2525)
