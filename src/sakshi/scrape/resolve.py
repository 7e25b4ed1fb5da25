"""From a scrape configuration to its targets: labels, address and URL of each.

A target's **discovered labels** say where it is and how to scrape it; the ones that begin with `__`
steer the scrape (`__address__`, `__scheme__`, `__metrics_path__`, `__scrape_interval__`,
`__scrape_timeout__`, `__param_<name>`). `relabel_configs` change them, or drop the target; then
those that begin with `__` are dropped. What remains, with `job` and `instance`, are the target's
labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NoReturn
from urllib.parse import quote, urlencode, urlsplit

from sakshi.model.duration import InvalidDurationError, format_duration, parse_duration
from sakshi.model.errors import Problem
from sakshi.model.labels import EMPTY_LABELS, Labels
from sakshi.scrape.errors import InvalidTargetError
from sakshi.scrape.redirect import PORTS
from sakshi.scrape.relabel import relabel
from sakshi.scrape.target import ScrapeConfig
from sakshi.scrape.target_group import StaticTargets

_HIDDEN: Final = "__"
_PARAM: Final = "__param_"
PATH_CHARACTERS: Final = "/%:@!$&'()*+,;=~?"  # those that a path may hold unescaped


@dataclass(frozen=True)
class ResolvedTarget:
    """One address to scrape; see `TargetStatus` for the parts.

    Two of them are one target where all but their discovered labels is equal.
    """

    labels: Labels
    url: str
    interval_ms: int
    timeout_ms: int
    discovered_labels: Labels = field(default=EMPTY_LABELS, compare=False)


@dataclass(frozen=True)
class Resolution:
    """What became of a job's discovered targets.

    Args:
        targets: each once, in the order of discovery.
        dropped: discovered labels of those that relabelling dropped.
        problems: why others are none.
    """

    targets: Sequence[ResolvedTarget]
    dropped: Sequence[Labels]
    problems: Sequence[InvalidTargetError]


def resolve_targets(config: ScrapeConfig) -> list[ResolvedTarget]:
    """Return the static targets of a job in configured order, without exact repetitions.

    Raises:
        InvalidTargetError: an address is no address.

    Example:
        >>> static = [StaticTargets(["chat:5000"], {"zone": "a"})]
        >>> [target] = resolve_targets(ScrapeConfig("chat", 1000, 1000, static_targets=static))
        >>> print(target.url, target.labels)
        http://chat:5000/metrics {instance="chat:5000", job="chat", zone="a"}
    """
    resolution = resolve_groups(config, config.static_targets)
    for problem in resolution.problems:
        raise problem
    return list(resolution.targets)


def resolve_groups(config: ScrapeConfig, groups: Iterable[StaticTargets]) -> Resolution:
    """Return what becomes of groups of addresses in a job.

    Source:
        prometheus/prometheus scrape/target.go, PopulateLabels.
    """
    targets: dict[ResolvedTarget, None] = {}
    dropped: dict[Labels, None] = {}
    problems = []
    for discovered in _discovered(config, groups):
        try:
            target = _resolve(config, discovered)
        except InvalidTargetError as error:
            problems.append(error)
            continue
        if target is None:
            dropped[Labels(discovered)] = None
        else:
            targets[target] = None
    return Resolution(list(targets), list(dropped), problems)


def _discovered(config: ScrapeConfig, groups: Iterable[StaticTargets]) -> Iterator[dict[str, str]]:
    """Yield the discovered labels of each address; the group's labels win where they are not ""."""
    defaults = {
        "__scheme__": config.scheme,
        "__metrics_path__": config.metrics_path,
        "__scrape_interval__": format_duration(config.interval_ms),
        "__scrape_timeout__": format_duration(config.timeout_ms),
        **{f"{_PARAM}{name}": values[0] for name, values in config.params.items() if values},
        "job": config.job_name,
    }
    for group in groups:
        own = {name: value for name, value in group.labels.items() if value}
        for address in group.addresses:
            yield {"__address__": address, **defaults, **own}


def _resolve(config: ScrapeConfig, discovered: Mapping[str, str]) -> ResolvedTarget | None:
    """Return a target; None where relabelling drops it."""
    relabelled = relabel(discovered, config.relabel_rules)
    if relabelled is None:
        return None
    labels = dict(relabelled.pairs)
    address = labels.get("__address__", "")
    if not is_address(address):
        _refuse(config, "an address like host:port", hide_user(address))
    interval_ms = _duration_ms(config, labels, "__scrape_interval__")
    timeout_ms = _duration_ms(config, labels, "__scrape_timeout__")
    is_relabelled = (interval_ms, timeout_ms) != (config.interval_ms, config.timeout_ms)
    if is_relabelled and timeout_ms > interval_ms:  # the job's own are checked where they stand
        interval = format_duration(interval_ms)
        expected = f"a __scrape_timeout__ of at most the interval of {interval}"
        _refuse(config, expected, format_duration(timeout_ms))
    shown = {name: value for name, value in labels.items() if not name.startswith(_HIDDEN)}
    shown.setdefault("instance", address)
    url = _url(config, labels, address)
    return ResolvedTarget(Labels(shown), url, interval_ms, timeout_ms, Labels(discovered))


def _duration_ms(config: ScrapeConfig, labels: Mapping[str, str], name: str) -> int:
    text = labels.get(name, "")
    try:
        duration_ms = parse_duration(text)
    except InvalidDurationError:
        duration_ms = 0
    if duration_ms <= 0:
        _refuse(config, f'a {name} like "30s", above 0', text)
    return duration_ms


def _url(config: ScrapeConfig, labels: Mapping[str, str], address: str) -> str:
    """Return what is fetched, every part of it escaped."""
    scheme = labels.get("__scheme__", "")
    if scheme not in PORTS:
        _refuse(config, f"a __scheme__, one of {', '.join(PORTS)}", scheme)
    params = {name: list(values) for name, values in config.params.items()}
    for name, value in labels.items():
        if name.startswith(_PARAM):
            params[name.removeprefix(_PARAM)] = [
                value,
                *params.get(name.removeprefix(_PARAM), ())[1:],
            ]
    pairs = urlencode(sorted(params.items()), doseq=True)
    query = f"?{pairs}" if pairs else ""
    path = quote(labels.get("__metrics_path__", ""), safe=PATH_CHARACTERS)
    slash = "" if path.startswith("/") or not path else "/"
    return f"{scheme}://{address}{slash}{path}{query}"


def _refuse(config: ScrapeConfig, expected: str, found: str) -> NoReturn:
    place = f"scrape_configs[{config.job_name}].static_configs.targets"
    raise InvalidTargetError(Problem(place, expected, f'"{found}"'))


def hide_user(address: str) -> str:
    """Return an address without what may be a user and a password."""
    before, separator, host = address.rpartition("@")
    scheme, slashes, _ = before.rpartition("//")
    return f"{scheme}{slashes}<secret>@{host}" if separator else address


def is_address(address: str) -> bool:
    """Tell whether a text is a host with or without a port, and nothing else."""
    if not address.isascii() or not address.isprintable() or set(address) & set(' /?#@\\"<>'):
        return False
    try:
        parts = urlsplit(f"http://{address}")
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
