"""One sakshi: every part of it, connected.

    ScrapeManager ──append, commit──▶ SqliteStore ◀──select── LocalEngine ◀── web, page
          │                               ▲                        ▲
          │                               │
          │                               └──what became durable──▶ RemoteWriter ──▶ other servers
          └──a burst was committed──▶ RuleManager ──record──▶ SqliteLedger ──▶ Dispatcher ──▶ people
                                                                  ├──▶ Alertmanagers
                                                                  └──changed──▶ Hub ──▶ page

Each resource has one owner, which is here; what is opened is closed in the opposite order.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import httpx2
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from sakshi import __version__
from sakshi.alerting import (
    AlertRouter,
)
from sakshi.app.alertmanagers import build_alertmanagers
from sakshi.app.allocator import give_memory_back
from sakshi.app.file_limit import raise_file_limit
from sakshi.app.judging import build_judge, build_kpi_groups
from sakshi.app.lifetime import run_until_first
from sakshi.app.notifications import build_dispatcher
from sakshi.app.parent import parent_gone
from sakshi.app.remotes import build_remote_writers
from sakshi.app.retention import expire_forever, prune_forever
from sakshi.app.storage_metrics import StorageCollector
from sakshi.app.store_keeper import StoreKeeper
from sakshi.app.view import describe_metrics, find_bounds, query_exemplars
from sakshi.config import Configuration
from sakshi.kpi import (
    BaselineFolder,
    Baselines,
)
from sakshi.ledger import SqliteLedger
from sakshi.model.clock import Clock, SystemClock
from sakshi.promql import LocalEngine, LocalPassEngine
from sakshi.rules import RuleManager
from sakshi.scrape import ExemplarRing, ScrapeManager
from sakshi.storage import SqliteStore, Store
from sakshi.web import (
    OnPush,
    Receiver,
    Services,
    Startup,
    allowed_hosts,
    build_app,
    build_hub,
    listen,
    redact,
    serve,
)
from sakshi.web.errors import format_address

logger = logging.getLogger(__name__)


class Monitor:
    """A whole sakshi.

    Args:
        configuration: what to watch, judge, tell and show.
        data: the folder that holds samples and alerts; made where it does not exist.
        host: where the page and the API are served.
        port: 0: any free one.
        external_url: where people reach sakshi; empty: the address it listens at.
        clock: of everything.
    """

    def __init__(
        self,
        configuration: Configuration,
        data: Path,
        host: str,
        port: int,
        *,
        external_url: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._configuration = configuration
        self._data = data
        self._host = host
        self._port = port
        self._external_url = external_url
        self._clock = clock or SystemClock()

    async def run(self, *, exit_with_parent: bool = False) -> None:
        """Run until SIGINT or SIGTERM.

        Args:
            exit_with_parent: end also when standard input closes: whoever started this is gone.

        Raises:
            AddressInUseError: another process listens at the address.
            StorageError: the data folder is in use or unusable.
            LedgerError: so is the alerts' file.
        """
        raise_file_limit()
        give_memory_back()
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        with contextlib.ExitStack() as stack:
            listener = listen(self._host, self._port)
            stack.callback(listener.close)
            host, port = listener.getsockname()[:2]
            self._external_url = self._external_url or f"http://{format_address(host, port)}"
            self._data.mkdir(parents=True, exist_ok=True)
            store = SqliteStore(self._data / "samples", self._configuration.storage)
            stack.callback(store.close)
            engine = LocalEngine(
                store,
                self._clock,
                lookback_ms=self._configuration.lookback_ms,
                subquery_step_ms=self._configuration.global_config.evaluation_interval_ms,
            )
            async with httpx2.AsyncHTTPTransport(retries=0) as transport:
                tasks = self._compose(stack, store, engine, listener, transport)
                ends = [stop.wait(), *([parent_gone()] if exit_with_parent else [])]
                await run_until_first(ends, tasks, before_cancelling=engine.stop)
        logger.info("stopped data=%s", self._data)

    def make_engine(self, store: Store) -> LocalEngine:
        """Return what answers queries; a subclass may have another."""
        return LocalEngine(
            store,
            self._clock,
            lookback_ms=self._configuration.lookback_ms,
            subquery_step_ms=self._configuration.global_config.evaluation_interval_ms,
        )

    def make_receiver(self, store: Store, registry: CollectorRegistry, on_push: OnPush) -> Receiver:
        """Return what takes in pushes; a subclass may have another."""
        return Receiver(store, self._clock, registry, on_push)

    def _compose(
        self,
        stack: contextlib.ExitStack,
        store: SqliteStore,
        engine: LocalEngine,
        listener: Any,
        transport: httpx2.AsyncBaseTransport,
    ) -> list[Coroutine[Any, Any, None]]:
        """Return what runs side by side, built and connected."""
        configuration, clock = self._configuration, self._clock
        registry = make_registry(store)
        notifications = configuration.notifications
        router = AlertRouter(notifications) if notifications else None
        ledger = SqliteLedger(self._data / "alerts.db", router or (lambda _: ()), clock)
        stack.callback(ledger.close)
        judge = build_judge(configuration, store, engine)

        def on_pass(timestamp_ms: int) -> None:
            alertmanagers.evaluated()
            judge.judge(timestamp_ms)

        rules = RuleManager(
            [*configuration.rule_groups, *build_kpi_groups(configuration)],
            LocalPassEngine(engine),
            store,
            ledger,
            clock,
            configuration.global_config.external_labels,
            self._external_url,
            registry,
            on_pass=on_pass,
        )
        alertmanagers = build_alertmanagers(
            configuration, ledger, rules, clock, registry, self._external_url
        )

        async def on_burst(timestamp_ms: int) -> None:
            rules.scraped(timestamp_ms)

        ring = ExemplarRing()
        scrape = ScrapeManager(configuration.scrape_configs, store, clock, registry, on_burst, ring)
        ready = asyncio.Event()
        services = Services(
            engine=engine,
            querier=store,
            rule_groups=rules.groups,
            alerts=ledger.alerts,
            targets=scrape.targets,
            ledger=ledger,
            kpis=configuration.kpis,
            clock=clock,
            registry=registry,
            version=__version__,
            receiver=self.make_receiver(store, registry, rules.pushed),
            startup=self._startup(),
            time_bounds=lambda: find_bounds(store),
            descriptions=describe_metrics(scrape),
            exemplars=query_exemplars(ring),
            dropped_targets=scrape.dropped_targets,
            dropped_target_counts=scrape.dropped_target_counts,
            alertmanagers=alertmanagers.active,
            dropped_alertmanagers=alertmanagers.dropped,
            store_admin=(
                StoreKeeper(
                    store, self._data / "snapshots", clock, configuration.storage.retention_ms
                )
                if configuration.web.enable_admin_api
                else None
            ),
            readiness=lambda: "" if ready.is_set() else "starting",
            judgements=lambda: judge.judgements,
            baselines=Baselines(
                configuration.indicators,
                BaselineFolder(self._data / "baselines", configuration.baselines),
            ),
            dashboard=configuration.dashboard,
            allowed_hosts=allowed_hosts(self._host, configuration.web.allowed_hosts),
        )
        hub = build_hub(services)
        stack.callback(ledger.subscribe(hub.alerts_changed))
        app = build_app(services, hub)
        dispatchers = (
            [
                build_dispatcher(
                    configuration, router, ledger, transport, clock, registry, self._external_url
                )
            ]
            if router
            else []
        )
        remotes = build_remote_writers(
            configuration, self._data, stack, store, scrape, clock, registry
        )
        return [
            serve(app, listener, ready, before_shutdown=hub.close),
            scrape.run(),
            rules.run(),
            alertmanagers.run(),
            expire_forever(store, configuration.storage.retention_ms, clock),
            self._announce(ready),
            *(dispatcher.run() for dispatcher in dispatchers),
            *([] if dispatchers else [prune_forever(ledger, clock)]),
            *(writer.run() for writer in remotes),
        ]

    def _startup(self) -> Startup:
        path = Path(self._configuration.file)
        return Startup(
            self._clock.now_ms(),
            redact(path.read_text(errors="replace")) if path.is_file() else "",
            {
                "config.file": str(path),
                "storage.tsdb.path": str(self._data),
                "web.external-url": self._external_url,
                "web.listen-address": format_address(self._host, self._port),
            },
            self._configuration.storage.retention_ms,
        )

    async def _announce(self, ready: asyncio.Event) -> None:
        await ready.wait()
        gc.collect()
        gc.freeze()  # what was built at start lives to the end: no collection need look at it again
        logger.info("ready url=%s data=%s", self._external_url, self._data)


def make_registry(store: Store) -> CollectorRegistry:
    """Return the registry of sakshi's own metrics, with those of process, platform and store."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(StorageCollector(store))
    return registry
