"""Spans: layers, runs, provider calls, WebSocket turns."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from sakshi.instrument import Metrics, consciousness_metrics_middleware

PIPELINE = "consciousness_pipeline_duration_seconds"
MODEL = "ai_model_response_time_seconds"


class Timer:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry, timer: Timer) -> Metrics:
    return Metrics(registry, timer=timer)


def spend(timer: Timer, seconds: float, error: Exception) -> None:
    timer.seconds += seconds
    raise error


def layer(registry: CollectorRegistry, suffix: str, name: str) -> float | None:
    return registry.get_sample_value(f"{PIPELINE}_{suffix}", {"layer": name, "user_id": "ada"})


def call(registry: CollectorRegistry, suffix: str) -> float | None:
    return registry.get_sample_value(f"{MODEL}_{suffix}", {"model": "gpt", "provider": "openai"})


def requests(registry: CollectorRegistry, outcome: str) -> float | None:
    labels = {"provider": "openai", "model": "gpt", "outcome": outcome}
    return registry.get_sample_value("ai_requests_total", labels)


def runs(registry: CollectorRegistry, outcome: str) -> float | None:
    return registry.get_sample_value("consciousness_pipeline_runs_total", {"outcome": outcome})


def test_the_strategys_middleware_times_a_layer_until_end(
    metrics: Metrics, registry: CollectorRegistry, timer: Timer
) -> None:
    """`consciousnessMetricsMiddleware(layer, userId).end()` observes once, however often called."""
    span = consciousness_metrics_middleware("memory", "ada", metrics)
    timer.seconds += 0.25
    span.end()
    timer.seconds += 5
    span.end()

    assert layer(registry, "sum", "memory") == 0.25
    assert layer(registry, "count", "memory") == 1


def test_a_layer_is_observed_even_where_it_raises(
    metrics: Metrics, registry: CollectorRegistry, timer: Timer
) -> None:
    """A layer's time is spent whatever comes of it, and its error goes on."""
    with pytest.raises(KeyError), metrics.layer("memory", "ada"):
        spend(timer, 1, KeyError("gone"))

    assert layer(registry, "sum", "memory") == 1


async def test_a_layer_decorates_functions_and_coroutine_functions(
    metrics: Metrics, registry: CollectorRegistry, timer: Timer
) -> None:
    """Each call of a decorated function is a span of its own, and its result is unchanged."""

    @metrics.layer("memory", "ada")
    def recall(text: str) -> str:
        timer.seconds += 1
        return text.upper()

    @metrics.layer("memory", "ada")
    async def recall_later(text: str) -> str:
        timer.seconds += 2
        return text.lower()

    assert [recall("a"), recall("b"), await recall_later("C")] == ["A", "B", "c"]
    assert recall.__name__ == "recall"
    assert layer(registry, "count", "memory") == 3
    assert layer(registry, "sum", "memory") == 4


def test_a_whole_run_is_observed_once_as_total(
    metrics: Metrics, registry: CollectorRegistry, timer: Timer
) -> None:
    """A run that returns is one success and one observation under layer="total"."""
    with metrics.pipeline_run("ada"):
        timer.seconds += 0.7

    assert layer(registry, "sum", "total") == pytest.approx(0.7)
    assert (runs(registry, "success"), runs(registry, "failure")) == (1, 0)


def test_a_failed_run_is_counted_and_not_timed(
    metrics: Metrics, registry: CollectorRegistry
) -> None:
    """A run that raises is no completion."""
    with pytest.raises(OSError, match="down"), metrics.pipeline_run("ada"):
        raise OSError("down")

    assert layer(registry, "count", "total") is None
    assert (runs(registry, "success"), runs(registry, "failure")) == (0, 1)


def test_a_cancelled_run_is_neither_success_nor_failure(
    metrics: Metrics, registry: CollectorRegistry
) -> None:
    """A user who goes away is no failure of the pipeline."""
    with pytest.raises(asyncio.CancelledError), metrics.pipeline_run("ada"):
        raise asyncio.CancelledError

    assert (runs(registry, "success"), runs(registry, "failure")) == (0, 0)


def test_a_provider_that_answers_is_timed_and_counted(
    metrics: Metrics, registry: CollectorRegistry, timer: Timer
) -> None:
    """An answer is one success and one observation; failures stand at zero beside it."""
    with metrics.provider_call("openai", "gpt"):
        timer.seconds += 0.5

    assert call(registry, "sum") == 0.5
    assert (requests(registry, "success"), requests(registry, "failure")) == (1, 0)


def test_a_provider_that_refuses_is_counted_and_not_timed(
    metrics: Metrics, registry: CollectorRegistry
) -> None:
    """A quick refusal does not make a provider look fast."""
    with pytest.raises(OSError, match="429"), metrics.provider_call("openai", "gpt"):
        raise OSError("429")

    assert call(registry, "count") is None
    assert (requests(registry, "success"), requests(registry, "failure")) == (0, 1)


def test_a_provider_that_times_out_is_counted_and_timed(
    metrics: Metrics, registry: CollectorRegistry, timer: Timer
) -> None:
    """A hanging provider is visible as slow, not only as failing."""
    with pytest.raises(TimeoutError), metrics.provider_call("openai", "gpt"):
        spend(timer, 5, TimeoutError())

    assert call(registry, "sum") == 5
    assert requests(registry, "failure") == 1


def test_a_provider_call_that_is_given_up_is_not_recorded(
    metrics: Metrics, registry: CollectorRegistry
) -> None:
    """Nobody knows how a cancelled call would have ended."""
    with pytest.raises(asyncio.CancelledError), metrics.provider_call("openai", "gpt"):
        raise asyncio.CancelledError

    assert call(registry, "count") is None
    assert (requests(registry, "success"), requests(registry, "failure")) == (0, 0)


def test_decorated_runs_and_calls_are_recorded(
    metrics: Metrics, registry: CollectorRegistry
) -> None:
    """Runs and provider calls decorate too."""
    ask = metrics.provider_call("openai", "gpt")(lambda: "answer")
    run = metrics.pipeline_run("ada")(ask)

    assert [run(), run()] == ["answer", "answer"]
    assert (runs(registry, "success"), requests(registry, "success")) == (2, 2)


def test_a_turn_splits_the_handlers_own_time_from_the_whole(
    metrics: Metrics, registry: CollectorRegistry, timer: Timer
) -> None:
    """Time spent away (pipeline, providers) is latency of the turn and not of the handler."""
    with metrics.websocket_turn() as turn:
        timer.seconds += 0.03
        with turn.away():
            timer.seconds += 1.5
        timer.seconds += 0.02

    value = registry.get_sample_value
    assert value("websocket_turn_latency_seconds_sum") == pytest.approx(1.55)
    assert value("websocket_message_processing_seconds_sum") == pytest.approx(0.05)


def test_a_cancelled_turn_is_not_recorded(metrics: Metrics, registry: CollectorRegistry) -> None:
    """A turn whose connection went away has no latency."""
    with pytest.raises(asyncio.CancelledError), metrics.websocket_turn():
        raise asyncio.CancelledError

    assert registry.get_sample_value("websocket_turn_latency_seconds_count") == 0
