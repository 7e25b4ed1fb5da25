"""Event loop lag."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry, Gauge

from sakshi.instrument import Metrics
from sakshi.instrument.event_loop import WINDOW_SECONDS, EventLoopWatch
from sakshi.instrument.shield import Shield


class Timer:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class SignallingGauge(Gauge):
    measured: asyncio.Event

    def set(self, value: float) -> None:
        super().set(value)
        self.measured.set()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def lag(registry: CollectorRegistry) -> float | None:
    return registry.get_sample_value("sakshi_event_loop_lag_seconds")


async def watch_with(registry: CollectorRegistry, timer: Timer) -> EventLoopWatch:
    return Metrics(registry, timer=timer).watch_event_loop()


async def test_the_longest_lag_is_shown_through_the_next_window_and_then_forgotten(
    registry: CollectorRegistry,
) -> None:
    """A stall stays visible for 10 to 20 seconds, whoever scrapes how often."""
    watch = await watch_with(registry, Timer())

    watch.record(0.5, 101)
    watch.record(0.01, 102)
    shown_at_once = lag(registry)
    watch.record(0.02, 101 + WINDOW_SECONDS)
    shown_in_next_window = lag(registry)
    watch.record(0.03, 102 + 2 * WINDOW_SECONDS)
    shown_after = lag(registry)

    watch.stop()
    assert (shown_at_once, shown_in_next_window, shown_after) == (0.5, 0.5, 0.03)


async def test_a_late_wake_up_is_measured(registry: CollectorRegistry) -> None:
    """The lag is how much later than asked the loop came back."""
    timer, measured = Timer(), asyncio.Event()
    gauge = SignallingGauge("lag_seconds", "Lag.", registry=registry)
    gauge.measured = measured
    watch = EventLoopWatch(gauge, Shield(), timer)

    timer.seconds += 1.25  # the loop's own clock has barely moved: as if it had been blocked
    await measured.wait()

    watch.stop()
    watch.stop()
    assert registry.get_sample_value("lag_seconds") == pytest.approx(1.0)


async def test_a_watch_that_breaks_ends_and_is_counted(registry: CollectorRegistry) -> None:
    """The service's loop is not told of it."""
    broken = asyncio.Event()

    class BrokenGauge(Gauge):
        def set(self, value: float) -> None:
            broken.set()
            raise RuntimeError("no memory")

    shield = Shield()
    watch = EventLoopWatch(BrokenGauge("lag_seconds", "Lag.", registry=registry), shield, Timer())
    await broken.wait()
    await asyncio.sleep(0)

    watch.stop()
    assert shield.failures == {"event_loop": 1}


def test_without_a_running_loop_nothing_is_measured_and_nothing_raised(
    registry: CollectorRegistry,
) -> None:
    """A plain thread has no loop to be late."""
    metrics = Metrics(registry)

    metrics.watch_event_loop().stop()

    assert lag(registry) == 0
    assert metrics.shield.failures == {"event_loop": 1}
