"""Alertmanagers on loopback, told from a real ledger, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from tests.alerting.loopback import Behaviour, HttpReceiver, Reply, Request
from tests.alerting.station import inline
from tests.conftest import FakeClock
from tests.ledger.incident import RULE_ID

from sakshi.alerting.alertmanager import (
    AlertingConfig,
    AlertmanagerConfig,
    Alertmanagers,
    AlertSource,
)
from sakshi.ledger import LedgerWriteError, OwedResolutions, SqliteLedger
from sakshi.model.alert import Alert, AlertState, Transition
from sakshi.model.labels import Labels
from sakshi.scrape import StaticTargets

WAIT_SECONDS_MAX = 20.0


async def until(condition: Callable[[], object]) -> None:
    """Return once a condition holds."""
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while not condition():  # noqa: ASYNC110 - of another program, or of the sockets
            await asyncio.sleep(0.002)


class ScriptedAlertmanager(HttpReceiver):
    """Refuses posts that hold certain alerts, as Alertmanager refuses a label that it cannot have.

    `bad` names them; `script` goes first.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bad: set[str] = set()

    @property
    def posts(self) -> list[dict[str, str]]:
        """What each post said: the state by name of the alert, firing or resolved."""
        return [describe(request) for request in self.requests]

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if self.script:
            return await super()._serve_one(reader, writer)
        peeked = _Peeked(reader)
        body = await peeked.body()
        names = {alert["labels"]["alertname"] for alert in body}
        self.usual = Reply(400, '"bad label name"') if names & self.bad else Reply(200, "")
        return await super()._serve_one(peeked.again(), writer)


class _Peeked:
    """A request that is read twice."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._bytes = b""

    async def body(self) -> Any:
        head = await self._reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").lower().split("\r\n")
        length = next(int(line[16:]) for line in lines if line.startswith("content-length: "))
        body = await self._reader.readexactly(length)
        self._bytes = head + body
        return Request("POST", "", {}, body).document

    def again(self) -> asyncio.StreamReader:
        reader = asyncio.StreamReader()
        reader.feed_data(self._bytes)
        return reader


def describe(request: Request) -> dict[str, str]:
    return {
        alert["labels"]["alertname"]: "firing"
        if alert["endsAt"] > FIRING_ENDS_AFTER
        else "resolved"
        for alert in request.document
    }


FIRING_ENDS_AFTER = "2023-11-15T12"  # the resolutions of the tests are before, see `Told.resolve`


@asynccontextmanager
async def scripted_alertmanager() -> AsyncIterator[ScriptedAlertmanager]:
    """Give a scripted Alertmanager on a free port of loopback."""
    receiver = ScriptedAlertmanager()
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(receiver.serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", receiver.port)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def entry(*receivers: HttpReceiver | int, **options: Any) -> AlertmanagerConfig:
    ports = [one if isinstance(one, int) else one.port for one in receivers]
    targets = StaticTargets([f"127.0.0.1:{port}" for port in ports])
    return AlertmanagerConfig(static_targets=[targets], timeout_ms=5_000, **options)


class FailingLedger(SqliteLedger):
    """A ledger whose disk refuses what is told to Alertmanagers, while `is_failing`."""

    is_failing = False

    def enrol_alertmanager(self, name: str) -> None:
        self._fail()
        super().enrol_alertmanager(name)

    def owed_resolutions(self, name: str) -> OwedResolutions:
        self._fail()
        return super().owed_resolutions(name)

    def settle_resolutions(self, name: str, through_id: int) -> None:
        self._fail()
        super().settle_resolutions(name, through_id)

    def _fail(self) -> None:
        if self.is_failing:
            raise LedgerWriteError("disk is full")


class Told:
    """A sakshi as far as Alertmanagers see it: alerts fire and resolve in a ledger on the disk.

    Args:
        path: of the ledger.
        clock: moved by hand.
        config: the Alertmanagers.
    """

    def __init__(self, path: Path, clock: FakeClock, config: AlertingConfig) -> None:
        self.path, self.clock, self.config = path, clock, config
        self.external_labels: Mapping[str, str] = {}
        self.evaluated_ms: int | None = None
        """The last evaluation of the rules; None: now."""
        self.interval_ms = 12 * 3_600_000
        self.starts_failing = False
        self._alerts: dict[str, Alert] = {}
        self._task: asyncio.Task[None] | None = None
        self._posts: dict[str, int] = {}
        self._earlier: dict[str, int] = {}
        """Posts before the last start, by Alertmanager."""

    async def __aenter__(self) -> Told:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def start(self) -> None:
        self.registry = CollectorRegistry()
        self._earlier = dict(self._posts)
        self.ledger = FailingLedger(self.path, lambda _: (), self.clock)
        self.ledger.is_failing = self.starts_failing
        self._alerts = {alert.name: alert for alert in self.ledger.alerts()}
        self.alertmanagers = Alertmanagers(
            self.config,
            self.ledger,
            lambda _: AlertSource("up == 0", self.interval_ms, self._evaluated()),
            self.clock,
            lambda: 0.0,
            self.registry,
            external_labels=self.external_labels,
            external_url="http://sakshi:9090/",
            in_thread=inline,
        )
        self._task = asyncio.ensure_future(self.alertmanagers.run())

    async def stop(self) -> None:
        """End as a kill does: nothing more is written."""
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self.ledger.close()

    def fire(self, *names: str, **labels: str) -> None:
        now_ms = self.clock.now_ms()
        for name in names:
            self._alerts[name] = Alert(
                RULE_ID,
                Labels({"alertname": name, **labels}),
                Labels({"summary": f"{name} is wrong"}),
                AlertState.FIRING,
                1.0,
                now_ms,
                fired_at_ms=now_ms,
            )
        self._record(names, AlertState.PENDING)

    def resolve(self, *names: str) -> None:
        now_ms = self.clock.now_ms()
        for name in names:
            self._alerts[name] = replace(
                self._alerts[name], state=AlertState.RESOLVED, resolved_at_ms=now_ms
            )
        self._record(names, AlertState.FIRING)

    def forget(self, *names: str) -> None:
        """Have the rules forget resolved alerts, as they do after 15 minutes."""
        for name in names:
            del self._alerts[name]
        self._record((), AlertState.RESOLVED)

    async def posted(self, receiver: ScriptedAlertmanager, count: int) -> None:
        """Wait until an Alertmanager has so many posts, not more, and was heard to answer them."""
        await until(lambda: len(receiver.requests) >= count)
        earlier = self._earlier.setdefault(receiver.url, 0)
        await until(lambda: self._heard(receiver) >= count - earlier)
        await self.clock.advance(0)
        assert len(receiver.requests) == count, receiver.posts
        self._posts[receiver.url] = count

    def _heard(self, receiver: ScriptedAlertmanager) -> float:
        name, url = "sakshi_alertmanager_latency_seconds_count", f"{receiver.url}/api/v2/alerts"
        return self.metric(name, alertmanager=url) or 0

    async def passing(self, condition: Callable[[], object], seconds: float = 1.0) -> None:
        """Let time pass, a step at a time, until a condition holds."""
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while not condition():
                await self.clock.advance(seconds)
                await asyncio.sleep(0.002)

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    def _evaluated(self) -> int:
        return self.clock.now_ms() if self.evaluated_ms is None else self.evaluated_ms

    def _record(self, names: Sequence[str], previous: AlertState) -> None:
        now_ms = self.clock.now_ms()
        transitions = [Transition(self._alerts[name], previous, now_ms) for name in names]
        self.ledger.record(RULE_ID, list(self._alerts.values()), transitions, now_ms)


HANG = Behaviour.HANG
HANG_UP = Behaviour.HANG_UP
