"""Random incidents, faults and restarts: what must be true of all of them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from tests.alerting.station import Message, Station, configuration
from tests.conftest import FakeClock
from tests.ledger.incident import firing

from sakshi.alerting import RefusedError, RetryableError
from sakshi.model.alert import Alert

pytestmark = pytest.mark.slow

SEEDS = range(4)
ALERTS = [firing(name, session=session) for name in "AB" for session in "123"]
FAULTS: dict[str, list[Any]] = {
    "lasting": [RefusedError("no"), RetryableError("down"), "hang", RetryableError("429", 90.0)],
    "passing": [RetryableError("down"), "hang", RetryableError("429", 90.0)],
    "quick": [RetryableError("down"), RetryableError("429", 90.0)],
}


class Incident:
    """A random run of steps, the same for the same seed."""

    def __init__(self, seed: int, faults: str, restart_probability: float) -> None:
        self.random = random.Random(seed)
        self.restarts = random.Random(seed + 1)
        self.faults = FAULTS[faults]
        self.restart_probability = restart_probability
        self.firing: set[Alert] = set()

    async def run(self, station: Station, steps: int = 40) -> None:
        await station.start()
        for _ in range(steps):
            await self._step(station)
        for notifier in station.notifiers.values():
            notifier.script.clear()
        for _ in range(15):  # the receivers are well: all that is to be told is told by now
            await station.clock.advance(60)

    async def _step(self, station: Station) -> None:
        changed = [alert for alert in ALERTS if self.random.random() < 0.2]
        begun = [alert for alert in changed if alert not in self.firing]
        ended = [alert for alert in changed if alert in self.firing]
        if begun:
            station.fire(*begun)
        if ended:
            station.resolve(*ended)
        self.firing = (self.firing | set(begun)) - set(ended)
        for notifier in station.notifiers.values():
            if self.random.random() < 0.3:
                count = self.random.randrange(1, 12)
                notifier.script.extend(self.random.choices(self.faults, k=count))
        await station.clock.advance(self.random.choice([0, 1, 10, 30, 60, 300, 1000]))
        if self.restarts.random() < self.restart_probability:
            await station.restart()


def beliefs(messages: list[Message], receiver: str) -> set[str]:
    """Return what a receiver believes to fire after these messages."""
    believed: set[str] = set()
    for message in messages:
        if message.receiver == receiver:
            believed = (believed | message.firing) - message.resolved
    return believed


def names(alerts: set[Alert]) -> set[str]:
    return {alert.name + alert.labels["session"] for alert in alerts}


@pytest.mark.parametrize("seed", SEEDS)
async def test_in_the_end_every_receiver_knows_what_fires(
    tmp_path: Path, clock: FakeClock, seed: int
) -> None:
    """Whatever failed and whenever we were killed: nothing waits, nothing is lost, all is known."""
    station = Station(tmp_path / "alerts.db", clock, configuration("one", "two"))
    incident = Incident(seed, "passing", restart_probability=0.3)

    await incident.run(station)

    states = {state for items in station.deliveries().values() for _, state in items}
    await station.stop()
    assert states <= {"delivered", "skipped"}
    for receiver in ("one", "two"):
        assert beliefs(station.messages, receiver) == names(incident.firing)


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_a_receiver_refused_for_good_is_visible(
    tmp_path: Path, clock: FakeClock, seed: int
) -> None:
    """Where a receiver believes what is wrong, a dead letter says that it refused the news."""
    station = Station(tmp_path / "alerts.db", clock, configuration("one", "two"))
    incident = Incident(seed, "lasting", restart_probability=0.1)

    await incident.run(station)

    dead = {
        (item.destination.receiver, item.alert_labels["alertname"] + item.alert_labels["session"])
        for item in station.ledger.deliveries(10_000)
        if item.delivery_state == "dead"
    }
    await station.stop()
    for receiver in ("one", "two"):
        wrong = beliefs(station.messages, receiver) ^ names(incident.firing)
        assert {(receiver, name) for name in wrong} <= dead


@pytest.mark.parametrize("seed", SEEDS)
async def test_messages_with_one_key_say_the_same(
    tmp_path: Path, clock: FakeClock, seed: int
) -> None:
    """A receiver that drops duplicates by key loses nothing."""
    station = Station(tmp_path / "alerts.db", clock, configuration("one", "two"))

    await Incident(seed, "passing", restart_probability=0.5).run(station)
    await station.stop()

    said: dict[str, tuple[object, ...]] = {}
    tried = [message for notifier in station.notifiers.values() for message in notifier.tried]
    assert len(tried) > len(station.messages)
    for message in tried:
        content = (message.receiver, message.firing, message.resolved)
        assert said.setdefault(message.key, content) == content


@pytest.mark.parametrize("seed", SEEDS)
async def test_restarts_change_nothing_that_anybody_sees(tmp_path: Path, seed: int) -> None:
    """The same incident with and without restarts: the same messages at the same moments."""
    told = []
    for name, probability in (("twin", 0.0), ("restarted", 0.5)):
        clock = FakeClock()
        station = Station(tmp_path / f"{name}.db", clock, configuration("one", "two"))
        await Incident(seed, "quick", probability).run(station)
        await station.stop()
        told.append(
            sorted(
                (m.at, m.receiver, *sorted(m.firing), "/", *sorted(m.resolved))
                for m in station.messages
            )
        )

    assert told[0] == told[1]
    assert len(told[0]) > 10
