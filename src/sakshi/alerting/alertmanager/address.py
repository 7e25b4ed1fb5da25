"""From what discovery says to the addresses that alerts are posted to.

An Alertmanager's labels say where it is: `__scheme__`, `__address__`, `__alerts_path__`.
`relabel_configs` change them, or drop the Alertmanager.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from sakshi.alerting.alertmanager.configuration import AlertmanagerConfig
from sakshi.model.errors import Problem
from sakshi.scrape import StaticTargets
from sakshi.scrape.redirect import PORTS
from sakshi.scrape.relabel import relabel
from sakshi.scrape.resolve import PATH_CHARACTERS, hide_user, is_address

ALERTS_PATH: Final = "/api/v2/alerts"

_SCHEME: Final = "__scheme__"
_ADDRESS: Final = "__address__"
_PATH: Final = "__alerts_path__"


@dataclass(frozen=True)
class AlertmanagerAddresses:
    """What became of the Alertmanagers that were discovered by one entry.

    Args:
        active: URLs, each once, in the order of discovery.
        dropped: URLs of those that relabelling dropped, as they would have been.
        problems: why others are none; the place is the address.
    """

    active: Sequence[str]
    dropped: Sequence[str]
    problems: Sequence[Problem]


def resolve_alertmanagers(
    config: AlertmanagerConfig, groups: Iterable[StaticTargets]
) -> AlertmanagerAddresses:
    """Return the URLs of the Alertmanagers in groups of addresses.

    Source:
        prometheus/prometheus notifier/alertmanager.go, AlertmanagerFromGroup.

    Example:
        >>> groups = [StaticTargets(["alertmanager:9093"])]
        >>> resolve_alertmanagers(AlertmanagerConfig(path_prefix="/am"), groups).active
        ['http://alertmanager:9093/am/api/v2/alerts']
    """
    active: dict[str, None] = {}
    dropped: dict[str, None] = {}
    problems: dict[Problem, None] = {}
    for labels in _discovered(config, groups):
        relabelled = relabel(labels, config.relabel_rules)
        if relabelled is None:
            dropped[_url(labels)] = None
        elif (problem := _find_problem(relabelled)) is not None:
            problems[problem] = None
        else:
            active[_url(relabelled)] = None
    return AlertmanagerAddresses(list(active), list(dropped), list(problems))


def _discovered(
    config: AlertmanagerConfig, groups: Iterable[StaticTargets]
) -> Iterator[dict[str, str]]:
    """Yield the labels of each address; those of its group win over the configuration's."""
    defaults = {_SCHEME: config.scheme, _PATH: _alerts_path(config.path_prefix)}
    for group in groups:
        for address in group.addresses:
            yield {**defaults, **group.labels, _ADDRESS: address}


def _alerts_path(prefix: str) -> str:
    return "/" + posixpath.normpath(f"/{prefix}{ALERTS_PATH}").lstrip("/")


def _find_problem(labels: Mapping[str, str]) -> Problem | None:
    address, scheme = labels.get(_ADDRESS, ""), labels.get(_SCHEME, "")
    if not is_address(address):
        shown = hide_user(address)
        return Problem(shown, "an address like host:port", f'"{shown}"')
    if scheme not in PORTS:
        return Problem(address, f"a {_SCHEME}, one of {', '.join(PORTS)}", f'"{scheme}"')
    return None


def _url(labels: Mapping[str, str]) -> str:
    path = quote(labels.get(_PATH, ""), safe=PATH_CHARACTERS)
    slash = "" if path.startswith("/") or not path else "/"
    return f"{labels.get(_SCHEME, '')}://{hide_user(labels.get(_ADDRESS, ''))}{slash}{path}"
