"""Routes: a tree that tells which receiver an alert goes to, with which others, and how often.

Idea: a child says only what is different from its parent. An alert enters at the root and goes down
into the first child that matches it (and into the next ones too, where `continue` is set); the
deepest nodes that it reaches are its routes. Pure: configuration and labels in, routes out.

Source: prometheus/alertmanager dispatch/route.go, docs/configuration.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from sakshi.model.labels import Labels
from sakshi.model.matcher import Matcher, matches_all

Value = TypeVar("Value")

GROUP_BY_ALL: Final = "..."
"""Alone in `group_by`: every label set is a group of its own."""

GROUP_WAIT_MS: Final = 30_000  # Alertmanager's defaults
GROUP_INTERVAL_MS: Final = 5 * 60_000
REPEAT_INTERVAL_MS: Final = 4 * 3_600_000


@dataclass(frozen=True)
class RouteConfig:
    """One node as the file says it; None: as the parent.

    Args:
        receiver: a receiver's name; the root must name one.
        matchers: all of which an alert must meet; the root has none.
        group_by: label names; `("...",)`: all labels; `()`: one group for everything.
        group_wait_ms: from a group's first alert to its first message.
        group_interval_ms: from one look at a group to the next.
        repeat_interval_ms: from a message to the same again, while nothing changed.
        continue_: go on to the next sibling after this one matched.
        routes: the children, in order.
    """

    receiver: str | None = None
    matchers: Sequence[Matcher] = ()
    group_by: Sequence[str] | None = None
    group_wait_ms: int | None = None
    group_interval_ms: int | None = None
    repeat_interval_ms: int | None = None
    continue_: bool = False
    routes: Sequence[RouteConfig] = ()


class Route:
    """One node with everything that it inherits.

    Args:
        config: of this node.
        parent: None for the root.
        siblings_alike: how many earlier siblings have the same matchers; keeps ids apart.

    """

    id: str
    """`{}/{severity="critical"}`; stays the same when other routes come and go."""
    receiver: str
    group_by: Sequence[str]
    group_wait_ms: int
    group_interval_ms: int
    repeat_interval_ms: int

    def __init__(
        self, config: RouteConfig, parent: Route | None = None, siblings_alike: int = 0
    ) -> None:
        self.matchers = tuple(sorted(config.matchers, key=str))
        self.continue_ = config.continue_
        self.receiver = _own_or(config.receiver, parent.receiver if parent else "")
        self.group_by = tuple(_own_or(config.group_by, parent.group_by if parent else ()))
        self.group_wait_ms = _own_or(
            config.group_wait_ms, parent.group_wait_ms if parent else GROUP_WAIT_MS
        )
        self.group_interval_ms = _own_or(
            config.group_interval_ms, parent.group_interval_ms if parent else GROUP_INTERVAL_MS
        )
        self.repeat_interval_ms = _own_or(
            config.repeat_interval_ms, parent.repeat_interval_ms if parent else REPEAT_INTERVAL_MS
        )
        self.id = _route_id(self.matchers, parent, siblings_alike)
        self.routes = self._children(config.routes)

    def match(self, labels: Labels) -> Sequence[Route]:
        """Return the routes of an alert, in order; empty where this node does not match."""
        if not matches_all(self.matchers, labels):
            return ()
        found: list[Route] = []
        for route in self.routes:
            matching = route.match(labels)
            found.extend(matching)
            if matching and not route.continue_:
                break
        return found or (self,)

    def group_labels(self, labels: Labels) -> Labels:
        """Return the labels by which this route groups, as an alert has them."""
        return labels if GROUP_BY_ALL in self.group_by else labels.only(self.group_by)

    def walk(self) -> Iterator[Route]:
        """Yield this node and all below it, depth first."""
        yield self
        for route in self.routes:
            yield from route.walk()

    def explain(self, labels: Labels) -> str:
        """Return the way of an alert through the tree, a line for each node that was tried.

        Example:
            >>> from sakshi.alerting.matcher import parse_matchers
            >>> critical = RouteConfig("pager", parse_matchers('severity="critical"'))
            >>> warning = RouteConfig("mail", parse_matchers('severity="warning"'))
            >>> root = Route(RouteConfig("chat", routes=(critical, warning)))
            >>> print(root.explain(Labels({"severity": "warning"})))
            {}: matches
              {severity="critical"}: no, severity is "warning"
              {severity="warning"}: matches; goes to mail
            >>> print(root.explain(Labels({"severity": "info"})))
            {}: matches; goes to chat, as no route below matches
              {severity="critical"}: no, severity is "info"
              {severity="warning"}: no, severity is "info"
        """
        return "\n".join(self._explain(labels, 0))

    def _explain(self, labels: Labels, depth: int) -> list[str]:
        head = f"{'  ' * depth}{_braced(self.matchers)}: "
        misses = [matcher for matcher in self.matchers if not _meets(matcher, labels)]
        if misses:
            value = labels.get(misses[0].name, "")
            return [f'{head}no, {misses[0].name} is "{value}"']
        below: list[str] = []
        for route in self.routes:
            below.extend(route._explain(labels, depth + 1))
            if route.match(labels) and not route.continue_:
                break
        if any(route is self for route in self.match(labels)):
            why = ", as no route below matches" if self.routes else ""
            return [f"{head}matches; goes to {self.receiver}{why}", *below]
        return [f"{head}matches", *below]

    def _children(self, configs: Sequence[RouteConfig]) -> Sequence[Route]:
        routes: list[Route] = []
        for config in configs:
            matchers = tuple(sorted(config.matchers, key=str))
            alike = sum(route.matchers == matchers for route in routes)
            routes.append(Route(config, self, alike))
        return routes

    def __repr__(self) -> str:
        return f"Route({self.id!r}, receiver={self.receiver!r})"


def _own_or(own: Value | None, inherited: Value) -> Value:
    return inherited if own is None else own


def _meets(matcher: Matcher, labels: Labels) -> bool:
    return matcher.matches(labels.get(matcher.name, ""))


def _braced(matchers: Sequence[Matcher]) -> str:
    return "{" + ", ".join(map(str, matchers)) + "}"


def _route_id(matchers: Sequence[Matcher], parent: Route | None, siblings_alike: int) -> str:
    if parent is None:
        return _braced(matchers)
    number = f"/{siblings_alike}" if siblings_alike else ""
    return f"{parent.id}/{_braced(matchers)}{number}"
