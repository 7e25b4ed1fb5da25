"""From a scrape configuration to its targets: labels, address and URL of each.

A target's **discovered labels** say where it is and how to scrape it; the ones that begin with `__`
steer the scrape (`__address__`, `__scheme__`, `__metrics_path__`, `__param_<name>`) and are then
dropped. What remains, with `job` and `instance`, are the target's labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from sakshi.model.duration import format_duration
from sakshi.model.errors import Problem
from sakshi.model.labels import Labels
from sakshi.scrape.errors import InvalidTargetError
from sakshi.scrape.target import ScrapeConfig

_HIDDEN: Final = "__"
_PARAM: Final = "__param_"
_PATH_CHARACTERS: Final = "/%:@!$&'()*+,;=~?"  # those that a path may hold unescaped


@dataclass(frozen=True)
class ResolvedTarget:
    """One address to scrape; see `TargetStatus` for the parts."""

    labels: Labels
    discovered_labels: Labels
    url: str


def resolve_targets(config: ScrapeConfig) -> list[ResolvedTarget]:
    """Return the targets of a job in configured order, without exact repetitions.

    Raises:
        InvalidTargetError: an address is no address.

    Source:
        prometheus/prometheus scrape/target.go, PopulateLabels.

    Example:
        >>> from sakshi.scrape.target import StaticTargets
        >>> static = [StaticTargets(["chat:5000"], {"zone": "a"})]
        >>> [target] = resolve_targets(ScrapeConfig("chat", 1000, 1000, static_targets=static))
        >>> print(target.url, target.labels)
        http://chat:5000/metrics {instance="chat:5000", job="chat", zone="a"}
    """
    return list(dict.fromkeys(_resolve(config, labels) for labels in _discovered(config)))


def _discovered(config: ScrapeConfig) -> Iterator[dict[str, str]]:
    """Yield the discovered labels of each address; configured labels win."""
    for group in config.static_targets:
        for address in group.addresses:
            yield {
                "__address__": address,
                "__scheme__": config.scheme,
                "__metrics_path__": config.metrics_path,
                "__scrape_interval__": format_duration(config.interval_ms),
                "__scrape_timeout__": format_duration(config.timeout_ms),
                **{
                    f"{_PARAM}{name}": values[0] for name, values in config.params.items() if values
                },
                "job": config.job_name,
                **group.labels,
            }


def _resolve(config: ScrapeConfig, discovered: Mapping[str, str]) -> ResolvedTarget:
    labels = {name: value for name, value in discovered.items() if not name.startswith(_HIDDEN)}
    labels["instance"] = labels.get("instance") or discovered["__address__"]
    return ResolvedTarget(Labels(labels), Labels(discovered), _url(config, discovered))


def _url(config: ScrapeConfig, discovered: Mapping[str, str]) -> str:
    """Return what is fetched, every part of it escaped."""
    address = discovered["__address__"]
    if not _is_address(address):
        place = f"scrape_configs[{config.job_name}].static_configs.targets"
        raise InvalidTargetError(Problem(place, "an address like host:port", f'"{address}"'))
    first = {
        name.removeprefix(_PARAM): value
        for name, value in discovered.items()
        if name.startswith(_PARAM)
    }
    params = {name: [value, *config.params.get(name, ())[1:]] for name, value in first.items()}
    query = f"?{urlencode(params, doseq=True)}" if params else ""
    path = quote(discovered["__metrics_path__"], safe=_PATH_CHARACTERS)
    return f"{discovered['__scheme__']}://{address}{path}{query}"


def _is_address(address: str) -> bool:
    """Tell whether a text is a host with or without a port, and nothing else."""
    if not address.isascii() or not address.isprintable() or set(address) & set(' /?#@\\"<>'):
        return False
    try:
        parts = urlsplit(f"http://{address}")
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
