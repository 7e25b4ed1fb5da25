"""What service discovery says: groups of addresses, as files and servers write them.

[{"targets": ["chat:5000", "chat:5001"], "labels": {"zone": "a"}}, ...]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sakshi.model.errors import SakshiError
from sakshi.model.labels import METRIC_NAME

ADDRESSES_MAX: Final = 100_000  # of one document; ten times the default target_limit

LoadDocument = Callable[[bytes], Any]
"""Turns a document into lists, mappings and texts; complains by a ValueError or SakshiError."""


@dataclass(frozen=True)
class StaticTargets:
    """Addresses (`host:port`) with the labels that all of them get."""

    addresses: Sequence[str]
    labels: Mapping[str, str] = field(default_factory=dict)


class DiscoveryError(SakshiError):
    """A document of service discovery that cannot be had, or says nothing of targets."""


def read_groups(document: Any, origin: dict[str, str]) -> Sequence[StaticTargets]:
    """Return the groups of a document.

    Args:
        document: lists, mappings and texts; None, as an empty file has it, is no group.
        origin: labels that say where it came from: `__meta_filepath`.

    Raises:
        DiscoveryError: it is no list of groups; the message says where and what was found.
    """
    if document is None:
        return []
    _expect(isinstance(document, list), "", "a list of groups", document)
    groups = [_read_group(group, f"[{index}]", origin) for index, group in enumerate(document)]
    count = sum(len(group.addresses) for group in groups)
    if count > ADDRESSES_MAX:
        raise DiscoveryError(f"expected at most {ADDRESSES_MAX} addresses, found {count}")
    return groups


def _read_group(group: Any, place: str, origin: dict[str, str]) -> StaticTargets:
    _expect(isinstance(group, dict), place, "a mapping", group)
    for key in group:
        _expect(key in ("targets", "labels"), place, "the keys targets and labels", key)
    addresses = group.get("targets")
    addresses = [] if addresses is None else addresses
    _expect(isinstance(addresses, list), f"{place}.targets", "a list of addresses", addresses)
    for index, address in enumerate(addresses):
        _expect(isinstance(address, str), f"{place}.targets[{index}]", "an address", address)
    labels = group.get("labels")
    labels = {} if labels is None else labels
    _expect(isinstance(labels, dict), f"{place}.labels", "a mapping", labels)
    for name, value in labels.items():
        is_name = isinstance(name, str) and name not in ("", METRIC_NAME)
        _expect(is_name, f"{place}.labels", "a label name", name)
        _expect(isinstance(value, str), f"{place}.labels.{name}", "a text", value)
    return StaticTargets(addresses, {**labels, **origin})


def _expect(is_right: object, place: str, expected: str, found: Any) -> None:
    if not is_right:
        kinds = {list: "a list", dict: "a mapping", type(None): "nothing"}
        shown = kinds.get(type(found)) or (f'"{found}"' if isinstance(found, str) else str(found))
        where = f"{place}: " if place else ""
        raise DiscoveryError(f"{where}expected {expected}, found {shown[:60]}")
