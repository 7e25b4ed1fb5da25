"""All Alertmanagers: found by discovery, each with a feed of its own, come and gone while it runs.

    static_configs, files, servers ──▶ entry: addresses ──▶ a feed for each ──▶ Alertmanager

An Alertmanager that is gone is told no more; what it is owed stays in the ledger for a month, in
case it comes back.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from prometheus_client import CollectorRegistry

from sakshi.alerting.alertmanager.address import resolve_alertmanagers
from sakshi.alerting.alertmanager.client import AlertmanagerClient
from sakshi.alerting.alertmanager.configuration import AlertingConfig, AlertmanagerConfig
from sakshi.alerting.alertmanager.feed import AlertmanagerFeed, AlertmanagerStatus, FeedParts
from sakshi.alerting.alertmanager.metrics import AlertmanagerMetrics
from sakshi.alerting.alertmanager.statement import FindSource, Relabelling
from sakshi.alerting.dispatch import InThread
from sakshi.ledger import ResolutionRecorder
from sakshi.model.clock import Clock
from sakshi.scrape import StaticTargets
from sakshi.scrape.discovery import Discovery, refresh_forever, refresh_once
from sakshi.scrape.file_discovery import FileDiscovery
from sakshi.scrape.http_discovery import HttpDiscovery
from sakshi.scrape.oauth2 import OAuth2Config, TokenSource
from sakshi.scrape.tls import TlsConfig, TlsContexts

logger = logging.getLogger(__name__)


class Alertmanagers:
    """Tells all Alertmanagers of the configuration, for as long as `run` runs.

    Args:
        config: which there are.
        ledger: what there is to tell, and what was told.
        find_source: gives the rule of an alert.
        clock: the hour, and waiting. (Timeouts of posts are the event loop's.)
        random: returns a number in [0, 1); spreads retries.
        registry: where the metrics are registered.
        external_labels: added to alerts that have none of the name.
        external_url: where people reach the page.
        in_thread: runs the ledger's blocking methods.
    """

    def __init__(
        self,
        config: AlertingConfig,
        ledger: ResolutionRecorder,
        find_source: FindSource,
        clock: Clock,
        random: Callable[[], float],
        registry: CollectorRegistry,
        *,
        external_labels: Mapping[str, str],
        external_url: str,
        in_thread: InThread = asyncio.to_thread,
    ) -> None:
        self._config, self._ledger, self._clock = config, ledger, clock
        self._external_labels = external_labels
        self._metrics = AlertmanagerMetrics(registry)
        self._parts = FeedParts(
            ledger,
            find_source,
            external_url.rstrip("/"),
            clock,
            random,
            self._metrics,
            in_thread,
        )
        self._tls: dict[TlsConfig, TlsContexts] = {}
        self._tokens: dict[OAuth2Config, TokenSource] = {}
        self._entries = [_Entry(entry, self._make_feed) for entry in config.alertmanagers]
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self) -> None:
        """Tell Alertmanagers until cancelled; what was not told is told by the next run."""
        self._loop = asyncio.get_running_loop()
        unsubscribe = self._ledger.subscribe(partial(self._call, AlertmanagerFeed.wake))
        try:
            async with asyncio.TaskGroup() as tasks:
                for entry in self._entries:
                    await self._discover(entry, tasks)
        finally:
            unsubscribe()
            self._loop = None

    def evaluated(self) -> None:
        """Note that rules were evaluated; from any thread, returns at once."""
        self._call(AlertmanagerFeed.evaluated)

    def active(self) -> list[AlertmanagerStatus]:
        """Return the Alertmanagers that are told, and how it stands with each."""
        return [feed.status for feed in self._feeds()]

    def dropped(self) -> list[str]:
        """Return the URLs of Alertmanagers that relabelling dropped."""
        return [url for entry in self._entries for url in entry.dropped]

    def _feeds(self) -> list[AlertmanagerFeed]:
        return [feed for entry in self._entries for feed in entry.feeds.values()]

    def _call(self, method: Callable[[AlertmanagerFeed], None]) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._call_each, method)

    def _call_each(self, method: Callable[[AlertmanagerFeed], None]) -> None:
        for feed in self._feeds():
            method(feed)

    def _make_feed(self, config: AlertmanagerConfig, url: str) -> AlertmanagerFeed:
        http = config.http
        client = AlertmanagerClient(
            url,
            config.timeout_ms,
            self._contexts(http.tls),
            http,
            self._token_source(http.oauth2),
        )
        relabelling = Relabelling(
            self._external_labels, self._config.alert_relabel_rules, config.alert_relabel_rules
        )
        taken = {feed.name for feed in self._feeds()}
        name = next(name for name in _names(url) if name not in taken)
        return AlertmanagerFeed(url, name, client, relabelling, self._parts)

    async def _discover(self, entry: _Entry, tasks: asyncio.TaskGroup) -> None:
        """Start an entry: its static Alertmanagers, its files, then all discoveries for ever."""
        entry.start(tasks)
        for position, discovery in enumerate(self._discoveries(entry.config)):
            update, error = partial(entry.set_groups, position), ""
            is_local = isinstance(discovery, FileDiscovery)
            if is_local:
                error = await refresh_once(discovery, update, self._metrics, "")
            forever = refresh_forever(
                discovery, update, self._metrics, self._clock, error, is_first_due=not is_local
            )
            tasks.create_task(forever)

    def _discoveries(self, config: AlertmanagerConfig) -> list[Discovery]:
        return [
            *(FileDiscovery(entry) for entry in config.file_discoveries),
            *(
                HttpDiscovery(
                    entry, self._contexts(entry.http.tls), self._token_source(entry.http.oauth2)
                )
                for entry in config.http_discoveries
            ),
        ]

    def _token_source(self, config: OAuth2Config | None) -> TokenSource | None:
        """Return what has the tokens of a configuration; all that have the same one share it."""
        if config is None:
            return None
        if config not in self._tokens:
            self._tokens[config] = TokenSource(config, self._contexts(config.tls), self._clock)
        return self._tokens[config]

    def _contexts(self, config: TlsConfig) -> Callable[[], ssl.SSLContext]:
        return self._tls.setdefault(config, TlsContexts(config)).get


class _Entry:
    """The Alertmanagers of one entry of the configuration, by what its discoveries say."""

    def __init__(
        self,
        config: AlertmanagerConfig,
        make_feed: Callable[[AlertmanagerConfig, str], AlertmanagerFeed],
    ) -> None:
        self.config = config
        self.feeds: dict[str, AlertmanagerFeed] = {}
        """By URL, in the order of discovery."""
        self.dropped: Sequence[str] = ()
        self._make_feed = make_feed
        self._groups: dict[int, Sequence[StaticTargets]] = {-1: config.static_targets}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._problems: frozenset[str] = frozenset()

    def start(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._update()

    def set_groups(self, discovery: int, groups: Sequence[StaticTargets]) -> None:
        self._groups[discovery] = groups
        self._update()

    def _update(self) -> None:
        assert self._tasks is not None
        groups = [group for _, groups in sorted(self._groups.items()) for group in groups]
        addresses = resolve_alertmanagers(self.config, groups)
        self._note_problems(frozenset(map(str, addresses.problems)))
        self.dropped = addresses.dropped
        for url in self.feeds.keys() - set(addresses.active):
            self._running.pop(url).cancel()
        self.feeds = {
            url: self.feeds[url] if url in self.feeds else self._begin(self._tasks, url)
            for url in addresses.active
        }

    def _begin(self, tasks: asyncio.TaskGroup, url: str) -> AlertmanagerFeed:
        feed = self._make_feed(self.config, url)
        self._running[url] = tasks.create_task(feed.run())
        return feed

    def _note_problems(self, problems: frozenset[str]) -> None:
        for problem in sorted(problems - self._problems):
            logger.warning("alertmanager is left out error=%s", problem)
        self._problems = problems


def _names(url: str) -> Iterator[str]:
    """Yield names for the Alertmanager of a URL; a second entry may have the same."""
    yield url
    number = 2
    while True:
        yield f"{url} ({number})"
        number += 1
