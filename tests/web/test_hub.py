from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from sakshi.web import Hub
from sakshi.web.hub import GOING_AWAY, Client, MessageKind

if TYPE_CHECKING:
    from tests.conftest import FakeClock


class NumberedSource:
    """Makes numbered messages; may be told to fail."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.failing = False
        self.failed = threading.Event()

    def metrics_update(self) -> str:
        return self._make("metrics")

    def alerts_update(self) -> str:
        return self._make("alerts")

    def _make(self, kind: str) -> str:
        if self.failing:
            self.failed.set()
            raise RuntimeError("no database")
        self.made.append(f"{kind} {len(self.made) + 1}")
        return self.made[-1]


@pytest.fixture
def source() -> NumberedSource:
    return NumberedSource()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def hub(source: NumberedSource, clock: FakeClock, registry: CollectorRegistry) -> Hub:
    return Hub(source, clock, registry, interval_seconds=5, clients_max=3)


async def join(hub: Hub) -> Client:
    client = hub.join()
    assert client is not None
    await hub.welcome(client)
    return client


async def take(client: Client) -> str | None:
    return await asyncio.wait_for(client.next_message(), 5)


def count(registry: CollectorRegistry, name: str, kind: str | None = None) -> float | None:
    return registry.get_sample_value(name, {} if kind is None else {"type": kind})


async def test_client_that_joins_is_sent_a_message_at_once(
    hub: Hub, source: NumberedSource
) -> None:
    """Nobody waits for the interval."""
    client = await join(hub)

    assert await take(client) == "metrics 1"
    assert source.made == ["metrics 1"]
    await hub.close(0)


async def test_clients_that_join_together_share_a_message(
    hub: Hub, source: NumberedSource, clock: FakeClock
) -> None:
    """A message of at most a second's age is not made anew; an older one is, for the newcomer."""
    first, second = await asyncio.gather(join(hub), join(hub))
    await clock.advance(1.5)
    third = await join(hub)

    assert [await take(client) for client in (first, second, third)] == [
        "metrics 1",
        "metrics 1",
        "metrics 2",
    ]
    assert source.made == ["metrics 1", "metrics 2"]
    await hub.close(0)


async def test_every_interval_one_message_goes_to_all(
    hub: Hub, source: NumberedSource, clock: FakeClock
) -> None:
    """Not before the interval is over; one message, however many listen."""
    clients = [await join(hub) for _ in range(3)]
    welcomes = [await take(client) for client in clients]
    await clock.advance(4.9)
    before = list(source.made)
    await clock.advance(0.1)
    first = [await take(client) for client in clients]
    await clock.advance(5)
    second = [await take(client) for client in clients]

    assert (welcomes, before) == (["metrics 1"] * 3, ["metrics 1"])
    assert (first, second) == (["metrics 2"] * 3, ["metrics 3"] * 3)
    await hub.close(0)


async def test_nothing_is_made_while_nobody_listens(
    hub: Hub, source: NumberedSource, clock: FakeClock
) -> None:
    """The last client that leaves stops the work, the next one starts it."""
    hub.leave(await join(hub))
    await clock.advance(60)
    hub.alerts_changed()
    await clock.advance(60)
    made = list(source.made)
    again = await join(hub)
    await take(again)
    await clock.advance(5)

    assert made == ["metrics 1"]
    assert await take(again) == "metrics 3"
    await hub.close(0)


async def test_client_that_does_not_read_keeps_the_newest_of_each_type(
    hub: Hub, clock: FakeClock, registry: CollectorRegistry
) -> None:
    """A reader gets every message; a silent client costs two slots; what it missed is counted."""
    reader, silent = await join(hub), await join(hub)
    read = [await take(reader)]
    for _ in range(3):
        await clock.advance(5)
        read.append(await take(reader))
    hub.alerts_changed()
    read.append(await take(reader))

    assert read == ["metrics 1", "metrics 2", "metrics 3", "metrics 4", "alerts 5"]
    assert [await take(silent), await take(silent)] == ["metrics 4", "alerts 5"]
    conflated = "sakshi_live_messages_conflated_total"
    assert count(registry, conflated, "metrics_update") == 3
    assert not count(registry, conflated, "alerts_update")
    await hub.close(0)


async def test_change_of_alerts_is_told_at_once_from_any_thread(hub: Hub, clock: FakeClock) -> None:
    """Without waiting for the interval; the clock does not move."""
    client = await join(hub)
    await take(client)

    await asyncio.to_thread(hub.alerts_changed)

    assert await take(client) == "alerts 2"
    await hub.close(0)


async def test_changes_that_follow_each_other_are_told_together(
    hub: Hub, source: NumberedSource, clock: FakeClock
) -> None:
    """At most ten messages a second; none of the changes is left untold."""
    client = await join(hub)
    await take(client)

    hub.alerts_changed()
    first = await take(client)
    for _ in range(100):
        hub.alerts_changed()
    await clock.advance(0.09)
    made = list(source.made)
    await clock.advance(0.01)

    assert (first, made) == ("alerts 2", ["metrics 1", "alerts 2"])
    assert await take(client) == "alerts 3"
    await hub.close(0)


async def test_client_that_joins_after_a_change_is_not_told_what_was_before(
    hub: Hub,
) -> None:
    """A change of alerts makes the newest message old, whatever its age."""
    first = await join(hub)
    await take(first)
    hub.alerts_changed()
    await take(first)

    second = await join(hub)

    assert await take(second) == "metrics 3"
    await hub.close(0)


async def test_message_that_cannot_be_made_is_skipped(
    hub: Hub,
    source: NumberedSource,
    clock: FakeClock,
    registry: CollectorRegistry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged and counted; the next one comes as if nothing had been."""
    client = await join(hub)
    await take(client)
    source.failing = True
    hub.alerts_changed()
    assert await asyncio.to_thread(source.failed.wait, 5)
    newcomer = await join(hub)
    source.failing = False
    await clock.advance(5)

    assert await take(client) == await take(newcomer) == "metrics 2"
    for kind in MessageKind:
        assert count(registry, "sakshi_live_message_failures_total", kind.value) == 1
    assert "live message failed type=alerts_update" in caplog.text
    await hub.close(0)


async def test_no_more_clients_than_may_listen(hub: Hub, registry: CollectorRegistry) -> None:
    """The fourth is sent away; when one leaves there is room."""
    clients = [await join(hub) for _ in range(3)]
    refused = hub.join()
    hub.leave(clients[0])

    assert refused is None
    assert count(registry, "sakshi_live_clients_refused_total") == 1
    assert count(registry, "sakshi_live_clients") == 2
    assert hub.join() is not None
    await hub.close(0)


async def test_close_has_clients_leave_and_waits_for_them(hub: Hub, clock: FakeClock) -> None:
    """Each is told 1001, nothing more; nobody joins any more."""
    client = await join(hub)
    closing = asyncio.create_task(hub.close(60))
    await clock.advance(0)
    message = await take(client)  # it wakes at once, though a message waited

    assert (message, client.close_code) == (None, GOING_AWAY)
    assert not closing.done()
    hub.leave(client)
    await asyncio.wait_for(closing, 5)
    assert hub.join() is None


async def test_close_does_not_wait_for_who_does_not_leave(hub: Hub, clock: FakeClock) -> None:
    """A silent client holds nothing up, and nothing is made for it any more."""
    client = await join(hub)
    await take(client)

    await asyncio.wait_for(hub.close(0.01), 5)

    assert client.close_code == GOING_AWAY


def test_change_before_and_after_the_loop_is_harmless(
    source: NumberedSource, clock: FakeClock, registry: CollectorRegistry
) -> None:
    """The rules' thread may outlive the event loop."""
    hub = Hub(source, clock, registry)
    hub.alerts_changed()

    async def listen() -> None:
        await join(hub)
        await hub.close(0)

    asyncio.run(listen())
    hub.alerts_changed()

    assert source.made == ["metrics 1"]


async def test_message_that_waits_longest_comes_first() -> None:
    """A newer message of a type goes to the end, so that what comes later is never older."""
    client = Client()

    replaced = [
        client.offer(MessageKind.METRICS, "m1"),
        client.offer(MessageKind.ALERTS, "a1"),
        client.offer(MessageKind.METRICS, "m2"),
    ]

    assert replaced == [False, False, True]
    assert [await take(client), await take(client)] == ["a1", "m2"]


async def test_interval_without_a_message_is_followed_by_one_with(
    hub: Hub, source: NumberedSource, clock: FakeClock
) -> None:
    """Clients are sent nothing rather than what is old, and wait for the next interval."""
    client = await join(hub)
    await take(client)
    source.failing = True
    await clock.advance(5)
    assert await asyncio.to_thread(source.failed.wait, 5)
    source.failing = False
    await clock.advance(5)

    assert await take(client) == "metrics 2"
    await hub.close(0)
