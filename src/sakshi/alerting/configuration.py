"""`notifications`: everything that Alertmanager's file says, as `config` reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sakshi.alerting.inhibition import InhibitRule
from sakshi.alerting.receiver import GlobalConfig, IntegrationConfig, Receiver
from sakshi.alerting.route import GROUP_BY_ALL, RouteConfig
from sakshi.model.errors import Problem


@dataclass(frozen=True)
class Unconfigured:
    """An integration that cannot send, as a value that it needs is not there.

    Args:
        missing: the key in the file: `api_url`.
    """

    receiver: str
    integration: str
    missing: str

    def __str__(self) -> str:
        return f"{self.receiver}/{self.integration}: {self.missing} is not set"


@dataclass(frozen=True)
class NotificationConfig:
    """The file.

    Args:
        route: the root of the tree.
        receivers: in any order; names are unique.
        inhibit_rules: in any order.
        global_: `global`.
        templates: paths of template files, as they are to be opened; patterns are resolved.
    """

    route: RouteConfig
    receivers: Sequence[Receiver]
    inhibit_rules: Sequence[InhibitRule] = ()
    global_: GlobalConfig = field(default_factory=GlobalConfig)
    templates: Sequence[str] = ()

    @cached_property
    def integrations(self) -> Mapping[tuple[str, str], IntegrationConfig]:
        """The integrations that can send, completed, by receiver and `email[0]`."""
        return {key: config for key, config in self._completed() if not config.missing()}

    @cached_property
    def unconfigured(self) -> Sequence[Unconfigured]:
        """The integrations that cannot send; the router leaves them out."""
        return [
            Unconfigured(*key, config.missing())
            for key, config in self._completed()
            if config.missing()
        ]

    def problems(self) -> Sequence[Problem]:
        """Return what contradicts itself; each place is a path: `route.routes[0].receiver`."""
        return [
            *_receiver_problems(self.receivers),
            *self._route_problems(),
            *self._email_problems(),
        ]

    def _completed(self) -> Iterator[tuple[tuple[str, str], IntegrationConfig]]:
        for receiver in self.receivers:
            for name, config in receiver.integrations().items():
                yield (receiver.name, name), config.completed(self.global_)

    def _route_problems(self) -> Iterator[Problem]:
        if self.route.receiver is None:
            yield Problem("route.receiver", "the receiver of all alerts", "none")
        if self.route.matchers:
            found = ", ".join(map(str, self.route.matchers))
            yield Problem("route.matchers", "no matchers: the root takes every alert", found)
        if self.route.continue_:
            yield Problem("route.continue", "false: the root has no siblings", "true")
        yield from _node_problems(
            self.route, "route", {receiver.name for receiver in self.receivers}
        )

    def _email_problems(self) -> Iterator[Problem]:
        for index, receiver in enumerate(self.receivers):
            for position, own in enumerate(receiver.email_configs):
                place = f"receivers[{index}].email_configs[{position}]"
                config = own.completed(self.global_)
                if not _is_address(config.smarthost or ""):
                    expected = "host:port, as smtp.example.org:587"
                    yield Problem(f"{place}.smarthost", expected, f'"{config.smarthost}"')
                elif config.sends_password_in_clear:
                    expected = "true: a password does not leave this machine without TLS"
                    yield Problem(f"{place}.require_tls", expected, "false")


def _is_address(smarthost: str) -> bool:
    _, _, port = smarthost.rpartition(":")
    return ":" not in smarthost or (port.isascii() and port.isdecimal() and int(port) < 65_536)


def _receiver_problems(receivers: Sequence[Receiver]) -> Iterator[Problem]:
    counts = Counter(receiver.name for receiver in receivers)
    for index, receiver in enumerate(receivers):
        if counts[receiver.name] > 1:
            yield Problem(f"receivers[{index}].name", "a unique name", f'"{receiver.name}" twice')


def _node_problems(route: RouteConfig, place: str, receivers: set[str]) -> Iterator[Problem]:
    if route.receiver is not None and route.receiver not in receivers:
        expected = "one of " + (", ".join(sorted(receivers)) or "no receivers at all")
        yield Problem(f"{place}.receiver", expected, f'"{route.receiver}"')
    if GROUP_BY_ALL in (route.group_by or ()) and len(route.group_by or ()) > 1:
        found = ", ".join(route.group_by or ())
        yield Problem(f"{place}.group_by", f'"{GROUP_BY_ALL}" alone, or names', found)
    if route.group_interval_ms == 0:
        yield Problem(f"{place}.group_interval", "more than 0", "0s")
    if route.repeat_interval_ms == 0:
        yield Problem(f"{place}.repeat_interval", "more than 0", "0s")
    for index, child in enumerate(route.routes):
        yield from _node_problems(child, f"{place}.routes[{index}]", receivers)
