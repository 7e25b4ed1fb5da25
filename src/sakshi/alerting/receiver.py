"""Receivers: a name, and the integrations through which its alerts are told.

Field names are Alertmanager's keys (`from` is `from_`); where one differs in meaning, its line says
so. A field of None takes the value that `global` has for it. Texts marked "template" are rendered
for each message; their defaults are Alertmanager's, and templates of these names ship with sakshi.

Source: prometheus/alertmanager docs/configuration.md, config/notifiers.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, Self, TypeVar

from sakshi.alerting.secret import Secret

Value = TypeVar("Value")

PAGERDUTY_URL: Final = "https://events.pagerduty.com/v2/enqueue"

PAGERDUTY_DETAILS: Final = {
    "firing": '{{ template "pagerduty.default.instances" .Alerts.Firing }}',
    "resolved": '{{ template "pagerduty.default.instances" .Alerts.Resolved }}',
    "num_firing": "{{ .Alerts.Firing | len }}",
    "num_resolved": "{{ .Alerts.Resolved | len }}",
}
"""Alertmanager's; an entry of `details` with one of these names replaces it."""


@dataclass(frozen=True)
class GlobalConfig:
    """`global`: defaults of all receivers.

    Args:
        smtp_smarthost: `host:port`; port 465 speaks TLS from the first byte.
        resolve_timeout_ms: accepted and without effect: sakshi's own rules say when an alert is
            resolved.
    """

    smtp_from: str | None = None
    smtp_smarthost: str | None = None
    smtp_hello: str = "localhost"
    smtp_auth_username: str | None = None
    smtp_auth_password: Secret | None = None
    smtp_require_tls: bool = True
    slack_api_url: Secret | None = None
    pagerduty_url: str = PAGERDUTY_URL
    resolve_timeout_ms: int = 5 * 60_000


class IntegrationConfig(Protocol):
    """What every integration's configuration can say of itself."""

    @property
    def kind(self) -> str:
        """`email`, `slack`, ...: its key in a receiver, without `_configs`."""

    @property
    def send_resolved(self) -> bool:
        """Whether it is told of resolved alerts."""

    def completed(self, defaults: GlobalConfig) -> Self:
        """Return it with the values of `global` where it has none of its own."""

    def texts(self) -> Mapping[str, str]:
        """Return its templates by their keys in the file."""

    def missing(self) -> str:
        """Return the key without which it cannot send; empty where nothing is missing."""


@dataclass(frozen=True)
class EmailConfig:
    """`email_configs`: one e-mail to all its recipients.

    Args:
        to: the addresses; one comma-separated text in the file.
        send_resolved: off, as Alertmanager's is.
        template: sakshi's own key: the name before `.subject`, `.text` and `.html` in the names of
        the
            three templates that make the message, where `headers`, `text`, `html` do not say more.
        headers: templates by header name; `Subject`, `To` and `From` among them override the rest.
        html: template; an empty text: no HTML part.
        text: template; an empty text: no plain part.
    """

    to: Sequence[str]
    send_resolved: bool = False
    from_: str | None = None
    smarthost: str | None = None
    hello: str | None = None
    auth_username: str | None = None
    auth_password: Secret | None = None
    require_tls: bool | None = None
    template: str = "email.default"
    headers: Mapping[str, str] = field(default_factory=dict)
    html: str | None = None
    text: str | None = None

    kind = "email"

    def completed(self, defaults: GlobalConfig) -> EmailConfig:
        """Return it with the values of `global` where it has none of its own."""
        return replace(
            self,
            from_=_first(self.from_, defaults.smtp_from),
            smarthost=_first(self.smarthost, defaults.smtp_smarthost),
            hello=_first(self.hello, defaults.smtp_hello),
            auth_username=_first(self.auth_username, defaults.smtp_auth_username),
            auth_password=_first(self.auth_password, defaults.smtp_auth_password),
            require_tls=_first(self.require_tls, defaults.smtp_require_tls),
        )

    def missing(self) -> str:
        """Return the key without which it cannot send; empty where nothing is missing."""
        if self.auth_username and self.auth_password is None:
            return "auth_password"
        return _first_empty(to=self.to, smarthost=self.smarthost, **{"from": self.from_})

    def texts(self) -> Mapping[str, str]:
        """Return its templates by their keys in the file; those under `headers` as `headers.X`."""
        headers = {"Subject": self._named("subject"), **self.headers}
        return {
            "to": ", ".join(self.to),
            "from": self.from_ or "",
            "text": self._named("text") if self.text is None else self.text,
            "html": self._named("html") if self.html is None else self.html,
            **{f"headers.{name}": text for name, text in headers.items()},
        }

    def _named(self, part: str) -> str:
        return f'{{{{ template "{self.template}.{part}" . }}}}'

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of `smarthost`; port 25 where it names none.

        Example:
            >>> EmailConfig((), smarthost="smtp.example.org:587").address
            ('smtp.example.org', 587)
            >>> EmailConfig((), smarthost="[::1]:1025").address
            ('::1', 1025)
        """
        host, _, port = (self.smarthost or "").rpartition(":")
        if not host:
            host, port = port, "25"
        return host.strip("[]"), int(port)

    @property
    def sends_password_in_clear(self) -> bool:
        """Whether a password would leave this machine without TLS."""
        host, port = self.address
        is_local = host in ("localhost", "127.0.0.1", "::1")
        return bool(self.auth_username and not self.require_tls and port != 465 and not is_local)


@dataclass(frozen=True)
class SlackConfig:
    """`slack_configs`: one attachment through an incoming webhook.

    Args:
        send_resolved: off, as Alertmanager's is.
        api_url: of the webhook; whoever knows it can post.
        channel: template; webhooks made by a Slack app are bound to their own channel and ignore
        it.
    """

    send_resolved: bool = False
    api_url: Secret | None = None
    channel: str = ""
    username: str = '{{ template "slack.default.username" . }}'
    color: str = '{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}'
    title: str = '{{ template "slack.default.title" . }}'
    title_link: str = '{{ template "slack.default.titlelink" . }}'
    pretext: str = '{{ template "slack.default.pretext" . }}'
    text: str = '{{ template "slack.default.text" . }}'
    fallback: str = '{{ template "slack.default.fallback" . }}'
    footer: str = '{{ template "slack.default.footer" . }}'
    icon_emoji: str = ""
    icon_url: str = ""
    link_names: bool = False

    kind = "slack"

    def completed(self, defaults: GlobalConfig) -> SlackConfig:
        """Return it with the values of `global` where it has none of its own."""
        return replace(self, api_url=_first(self.api_url, defaults.slack_api_url))

    def missing(self) -> str:
        """Return the key without which it cannot send; empty where nothing is missing."""
        return _first_empty(api_url=self.api_url)

    def texts(self) -> Mapping[str, str]:
        """Return its templates by their keys in the file."""
        names = "channel username color title title_link pretext text fallback footer"
        return {name: getattr(self, name) for name in (names + " icon_emoji icon_url").split()}


@dataclass(frozen=True)
class PagerDutyConfig:
    """`pagerduty_configs`: one incident for each group of alerts, by Events API v2.

    Args:
        routing_key: of an Events v2 integration.
        service_key: the same key under the older name; sakshi always speaks Events v2.
        severity: template; what is not `critical`, `error`, `warning` or `info` becomes `error`.
        description: template: the incident's title; cut at 1,024 characters.
        details: templates by name, beside `firing`, `resolved`, `num_firing`, `num_resolved`.
        source: template; the client where it is empty.
    """

    send_resolved: bool = True
    routing_key: Secret | None = None
    service_key: Secret | None = None
    url: str | None = None
    client: str = '{{ template "pagerduty.default.client" . }}'
    client_url: str = '{{ template "pagerduty.default.clientURL" . }}'
    description: str = '{{ template "pagerduty.default.description" . }}'
    severity: str = "error"
    details: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    class_: str = ""
    component: str = ""
    group: str = ""

    kind = "pagerduty"

    def completed(self, defaults: GlobalConfig) -> PagerDutyConfig:
        """Return it with the values of `global`, and with one key under both names."""
        key = _first(self.routing_key, self.service_key)
        return replace(self, routing_key=key, url=_first(self.url, defaults.pagerduty_url))

    def missing(self) -> str:
        """Return the key without which it cannot send; empty where nothing is missing."""
        return _first_empty(routing_key=_first(self.routing_key, self.service_key))

    def texts(self) -> Mapping[str, str]:
        """Return its templates by their keys in the file; those under `details` as `details.X`."""
        names = "client client_url description severity source component group"
        details = {**PAGERDUTY_DETAILS, **self.details}
        return {
            **{name: getattr(self, name) for name in names.split()},
            "class": self.class_,
            **{f"details.{name}": text for name, text in details.items()},
        }


@dataclass(frozen=True)
class WebhookConfig:
    """`webhook_configs`: Alertmanager's JSON, version 4, to any address.

    Args:
        url: may hold a user and a password: it is a secret.
        max_alerts: more than these are cut off and counted in `truncatedAlerts`; 0: no limit.
    """

    send_resolved: bool = True
    url: Secret | None = None
    max_alerts: int = 0

    kind = "webhook"

    def completed(self, defaults: GlobalConfig) -> WebhookConfig:
        """Return it as it is: `global` has nothing for it."""
        return self

    def missing(self) -> str:
        """Return the key without which it cannot send; empty where nothing is missing."""
        return _first_empty(url=self.url)

    def texts(self) -> Mapping[str, str]:
        """Return none: its document is Alertmanager's."""
        return {}


@dataclass(frozen=True)
class Receiver:
    """A named list of integrations; one without any is a black hole."""

    name: str
    email_configs: Sequence[EmailConfig] = ()
    slack_configs: Sequence[SlackConfig] = ()
    pagerduty_configs: Sequence[PagerDutyConfig] = ()
    webhook_configs: Sequence[WebhookConfig] = ()

    def integrations(self) -> dict[str, IntegrationConfig]:
        """Return the integrations by `email[0]`, `slack[1]`, ...: kind and position in its list.

        Example:
            >>> list(Receiver("chat", slack_configs=(SlackConfig(), SlackConfig())).integrations())
            ['slack[0]', 'slack[1]']
        """
        kinds: Sequence[Sequence[IntegrationConfig]] = (
            self.email_configs,
            self.slack_configs,
            self.pagerduty_configs,
            self.webhook_configs,
        )
        return {
            f"{config.kind}[{index}]": config
            for configs in kinds
            for index, config in enumerate(configs)
        }


def _first(own: Value | None, default: Value | None) -> Value | None:
    return default if own is None else own


def _first_empty(**values: object) -> str:
    return next((key for key, value in values.items() if not value), "")
