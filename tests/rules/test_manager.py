from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from tests.rules.station import MINUTE_MS, Station, alerting, group, recording, steps

from sakshi.ledger import LedgerWriteError
from sakshi.model.alert import Transition
from sakshi.rules import RuleGroup, RuleManager
from sakshi.storage import StorageFullError


@asynccontextmanager
async def running(manager: RuleManager) -> AsyncIterator[None]:
    task = asyncio.create_task(manager.run())
    await asyncio.sleep(0)
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def evaluations(station: Station, name: str) -> list[int]:
    """Return the seconds, since the clock's start, at which a series was recorded."""
    return [
        (moment - station.clock.start_ms) // 1000
        for columns in station.raw(name)
        for moment in columns.timestamps.tolist()
    ]


ONES = group(recording("one", "vector(1)"))


async def test_groups_are_evaluated_by_the_clock(station: Station) -> None:
    """Without scrapes, each group runs once in its interval, on time."""
    fast = group(recording("fast", "vector(1)"), name="fast", interval_ms=20_000)
    async with running(station.manager(ONES, fast)):
        for _ in range(180):
            await station.clock.advance(1)

    assert evaluations(station, "one") == [60, 120, 180]
    assert evaluations(station, "fast") == list(range(20, 181, 20))


async def test_groups_are_evaluated_right_behind_a_burst(station: Station) -> None:
    """A burst that is due takes its groups along at once, and fresh samples are seen."""
    manager = station.manager(group(recording("copy", "x")))
    async with running(manager):
        for value in (1.0, 2.0, 3.0):
            station.expose({"x": value})
            manager.scraped(station.clock.now_ms())
            await station.clock.advance(0.001)
            assert station.query("copy") == {"copy": value}
            await station.clock.advance(59.999)

    assert evaluations(station, "copy") == [0, 60, 120]


async def test_a_scrape_before_the_start_is_no_error(station: Station) -> None:
    """Whoever scrapes first need not know whether the rules run."""
    station.manager(ONES).scraped(0)


PUSHED = frozenset({"x"})


async def test_groups_are_evaluated_right_behind_a_push(station: Station) -> None:
    """A push that is due takes along the groups that read it, and those behind them."""
    manager = station.manager(
        group(recording("twice", "2 * copy"), name="behind"), group(recording("copy", "x"))
    )
    async with running(manager):
        for value in (1.0, 2.0, 3.0):
            station.expose({"x": value})
            manager.pushed(PUSHED)
            await station.clock.advance(0.001)
            assert station.query("twice") == {"twice": 2 * value}
            await station.clock.advance(59.999)

    assert evaluations(station, "copy") == evaluations(station, "twice") == [0, 60, 120]


async def test_pushes_each_second_do_not_hurry_a_group(station: Station) -> None:
    """However often samples are pushed, a group is evaluated once in its interval."""
    manager = station.manager(group(recording("copy", "x")))
    async with running(manager):
        for second in range(240):
            station.expose({"x": float(second)})
            manager.pushed(PUSHED)
            await station.clock.advance(1)

    assert evaluations(station, "copy") == [0, 60, 120, 180]


async def test_pushes_leave_alone_what_lives_on_scrapes(station: Station) -> None:
    """A group keeps the rhythm of the scrapes that it reads, and another that of its pushes."""
    manager = station.manager(
        group(recording("scraped", "y"), name="scraped"),
        group(recording("mixed", "x + y"), name="mixed"),
        group(recording("pushed", "x"), name="pushed"),
    )
    station.expose({"x": 1.0, "y": 1.0})
    async with running(manager):
        for second in range(180):
            if second % 60 == 10:
                manager.scraped(station.clock.now_ms())
            if second % 60 == 30:
                manager.pushed(PUSHED)
            await station.clock.advance(1)

    assert evaluations(station, "scraped") == [10, 70, 130]
    assert evaluations(station, "mixed") == [10, 70, 130]
    assert evaluations(station, "pushed") == [10, 90, 150], "the first push is followed from then"


async def test_without_scrapes_a_push_wakes_whoever_reads_some_of_it(station: Station) -> None:
    """Nothing else would: a metric that nobody exposes keeps no group from its pushes."""
    manager = station.manager(group(recording("mixed", "x or y")))
    station.expose({"x": 1.0})
    async with running(manager):
        for _ in range(3):
            await station.clock.advance(20)
            manager.pushed(PUSHED)
            await station.clock.advance(40)

    assert evaluations(station, "mixed") == [20, 80, 140]


async def test_a_push_before_the_start_is_no_error(station: Station) -> None:
    """Whoever pushes first need not know whether the rules run."""
    station.manager(ONES).pushed(PUSHED)


async def test_readers_go_behind_what_they_read(station: Station) -> None:
    """An alert is judged on what is recorded in the same pass, whatever the order of the files."""
    told: list[Transition] = []
    manager = station.manager(
        group(alerting("High", "y > 1"), name="alerts"),
        group(recording("y", "x"), name="records"),
        on_change=told.extend,
    )
    station.expose({"x": 2.0})
    async with running(manager):
        manager.scraped(station.clock.now_ms())
        await station.clock.advance(1)

    assert steps(told) == ["inactive -> firing"]
    assert [status.group.name for status in manager.groups()] == ["alerts", "records"]


async def test_nobody_hears_of_what_is_not_durable(station: Station) -> None:
    """When on_change is called, the ledger has the transition, and another reader sees it."""
    durable: list[int] = []

    def on_change(transitions: Sequence[Transition]) -> None:
        durable.append(len(station.ledger.transitions(10)))

    station.expose({"x": 2.0})
    manager = station.manager(group(alerting("High", "x > 1")), on_change=on_change)
    async with running(manager):
        manager.scraped(station.clock.now_ms())
        await station.clock.advance(1)

    assert durable == [1]


async def test_a_firing_alert_survives_a_restart_untold(station: Station) -> None:
    """It fires on with its old times, and is not announced again."""
    told: list[Transition] = []
    rules = group(alerting("High", "x > 1"))
    for _ in range(2):
        station.expose({"x": 2.0})
        manager = station.manager(rules, on_change=told.extend)
        async with running(manager):
            manager.scraped(station.clock.now_ms())
            await station.clock.advance(30)
        station.reopen_ledger()

    assert steps(told) == ["inactive -> firing"]
    (alert,) = station.ledger.load_alerts()
    assert alert.fired_at_ms == station.clock.start_ms
    assert [alert.state for status in manager.groups()[0].rules for alert in status.alerts]


async def test_alerts_of_removed_rules_are_resolved(station: Station) -> None:
    """At the start, what fires without a rule is resolved in the ledger."""
    station.expose({"x": 2.0})
    station.evaluator(group(alerting("Gone", "x > 1"))).evaluate(station.clock.now_ms())

    async with running(station.manager(ONES)):
        await station.clock.advance(1)

    assert list(station.ledger.alerts()) == []
    newest, _ = station.ledger.transitions(10)
    assert steps([newest]) == ["firing -> resolved"]


async def test_missed_evaluations_are_counted(station: Station) -> None:
    """A pause of the machine is made up by one evaluation; the rest is counted."""
    registry = CollectorRegistry()
    labels = {"rule_group": "rules.yml;group"}
    async with running(station.manager(ONES, registry=registry)):
        await station.clock.advance(60)
        station.clock.move(4 * MINUTE_MS)
        await station.clock.advance(30)

    missed = registry.get_sample_value("sakshi_rule_group_iterations_missed_total", labels)
    assert missed == 3
    assert registry.get_sample_value("sakshi_rule_evaluations_total", labels) == 2


async def test_a_listener_that_fails_does_not_stop_the_rules(station: Station) -> None:
    """The loop's outermost line holds it; the next evaluation comes."""

    def on_change(transitions: Sequence[Transition]) -> None:
        raise ValueError("no")

    rules: RuleGroup = group(alerting("High", "vector(1)"), recording("one", "vector(1)"))
    async with running(station.manager(rules, on_change=on_change)):
        await station.clock.advance(60)
        await station.clock.advance(60)

    assert evaluations(station, "one") == [60, 120]


async def test_a_samples_disk_that_refuses_delays_no_alert(station: Station) -> None:
    """The alert is told before the recorded series are committed, and whether or not they are."""
    told: list[Transition] = []
    registry = CollectorRegistry()
    manager = station.manager(
        group(alerting("High", "vector(1)")), on_change=told.extend, registry=registry
    )

    def refuse() -> None:
        assert told, "told before the commit"
        raise StorageFullError("No space left on device")

    station.store.commit = refuse  # type: ignore[method-assign]
    async with running(manager):
        await station.clock.advance(60)

    assert steps(told) == ["inactive -> firing"]
    assert registry.get_sample_value("sakshi_rule_commit_failures_total") == 1


async def test_a_samples_disk_that_refuses_is_said_once(
    station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has a line for the first of a run of failures; the metric has them all."""
    registry = CollectorRegistry()
    manager = station.manager(group(recording("one", "vector(1)")), registry=registry)
    commit = station.store.commit
    script = iter([True, True, True, False, True, True])

    def commit_or_refuse() -> None:
        if next(script):
            raise StorageFullError("No space left on device")
        commit()

    station.store.commit = commit_or_refuse  # type: ignore[method-assign]
    async with running(manager):
        for _ in range(6):
            await station.clock.advance(60)

    assert caplog.text.count("recorded series not committed") == 2
    assert registry.get_sample_value("sakshi_rule_commit_failures_total") == 5


async def test_rules_run_on_a_thread_of_their_own(station: Station) -> None:
    """Without an executor the manager owns a thread, and closes it when it is cancelled."""
    import threading

    seen: list[str] = []
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Recorder:
        def load_alerts(self) -> Sequence[Any]:
            return ()

        def record(self, *_: Any) -> None:
            seen.append(threading.current_thread().name)
            loop.call_soon_threadsafe(arrived.set)

    manager = RuleManager(
        [group(alerting("High", "vector(1)"))],
        station.engine,
        station.store,
        Recorder(),
        station.clock,
    )
    async with running(manager):
        manager.scraped(0)
        await asyncio.wait_for(arrived.wait(), 5)

    assert seen[0].startswith("rules")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("rules")]


async def test_what_was_resolved_before_its_rule_went_is_not_told_again(station: Station) -> None:
    """The ledger keeps it for a while; a start without the rule changes nothing about it."""
    evaluator = station.evaluator(group(alerting("Gone", "x > 1")))
    for value in (2.0, 0.0):
        station.expose({"x": value})
        evaluator.evaluate(station.clock.now_ms())
        station.clock.move(MINUTE_MS)
    before = station.ledger.transitions(10)

    async with running(station.manager(ONES)):
        await station.clock.advance(1)

    assert station.ledger.transitions(10) == before
    assert steps(before) == ["firing -> resolved", "inactive -> firing"]


async def test_a_ledger_that_refuses_at_the_start_does_not_stop_the_rules(
    station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    """Alerts without a rule are resolved by the next start; what has a rule is evaluated now."""
    station.expose({"x": 2.0})
    gone = group(alerting("Gone", "x > 1"), name="gone")
    station.evaluator(gone).evaluate(station.clock.now_ms())
    manager = station.manager(ONES)

    def refuse(*_: Any) -> None:
        raise LedgerWriteError("database or disk is full")

    station.ledger.record = refuse  # type: ignore[method-assign,assignment]
    async with running(manager):
        await station.clock.advance(60)

    assert "alerts not resolved rule=" in caplog.text
    assert evaluations(station, "one") == [60]


async def test_any_text_is_a_name(station: Station) -> None:
    """Of what is read, recorded and alerted on, and in templates."""
    rules = group(
        recording("http.server.rate", '2 * {"http.server.count"}', labels={"service.team": "a b"}),
        alerting(
            "Slow",
            '{"http.server.rate", "service.name"="chat"} > 1',
            labels={"from-rule": '{{ index $labels "service.team" }}'},
            annotations={
                "run-book": '{{ with query `{"http.server.rate"}` }}'
                '{{ . | first | label "service.name" }}{{ end }}'
            },
        ),
    )
    manager = station.manager(rules)
    station.expose({'{"http.server.count", "service.name"="chat"}': 2.0})
    async with running(manager):
        manager.scraped(station.clock.now_ms())
        await station.clock.advance(0.001)

    assert station.query('{"http.server.rate"}') == {
        '{__name__="http.server.rate", "service.name"="chat", "service.team"="a b"}': 4.0
    }
    [alert] = station.ledger.load_alerts()
    assert dict(alert.labels) == {
        "alertname": "Slow",
        "from-rule": "a b",
        "service.name": "chat",
        "service.team": "a b",
    }
    assert dict(alert.annotations) == {"run-book": "chat"}
